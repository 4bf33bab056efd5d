"""What a frontend cannot take, before the place in the user's program is known."""


class Refusal(Exception):
    """What cannot be taken, raised where the place in the user's program is not known: made an error with one there."""

    def __init__(self, message: str, reason: str = "", advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason
        self.advice = advice
