"""One tree of errors. Each says what went wrong, what to do (`hint`) and whether trying again can help.

    ThresherError
    ├── InvalidInput            the request itself is wrong
    │   ├── InvalidQuestion
    │   ├── InvalidImage        not an image, truncated, too large ...
    │   ├── InvalidUpload       size or hash differ from what was declared, stream stopped half-way
    │   └── InvalidSetting      a profile, flag or environment variable
    ├── NotFound                collection, image
    ├── AlreadyExists
    ├── Conflict                stored data and this server do not fit each other
    │   ├── EncoderMismatch     collection made with another encoder
    │   ├── SchemaMismatch      collection made by another version
    │   └── DataDirInUse
    ├── Unsupported             this server cannot do that, today or ever (a pipeline that cannot answer the question)
    ├── PermissionDenied        a folder that the server may not import
    ├── Cancelled               a folder import that was ended by someone
    ├── Overloaded              too many asks: try again after `retry_after` seconds
    ├── StorageFull
    ├── DeadlineExceeded
    ├── Unavailable             a part is not (yet) there: server, language model
    │   └── GeneratorUnavailable
    └── InternalError           a fault of ours

Foreign exceptions are translated once, at the adapter that meets them.
"""

from __future__ import annotations


class ThresherError(Exception):
    """Base of all errors that Thresher raises on purpose."""

    code = "INTERNAL"
    retryable = False

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class InvalidInput(ThresherError):
    """`field` names the part of the request that is wrong, where one part is."""

    code = "INVALID_INPUT"

    def __init__(self, message: str, hint: str = "", field: str = "") -> None:
        super().__init__(message, hint)
        self.field = field


class InvalidQuestion(InvalidInput):
    code = "INVALID_QUESTION"


class InvalidImage(InvalidInput):
    code = "INVALID_IMAGE"


class InvalidUpload(InvalidInput):
    code = "INVALID_UPLOAD"


class InvalidSetting(InvalidInput):
    code = "INVALID_SETTING"


class NotFound(ThresherError):
    code = "NOT_FOUND"


class AlreadyExists(ThresherError):
    code = "ALREADY_EXISTS"


class Conflict(ThresherError):
    code = "CONFLICT"


class EncoderMismatch(Conflict):
    code = "ENCODER_MISMATCH"


class SchemaMismatch(Conflict):
    code = "SCHEMA_MISMATCH"


class DataDirInUse(Conflict):
    code = "DATA_DIR_IN_USE"


class Unsupported(ThresherError):
    """Suites print n/a where a baseline raises it."""

    code = "UNSUPPORTED"


class PermissionDenied(ThresherError):
    code = "PERMISSION_DENIED"


class Cancelled(ThresherError):
    code = "CANCELLED"


class Overloaded(ThresherError):
    code = "OVERLOADED"
    retryable = True

    def __init__(self, message: str, hint: str = "", retry_after: float = 1.0) -> None:
        super().__init__(message, hint)
        self.retry_after = retry_after


class StorageFull(ThresherError):
    code = "STORAGE_FULL"


class DeadlineExceeded(ThresherError):
    code = "DEADLINE_EXCEEDED"
    retryable = True


class Unavailable(ThresherError):
    code = "UNAVAILABLE"
    retryable = True


class GeneratorUnavailable(Unavailable):
    code = "GENERATOR_UNAVAILABLE"


class InternalError(ThresherError):
    code = "INTERNAL"
