import datetime

from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from thresher.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Duplicates(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DUPLICATES_UNSPECIFIED: _ClassVar[Duplicates]
    DUPLICATES_GROUPED: _ClassVar[Duplicates]
    DUPLICATES_SEPARATE: _ClassVar[Duplicates]

class Wording(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WORDING_UNSPECIFIED: _ClassVar[Wording]
    WORDING_NONE: _ClassVar[Wording]
    WORDING_PLAIN: _ClassVar[Wording]
    WORDING_MODEL: _ClassVar[Wording]

class Grounding(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    GROUNDING_UNSPECIFIED: _ClassVar[Grounding]
    GROUNDING_NONE: _ClassVar[Grounding]
    GROUNDING_SHOWN: _ClassVar[Grounding]

class Pipeline(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PIPELINE_UNSPECIFIED: _ClassVar[Pipeline]
    PIPELINE_AGENT: _ClassVar[Pipeline]
    PIPELINE_DETECTOR: _ClassVar[Pipeline]
    PIPELINE_SIMILARITY: _ClassVar[Pipeline]
    PIPELINE_BASE_RATE: _ClassVar[Pipeline]
    PIPELINE_MODEL: _ClassVar[Pipeline]
DUPLICATES_UNSPECIFIED: Duplicates
DUPLICATES_GROUPED: Duplicates
DUPLICATES_SEPARATE: Duplicates
WORDING_UNSPECIFIED: Wording
WORDING_NONE: Wording
WORDING_PLAIN: Wording
WORDING_MODEL: Wording
GROUNDING_UNSPECIFIED: Grounding
GROUNDING_NONE: Grounding
GROUNDING_SHOWN: Grounding
PIPELINE_UNSPECIFIED: Pipeline
PIPELINE_AGENT: Pipeline
PIPELINE_DETECTOR: Pipeline
PIPELINE_SIMILARITY: Pipeline
PIPELINE_BASE_RATE: Pipeline
PIPELINE_MODEL: Pipeline

class GetWitnessesRequest(_message.Message):
    __slots__ = ("parent", "phrases", "scope")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    PHRASES_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    parent: str
    phrases: _containers.RepeatedScalarFieldContainer[str]
    scope: _types_pb2.Filter
    def __init__(self, parent: _Optional[str] = ..., phrases: _Optional[_Iterable[str]] = ..., scope: _Optional[_Union[_types_pb2.Filter, _Mapping]] = ...) -> None: ...

class GetWitnessesResponse(_message.Message):
    __slots__ = ("images", "witnesses")
    IMAGES_FIELD_NUMBER: _ClassVar[int]
    WITNESSES_FIELD_NUMBER: _ClassVar[int]
    images: _containers.RepeatedScalarFieldContainer[str]
    witnesses: _containers.RepeatedCompositeFieldContainer[Witnesses]
    def __init__(self, images: _Optional[_Iterable[str]] = ..., witnesses: _Optional[_Iterable[_Union[Witnesses, _Mapping]]] = ...) -> None: ...

class Witnesses(_message.Message):
    __slots__ = ("known", "concepts", "calibrated", "similarity", "detection")
    KNOWN_FIELD_NUMBER: _ClassVar[int]
    CONCEPTS_FIELD_NUMBER: _ClassVar[int]
    CALIBRATED_FIELD_NUMBER: _ClassVar[int]
    SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    DETECTION_FIELD_NUMBER: _ClassVar[int]
    known: bool
    concepts: _containers.RepeatedScalarFieldContainer[str]
    calibrated: bool
    similarity: _containers.RepeatedScalarFieldContainer[float]
    detection: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, known: _Optional[bool] = ..., concepts: _Optional[_Iterable[str]] = ..., calibrated: _Optional[bool] = ..., similarity: _Optional[_Iterable[float]] = ..., detection: _Optional[_Iterable[float]] = ...) -> None: ...

class AskRequest(_message.Message):
    __slots__ = ("parent", "question", "options")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    QUESTION_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    parent: str
    question: str
    options: AskOptions
    def __init__(self, parent: _Optional[str] = ..., question: _Optional[str] = ..., options: _Optional[_Union[AskOptions, _Mapping]] = ...) -> None: ...

class AskOptions(_message.Message):
    __slots__ = ("abstain", "wording", "ground", "max_evidence", "scope", "pipeline", "duplicates")
    ABSTAIN_FIELD_NUMBER: _ClassVar[int]
    WORDING_FIELD_NUMBER: _ClassVar[int]
    GROUND_FIELD_NUMBER: _ClassVar[int]
    MAX_EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    PIPELINE_FIELD_NUMBER: _ClassVar[int]
    DUPLICATES_FIELD_NUMBER: _ClassVar[int]
    abstain: bool
    wording: Wording
    ground: Grounding
    max_evidence: int
    scope: _types_pb2.Filter
    pipeline: Pipeline
    duplicates: Duplicates
    def __init__(self, abstain: _Optional[bool] = ..., wording: _Optional[_Union[Wording, str]] = ..., ground: _Optional[_Union[Grounding, str]] = ..., max_evidence: _Optional[int] = ..., scope: _Optional[_Union[_types_pb2.Filter, _Mapping]] = ..., pipeline: _Optional[_Union[Pipeline, str]] = ..., duplicates: _Optional[_Union[Duplicates, str]] = ...) -> None: ...

class AskResponse(_message.Message):
    __slots__ = ("sequence", "plan", "step", "evidence", "text", "answer")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    plan: Plan
    step: Step
    evidence: Evidence
    text: Text
    answer: Answer
    def __init__(self, sequence: _Optional[int] = ..., plan: _Optional[_Union[Plan, _Mapping]] = ..., step: _Optional[_Union[Step, _Mapping]] = ..., evidence: _Optional[_Union[Evidence, _Mapping]] = ..., text: _Optional[_Union[Text, _Mapping]] = ..., answer: _Optional[_Union[Answer, _Mapping]] = ...) -> None: ...

class Plan(_message.Message):
    __slots__ = ("kind", "target", "condition", "compare_with", "comparison", "planner", "one")
    KIND_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    COMPARE_WITH_FIELD_NUMBER: _ClassVar[int]
    COMPARISON_FIELD_NUMBER: _ClassVar[int]
    PLANNER_FIELD_NUMBER: _ClassVar[int]
    ONE_FIELD_NUMBER: _ClassVar[int]
    kind: str
    target: Expression
    condition: Expression
    compare_with: Expression
    comparison: str
    planner: str
    one: bool
    def __init__(self, kind: _Optional[str] = ..., target: _Optional[_Union[Expression, _Mapping]] = ..., condition: _Optional[_Union[Expression, _Mapping]] = ..., compare_with: _Optional[_Union[Expression, _Mapping]] = ..., comparison: _Optional[str] = ..., planner: _Optional[str] = ..., one: _Optional[bool] = ...) -> None: ...

class Expression(_message.Message):
    __slots__ = ("predicate", "where", "all_of", "any_of", "negated", "says", "like", "words")
    PREDICATE_FIELD_NUMBER: _ClassVar[int]
    WHERE_FIELD_NUMBER: _ClassVar[int]
    ALL_OF_FIELD_NUMBER: _ClassVar[int]
    ANY_OF_FIELD_NUMBER: _ClassVar[int]
    NEGATED_FIELD_NUMBER: _ClassVar[int]
    SAYS_FIELD_NUMBER: _ClassVar[int]
    LIKE_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    predicate: Predicate
    where: Where
    all_of: Expressions
    any_of: Expressions
    negated: Expression
    says: Says
    like: Like
    words: str
    def __init__(self, predicate: _Optional[_Union[Predicate, _Mapping]] = ..., where: _Optional[_Union[Where, _Mapping]] = ..., all_of: _Optional[_Union[Expressions, _Mapping]] = ..., any_of: _Optional[_Union[Expressions, _Mapping]] = ..., negated: _Optional[_Union[Expression, _Mapping]] = ..., says: _Optional[_Union[Says, _Mapping]] = ..., like: _Optional[_Union[Like, _Mapping]] = ..., words: _Optional[str] = ...) -> None: ...

class Expressions(_message.Message):
    __slots__ = ("parts",)
    PARTS_FIELD_NUMBER: _ClassVar[int]
    parts: _containers.RepeatedCompositeFieldContainer[Expression]
    def __init__(self, parts: _Optional[_Iterable[_Union[Expression, _Mapping]]] = ...) -> None: ...

class Predicate(_message.Message):
    __slots__ = ("noun", "attribute", "relation", "object", "min_count")
    NOUN_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTE_FIELD_NUMBER: _ClassVar[int]
    RELATION_FIELD_NUMBER: _ClassVar[int]
    OBJECT_FIELD_NUMBER: _ClassVar[int]
    MIN_COUNT_FIELD_NUMBER: _ClassVar[int]
    noun: str
    attribute: str
    relation: str
    object: str
    min_count: int
    def __init__(self, noun: _Optional[str] = ..., attribute: _Optional[str] = ..., relation: _Optional[str] = ..., object: _Optional[str] = ..., min_count: _Optional[int] = ...) -> None: ...

class Where(_message.Message):
    __slots__ = ("tag", "after", "before")
    TAG_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    tag: str
    after: _timestamp_pb2.Timestamp
    before: _timestamp_pb2.Timestamp
    def __init__(self, tag: _Optional[str] = ..., after: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., before: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Says(_message.Message):
    __slots__ = ("text",)
    TEXT_FIELD_NUMBER: _ClassVar[int]
    text: str
    def __init__(self, text: _Optional[str] = ...) -> None: ...

class Like(_message.Message):
    __slots__ = ("reference", "aspect", "change", "exemplar")
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    ASPECT_FIELD_NUMBER: _ClassVar[int]
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    EXEMPLAR_FIELD_NUMBER: _ClassVar[int]
    reference: str
    aspect: str
    change: str
    exemplar: bool
    def __init__(self, reference: _Optional[str] = ..., aspect: _Optional[str] = ..., change: _Optional[str] = ..., exemplar: _Optional[bool] = ...) -> None: ...

class Step(_message.Message):
    __slots__ = ("name", "detail", "count", "milliseconds")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    MILLISECONDS_FIELD_NUMBER: _ClassVar[int]
    name: str
    detail: str
    count: int
    milliseconds: float
    def __init__(self, name: _Optional[str] = ..., detail: _Optional[str] = ..., count: _Optional[int] = ..., milliseconds: _Optional[float] = ...) -> None: ...

class Evidence(_message.Message):
    __slots__ = ("citation",)
    CITATION_FIELD_NUMBER: _ClassVar[int]
    citation: Citation
    def __init__(self, citation: _Optional[_Union[Citation, _Mapping]] = ...) -> None: ...

class Text(_message.Message):
    __slots__ = ("text", "source")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    text: str
    source: str
    def __init__(self, text: _Optional[str] = ..., source: _Optional[str] = ...) -> None: ...

class Citation(_message.Message):
    __slots__ = ("image", "path", "probability", "regions")
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    REGIONS_FIELD_NUMBER: _ClassVar[int]
    image: str
    path: str
    probability: float
    regions: _containers.RepeatedCompositeFieldContainer[_types_pb2.Region]
    def __init__(self, image: _Optional[str] = ..., path: _Optional[str] = ..., probability: _Optional[float] = ..., regions: _Optional[_Iterable[_Union[_types_pb2.Region, _Mapping]]] = ...) -> None: ...

class Answer(_message.Message):
    __slots__ = ("verdict", "text", "citations", "confidence", "degraded", "seconds")
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    CITATIONS_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    DEGRADED_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    verdict: Verdict
    text: str
    citations: _containers.RepeatedCompositeFieldContainer[Citation]
    confidence: float
    degraded: str
    seconds: float
    def __init__(self, verdict: _Optional[_Union[Verdict, _Mapping]] = ..., text: _Optional[str] = ..., citations: _Optional[_Iterable[_Union[Citation, _Mapping]]] = ..., confidence: _Optional[float] = ..., degraded: _Optional[str] = ..., seconds: _Optional[float] = ...) -> None: ...

class Verdict(_message.Message):
    __slots__ = ("kind", "value", "images", "paths", "interval", "judged", "total", "unchecked", "abstained", "reason", "detail", "duplicates")
    KIND_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    IMAGES_FIELD_NUMBER: _ClassVar[int]
    PATHS_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    JUDGED_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    UNCHECKED_FIELD_NUMBER: _ClassVar[int]
    ABSTAINED_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    DUPLICATES_FIELD_NUMBER: _ClassVar[int]
    kind: str
    value: _struct_pb2.Value
    images: _containers.RepeatedScalarFieldContainer[str]
    paths: _containers.RepeatedScalarFieldContainer[str]
    interval: Interval
    judged: int
    total: int
    unchecked: _containers.RepeatedScalarFieldContainer[str]
    abstained: bool
    reason: str
    detail: str
    duplicates: int
    def __init__(self, kind: _Optional[str] = ..., value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., images: _Optional[_Iterable[str]] = ..., paths: _Optional[_Iterable[str]] = ..., interval: _Optional[_Union[Interval, _Mapping]] = ..., judged: _Optional[int] = ..., total: _Optional[int] = ..., unchecked: _Optional[_Iterable[str]] = ..., abstained: _Optional[bool] = ..., reason: _Optional[str] = ..., detail: _Optional[str] = ..., duplicates: _Optional[int] = ...) -> None: ...

class Interval(_message.Message):
    __slots__ = ("low", "high")
    LOW_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    low: int
    high: int
    def __init__(self, low: _Optional[int] = ..., high: _Optional[int] = ...) -> None: ...
