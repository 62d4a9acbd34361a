from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetServerInfoRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ServerInfo(_message.Message):
    __slots__ = ("version", "schema_version", "profile", "encoder", "grounder", "generator", "generator_ready", "generator_detail", "sees", "plans", "limits", "generator_failed", "judge")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_VERSION_FIELD_NUMBER: _ClassVar[int]
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    ENCODER_FIELD_NUMBER: _ClassVar[int]
    GROUNDER_FIELD_NUMBER: _ClassVar[int]
    GENERATOR_FIELD_NUMBER: _ClassVar[int]
    GENERATOR_READY_FIELD_NUMBER: _ClassVar[int]
    GENERATOR_DETAIL_FIELD_NUMBER: _ClassVar[int]
    SEES_FIELD_NUMBER: _ClassVar[int]
    PLANS_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    GENERATOR_FAILED_FIELD_NUMBER: _ClassVar[int]
    JUDGE_FIELD_NUMBER: _ClassVar[int]
    version: str
    schema_version: int
    profile: str
    encoder: ModelInfo
    grounder: ModelInfo
    generator: ModelInfo
    generator_ready: bool
    generator_detail: str
    sees: bool
    plans: bool
    limits: Limits
    generator_failed: bool
    judge: ModelInfo
    def __init__(self, version: _Optional[str] = ..., schema_version: _Optional[int] = ..., profile: _Optional[str] = ..., encoder: _Optional[_Union[ModelInfo, _Mapping]] = ..., grounder: _Optional[_Union[ModelInfo, _Mapping]] = ..., generator: _Optional[_Union[ModelInfo, _Mapping]] = ..., generator_ready: _Optional[bool] = ..., generator_detail: _Optional[str] = ..., sees: _Optional[bool] = ..., plans: _Optional[bool] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ..., generator_failed: _Optional[bool] = ..., judge: _Optional[_Union[ModelInfo, _Mapping]] = ...) -> None: ...

class ModelInfo(_message.Message):
    __slots__ = ("id", "weights")
    ID_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    id: str
    weights: str
    def __init__(self, id: _Optional[str] = ..., weights: _Optional[str] = ...) -> None: ...

class Limits(_message.Message):
    __slots__ = ("max_concurrent_asks", "max_image_bytes", "max_image_pixels", "max_question_characters", "max_ask_seconds")
    MAX_CONCURRENT_ASKS_FIELD_NUMBER: _ClassVar[int]
    MAX_IMAGE_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_IMAGE_PIXELS_FIELD_NUMBER: _ClassVar[int]
    MAX_QUESTION_CHARACTERS_FIELD_NUMBER: _ClassVar[int]
    MAX_ASK_SECONDS_FIELD_NUMBER: _ClassVar[int]
    max_concurrent_asks: int
    max_image_bytes: int
    max_image_pixels: int
    max_question_characters: int
    max_ask_seconds: float
    def __init__(self, max_concurrent_asks: _Optional[int] = ..., max_image_bytes: _Optional[int] = ..., max_image_pixels: _Optional[int] = ..., max_question_characters: _Optional[int] = ..., max_ask_seconds: _Optional[float] = ...) -> None: ...
