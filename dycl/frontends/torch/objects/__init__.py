"""Python's objects and library, run-time numbers among them."""
