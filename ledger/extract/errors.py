"""What ends a reader, or one part of it."""


class ExtractError(Exception):
    """A part of a file that cannot be read.

    reason -- short, and never with words of the file: it is committed in `extracted.failure`
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class OutOfTimeError(BaseException):
    """The worker's own deadline passed; what was found so far is still answered.

    A BaseException, so that no library's `except Exception` takes it for a fault of the file.
    """
