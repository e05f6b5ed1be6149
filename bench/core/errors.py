"""The two ways a command can end badly, each told to the user in one line."""


class BadUse(Exception):
    """The request makes no sense; the message says what to change. Exit status 2."""


class CannotGoOn(Exception):
    """The world got in the way (a full disk, say); the message says what to do. Exit status 1."""
