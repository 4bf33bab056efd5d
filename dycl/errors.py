"""Errors that are the user's to mend."""


class DyclError(Exception):
    """A failure that names the thing, its place and the way out: exit code 1 on the command line."""


class UsageError(DyclError):
    """A request that cannot be carried out as given (arguments, signature, pipeline): exit code 2."""
