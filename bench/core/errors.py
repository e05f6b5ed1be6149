"""The two errors that end a command; each is printed in one line."""


class UsageError(Exception):
    """The request makes no sense; the message says what to change. Exit status 2."""


class RunError(Exception):
    """The command cannot go on, for example because a disk is full; the message says what to do. Exit status 1."""
