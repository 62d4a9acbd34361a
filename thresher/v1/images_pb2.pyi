import datetime

from google.longrunning import operations_pb2 as _operations_pb2
from google.protobuf import empty_pb2 as _empty_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from thresher.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Image(_message.Message):
    __slots__ = ("name", "paths", "width", "height", "mime_type", "size_bytes", "import_time", "taken_time", "camera", "latitude", "longitude", "tags", "caption", "place", "text", "near_duplicate_of")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PATHS_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    MIME_TYPE_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    IMPORT_TIME_FIELD_NUMBER: _ClassVar[int]
    TAKEN_TIME_FIELD_NUMBER: _ClassVar[int]
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    LATITUDE_FIELD_NUMBER: _ClassVar[int]
    LONGITUDE_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    CAPTION_FIELD_NUMBER: _ClassVar[int]
    PLACE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    NEAR_DUPLICATE_OF_FIELD_NUMBER: _ClassVar[int]
    name: str
    paths: _containers.RepeatedScalarFieldContainer[str]
    width: int
    height: int
    mime_type: str
    size_bytes: int
    import_time: _timestamp_pb2.Timestamp
    taken_time: _timestamp_pb2.Timestamp
    camera: str
    latitude: float
    longitude: float
    tags: _containers.RepeatedScalarFieldContainer[str]
    caption: str
    place: str
    text: str
    near_duplicate_of: str
    def __init__(self, name: _Optional[str] = ..., paths: _Optional[_Iterable[str]] = ..., width: _Optional[int] = ..., height: _Optional[int] = ..., mime_type: _Optional[str] = ..., size_bytes: _Optional[int] = ..., import_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., taken_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., camera: _Optional[str] = ..., latitude: _Optional[float] = ..., longitude: _Optional[float] = ..., tags: _Optional[_Iterable[str]] = ..., caption: _Optional[str] = ..., place: _Optional[str] = ..., text: _Optional[str] = ..., near_duplicate_of: _Optional[str] = ...) -> None: ...

class UploadImagesRequest(_message.Message):
    __slots__ = ("parent", "header", "chunk")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    HEADER_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    parent: str
    header: UploadHeader
    chunk: bytes
    def __init__(self, parent: _Optional[str] = ..., header: _Optional[_Union[UploadHeader, _Mapping]] = ..., chunk: _Optional[bytes] = ...) -> None: ...

class UploadHeader(_message.Message):
    __slots__ = ("sha256", "size_bytes", "path", "tags", "known")
    SHA256_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    KNOWN_FIELD_NUMBER: _ClassVar[int]
    sha256: str
    size_bytes: int
    path: str
    tags: _containers.RepeatedScalarFieldContainer[str]
    known: bool
    def __init__(self, sha256: _Optional[str] = ..., size_bytes: _Optional[int] = ..., path: _Optional[str] = ..., tags: _Optional[_Iterable[str]] = ..., known: _Optional[bool] = ...) -> None: ...

class UploadImagesResponse(_message.Message):
    __slots__ = ("sha256", "path", "outcome", "error")
    class Outcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        OUTCOME_UNSPECIFIED: _ClassVar[UploadImagesResponse.Outcome]
        OUTCOME_CREATED: _ClassVar[UploadImagesResponse.Outcome]
        OUTCOME_EXISTED: _ClassVar[UploadImagesResponse.Outcome]
        OUTCOME_FAILED: _ClassVar[UploadImagesResponse.Outcome]
    OUTCOME_UNSPECIFIED: UploadImagesResponse.Outcome
    OUTCOME_CREATED: UploadImagesResponse.Outcome
    OUTCOME_EXISTED: UploadImagesResponse.Outcome
    OUTCOME_FAILED: UploadImagesResponse.Outcome
    SHA256_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    sha256: str
    path: str
    outcome: UploadImagesResponse.Outcome
    error: _types_pb2.Error
    def __init__(self, sha256: _Optional[str] = ..., path: _Optional[str] = ..., outcome: _Optional[_Union[UploadImagesResponse.Outcome, str]] = ..., error: _Optional[_Union[_types_pb2.Error, _Mapping]] = ...) -> None: ...

class FindMissingImagesRequest(_message.Message):
    __slots__ = ("parent", "sha256")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    parent: str
    sha256: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, parent: _Optional[str] = ..., sha256: _Optional[_Iterable[str]] = ...) -> None: ...

class FindMissingImagesResponse(_message.Message):
    __slots__ = ("sha256",)
    SHA256_FIELD_NUMBER: _ClassVar[int]
    sha256: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, sha256: _Optional[_Iterable[str]] = ...) -> None: ...

class GetImageRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ListImagesRequest(_message.Message):
    __slots__ = ("parent", "page_size", "page_token", "filter")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    parent: str
    page_size: int
    page_token: str
    filter: _types_pb2.Filter
    def __init__(self, parent: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., filter: _Optional[_Union[_types_pb2.Filter, _Mapping]] = ...) -> None: ...

class ListImagesResponse(_message.Message):
    __slots__ = ("images", "next_page_token")
    IMAGES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    images: _containers.RepeatedCompositeFieldContainer[Image]
    next_page_token: str
    def __init__(self, images: _Optional[_Iterable[_Union[Image, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DeleteImageRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class DownloadImageRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class DownloadImageResponse(_message.Message):
    __slots__ = ("chunk",)
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    chunk: bytes
    def __init__(self, chunk: _Optional[bytes] = ...) -> None: ...

class ImportImagesRequest(_message.Message):
    __slots__ = ("parent", "folder", "tags", "retry_failed")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    FOLDER_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    RETRY_FAILED_FIELD_NUMBER: _ClassVar[int]
    parent: str
    folder: str
    tags: _containers.RepeatedScalarFieldContainer[str]
    retry_failed: bool
    def __init__(self, parent: _Optional[str] = ..., folder: _Optional[str] = ..., tags: _Optional[_Iterable[str]] = ..., retry_failed: _Optional[bool] = ...) -> None: ...

class ImportImagesMetadata(_message.Message):
    __slots__ = ("parent", "folder", "tags", "state", "so_far", "images_per_second", "create_time", "end_time")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[ImportImagesMetadata.State]
        STATE_WAITING: _ClassVar[ImportImagesMetadata.State]
        STATE_SCANNING: _ClassVar[ImportImagesMetadata.State]
        STATE_IMPORTING: _ClassVar[ImportImagesMetadata.State]
        STATE_CANCELLING: _ClassVar[ImportImagesMetadata.State]
        STATE_ENDED: _ClassVar[ImportImagesMetadata.State]
    STATE_UNSPECIFIED: ImportImagesMetadata.State
    STATE_WAITING: ImportImagesMetadata.State
    STATE_SCANNING: ImportImagesMetadata.State
    STATE_IMPORTING: ImportImagesMetadata.State
    STATE_CANCELLING: ImportImagesMetadata.State
    STATE_ENDED: ImportImagesMetadata.State
    PARENT_FIELD_NUMBER: _ClassVar[int]
    FOLDER_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    SO_FAR_FIELD_NUMBER: _ClassVar[int]
    IMAGES_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    parent: str
    folder: str
    tags: _containers.RepeatedScalarFieldContainer[str]
    state: ImportImagesMetadata.State
    so_far: ImportImagesResponse
    images_per_second: float
    create_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    def __init__(self, parent: _Optional[str] = ..., folder: _Optional[str] = ..., tags: _Optional[_Iterable[str]] = ..., state: _Optional[_Union[ImportImagesMetadata.State, str]] = ..., so_far: _Optional[_Union[ImportImagesResponse, _Mapping]] = ..., images_per_second: _Optional[float] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ImportImagesResponse(_message.Message):
    __slots__ = ("pending", "done", "skipped", "failed", "done_bytes", "failures", "skips")
    PENDING_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    DONE_BYTES_FIELD_NUMBER: _ClassVar[int]
    FAILURES_FIELD_NUMBER: _ClassVar[int]
    SKIPS_FIELD_NUMBER: _ClassVar[int]
    pending: int
    done: int
    skipped: int
    failed: int
    done_bytes: int
    failures: _containers.RepeatedCompositeFieldContainer[ImportFailure]
    skips: _containers.RepeatedCompositeFieldContainer[ImportSkip]
    def __init__(self, pending: _Optional[int] = ..., done: _Optional[int] = ..., skipped: _Optional[int] = ..., failed: _Optional[int] = ..., done_bytes: _Optional[int] = ..., failures: _Optional[_Iterable[_Union[ImportFailure, _Mapping]]] = ..., skips: _Optional[_Iterable[_Union[ImportSkip, _Mapping]]] = ...) -> None: ...

class ImportFailure(_message.Message):
    __slots__ = ("path", "reason")
    PATH_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    path: str
    reason: str
    def __init__(self, path: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ImportSkip(_message.Message):
    __slots__ = ("reason", "count")
    REASON_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    reason: str
    count: int
    def __init__(self, reason: _Optional[str] = ..., count: _Optional[int] = ...) -> None: ...

class ChangeImagesRequest(_message.Message):
    __slots__ = ("parent", "changes")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    parent: str
    changes: _containers.RepeatedCompositeFieldContainer[ImageChange]
    def __init__(self, parent: _Optional[str] = ..., changes: _Optional[_Iterable[_Union[ImageChange, _Mapping]]] = ...) -> None: ...

class ImageChange(_message.Message):
    __slots__ = ("sha256", "add_paths", "remove_paths", "add_tags", "remove_tags")
    SHA256_FIELD_NUMBER: _ClassVar[int]
    ADD_PATHS_FIELD_NUMBER: _ClassVar[int]
    REMOVE_PATHS_FIELD_NUMBER: _ClassVar[int]
    ADD_TAGS_FIELD_NUMBER: _ClassVar[int]
    REMOVE_TAGS_FIELD_NUMBER: _ClassVar[int]
    sha256: str
    add_paths: _containers.RepeatedScalarFieldContainer[str]
    remove_paths: _containers.RepeatedScalarFieldContainer[str]
    add_tags: _containers.RepeatedScalarFieldContainer[str]
    remove_tags: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, sha256: _Optional[str] = ..., add_paths: _Optional[_Iterable[str]] = ..., remove_paths: _Optional[_Iterable[str]] = ..., add_tags: _Optional[_Iterable[str]] = ..., remove_tags: _Optional[_Iterable[str]] = ...) -> None: ...

class ChangeImagesResponse(_message.Message):
    __slots__ = ("missing",)
    MISSING_FIELD_NUMBER: _ClassVar[int]
    missing: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, missing: _Optional[_Iterable[str]] = ...) -> None: ...
