from thresher.v1 import images_pb2 as _images_pb2
from thresher.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SearchRequest(_message.Message):
    __slots__ = ("parent", "text", "image", "image_content", "filter", "limit")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    IMAGE_CONTENT_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    parent: str
    text: str
    image: str
    image_content: bytes
    filter: _types_pb2.Filter
    limit: int
    def __init__(self, parent: _Optional[str] = ..., text: _Optional[str] = ..., image: _Optional[str] = ..., image_content: _Optional[bytes] = ..., filter: _Optional[_Union[_types_pb2.Filter, _Mapping]] = ..., limit: _Optional[int] = ...) -> None: ...

class SearchResponse(_message.Message):
    __slots__ = ("hits", "unknown_concept", "nearest")
    HITS_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_CONCEPT_FIELD_NUMBER: _ClassVar[int]
    NEAREST_FIELD_NUMBER: _ClassVar[int]
    hits: _containers.RepeatedCompositeFieldContainer[SearchHit]
    unknown_concept: bool
    nearest: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, hits: _Optional[_Iterable[_Union[SearchHit, _Mapping]]] = ..., unknown_concept: _Optional[bool] = ..., nearest: _Optional[_Iterable[str]] = ...) -> None: ...

class SearchHit(_message.Message):
    __slots__ = ("image", "score")
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    image: _images_pb2.Image
    score: float
    def __init__(self, image: _Optional[_Union[_images_pb2.Image, _Mapping]] = ..., score: _Optional[float] = ...) -> None: ...

class GroundRequest(_message.Message):
    __slots__ = ("image", "prompts")
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    PROMPTS_FIELD_NUMBER: _ClassVar[int]
    image: str
    prompts: _containers.RepeatedCompositeFieldContainer[GroundPrompt]
    def __init__(self, image: _Optional[str] = ..., prompts: _Optional[_Iterable[_Union[GroundPrompt, _Mapping]]] = ...) -> None: ...

class GroundPrompt(_message.Message):
    __slots__ = ("text", "point", "box")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    POINT_FIELD_NUMBER: _ClassVar[int]
    BOX_FIELD_NUMBER: _ClassVar[int]
    text: str
    point: _types_pb2.Point
    box: _types_pb2.Box
    def __init__(self, text: _Optional[str] = ..., point: _Optional[_Union[_types_pb2.Point, _Mapping]] = ..., box: _Optional[_Union[_types_pb2.Box, _Mapping]] = ...) -> None: ...

class GroundResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[GroundResult]
    def __init__(self, results: _Optional[_Iterable[_Union[GroundResult, _Mapping]]] = ...) -> None: ...

class GroundResult(_message.Message):
    __slots__ = ("regions",)
    REGIONS_FIELD_NUMBER: _ClassVar[int]
    regions: _containers.RepeatedCompositeFieldContainer[_types_pb2.Region]
    def __init__(self, regions: _Optional[_Iterable[_Union[_types_pb2.Region, _Mapping]]] = ...) -> None: ...
