from thresher.v1 import images_pb2 as _images_pb2
from thresher.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Aspect(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ASPECT_UNSPECIFIED: _ClassVar[Aspect]
    ASPECT_WHOLE: _ClassVar[Aspect]
    ASPECT_OBJECT: _ClassVar[Aspect]
    ASPECT_COLOUR: _ClassVar[Aspect]
    ASPECT_PLACE: _ClassVar[Aspect]
    ASPECT_INSTANCE: _ClassVar[Aspect]

class Medium(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MEDIUM_UNSPECIFIED: _ClassVar[Medium]
    MEDIUM_PHOTOGRAPH: _ClassVar[Medium]
    MEDIUM_SKETCH: _ClassVar[Medium]
    MEDIUM_LINE_ART: _ClassVar[Medium]
    MEDIUM_LOW_RESOLUTION: _ClassVar[Medium]

class Ranker(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RANKER_UNSPECIFIED: _ClassVar[Ranker]
    RANKER_VECTOR: _ClassVar[Ranker]
    RANKER_MULTI_VECTOR: _ClassVar[Ranker]
    RANKER_HYBRID: _ClassVar[Ranker]
    RANKER_JUDGED: _ClassVar[Ranker]
ASPECT_UNSPECIFIED: Aspect
ASPECT_WHOLE: Aspect
ASPECT_OBJECT: Aspect
ASPECT_COLOUR: Aspect
ASPECT_PLACE: Aspect
ASPECT_INSTANCE: Aspect
MEDIUM_UNSPECIFIED: Medium
MEDIUM_PHOTOGRAPH: Medium
MEDIUM_SKETCH: Medium
MEDIUM_LINE_ART: Medium
MEDIUM_LOW_RESOLUTION: Medium
RANKER_UNSPECIFIED: Ranker
RANKER_VECTOR: Ranker
RANKER_MULTI_VECTOR: Ranker
RANKER_HYBRID: Ranker
RANKER_JUDGED: Ranker

class SearchRequest(_message.Message):
    __slots__ = ("parent", "query", "filter", "limit", "ranker", "separate_duplicates")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    RANKER_FIELD_NUMBER: _ClassVar[int]
    SEPARATE_DUPLICATES_FIELD_NUMBER: _ClassVar[int]
    parent: str
    query: Query
    filter: _types_pb2.Filter
    limit: int
    ranker: Ranker
    separate_duplicates: bool
    def __init__(self, parent: _Optional[str] = ..., query: _Optional[_Union[Query, _Mapping]] = ..., filter: _Optional[_Union[_types_pb2.Filter, _Mapping]] = ..., limit: _Optional[int] = ..., ranker: _Optional[_Union[Ranker, str]] = ..., separate_duplicates: _Optional[bool] = ...) -> None: ...

class Query(_message.Message):
    __slots__ = ("text", "image", "content", "exemplar", "regions", "aspect", "medium")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    EXEMPLAR_FIELD_NUMBER: _ClassVar[int]
    REGIONS_FIELD_NUMBER: _ClassVar[int]
    ASPECT_FIELD_NUMBER: _ClassVar[int]
    MEDIUM_FIELD_NUMBER: _ClassVar[int]
    text: str
    image: str
    content: bytes
    exemplar: str
    regions: _containers.RepeatedCompositeFieldContainer[RegionPrompt]
    aspect: Aspect
    medium: Medium
    def __init__(self, text: _Optional[str] = ..., image: _Optional[str] = ..., content: _Optional[bytes] = ..., exemplar: _Optional[str] = ..., regions: _Optional[_Iterable[_Union[RegionPrompt, _Mapping]]] = ..., aspect: _Optional[_Union[Aspect, str]] = ..., medium: _Optional[_Union[Medium, str]] = ...) -> None: ...

class RegionPrompt(_message.Message):
    __slots__ = ("point", "box")
    POINT_FIELD_NUMBER: _ClassVar[int]
    BOX_FIELD_NUMBER: _ClassVar[int]
    point: _types_pb2.Point
    box: _types_pb2.Box
    def __init__(self, point: _Optional[_Union[_types_pb2.Point, _Mapping]] = ..., box: _Optional[_Union[_types_pb2.Box, _Mapping]] = ...) -> None: ...

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
    __slots__ = ("image", "score", "regions", "duplicates")
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    REGIONS_FIELD_NUMBER: _ClassVar[int]
    DUPLICATES_FIELD_NUMBER: _ClassVar[int]
    image: _images_pb2.Image
    score: float
    regions: _containers.RepeatedCompositeFieldContainer[_types_pb2.Region]
    duplicates: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, image: _Optional[_Union[_images_pb2.Image, _Mapping]] = ..., score: _Optional[float] = ..., regions: _Optional[_Iterable[_Union[_types_pb2.Region, _Mapping]]] = ..., duplicates: _Optional[_Iterable[str]] = ...) -> None: ...

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
