"""A question as it is read, and how it is to be answered."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

from thresher.types.images import Filter
from thresher.types.queries import Aspect


class Kind(StrEnum):
    FIND = "find"
    EXISTS = "exists"
    COUNT = "count"
    COUNT_OBJECTS = "count_objects"
    WHICH = "which"
    ALL = "all"
    ANY = "any"
    COMPARE = "compare"
    DESCRIBE = "describe"
    READ = "read"


@dataclass(frozen=True, slots=True)
class Predicate:
    """Something a photograph shows: "two red dogs on a sofa".

    `noun` is the head phrase in the asker's words without article ("dog"); `attribute` a modifier that is judged by
    itself ("red"); `relation` and `object` bind it to another noun ("on", "sofa"); `min_count` asks for at least
    that many objects in one photograph.
    """

    noun: str
    attribute: str = ""
    relation: str = ""
    object: str = ""
    min_count: int = 1


@dataclass(frozen=True, slots=True)
class Where:
    """A typed filter used as a predicate: a tag, or a span of time (after <= taken_at < before)."""

    tag: str = ""
    after: datetime | None = None
    before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Says:
    """Photographs in which these words can be read, in any case and in this order: "STOP"."""

    text: str


@dataclass(frozen=True, slots=True)
class Like:
    """Photographs that a query other than words finds: like one that is named, with the same colours, a taught name.

    `reference` is how the asker called the picture (a file name, or the taught name); `change` how what is looked for
    differs from it ("without the dog").
    """

    reference: str
    aspect: Aspect = Aspect.WHOLE
    change: str = ""
    exemplar: bool = False


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: Expr


Leaf = Predicate | Where | Says | Like
Expr = Leaf | And | Or | Not
"""A set of photographs, written over predicates."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A question, read. `target` selects photographs (None: all of them).

    `condition` is what is asked about the selected ones: "for the photo with a <target>, is there a <condition>?",
    "do all photos with a <target> show a <condition>?". `compare_with` is the other side of more/fewer.
    `one`: a single photograph is meant, and taken for granted ("the photo with the <target>").
    `planner` says who read it: "grammar" or a model id.
    """

    kind: Kind
    target: Expr | None
    condition: Expr | None = None
    compare_with: Expr | None = None
    comparison: Literal["more", "fewer", ""] = ""
    planner: str = "grammar"
    one: bool = False


class Wording(StrEnum):
    NONE = "none"
    PLAIN = "plain"
    MODEL = "model"


class Grounding(StrEnum):
    NONE = "none"
    SHOWN = "shown"


class Pipeline(StrEnum):
    """What answers: the agent, or one of the baselines that suites compare it with.

    `detector`: boxes alone. `similarity`: the best photograph by similarity, then the judge. `base_rate`: how often
    such things are true, without a look at any photograph. `model`: the language model that sees, over all photographs
    of the scope at once.
    """

    AGENT = "agent"
    DETECTOR = "detector"
    SIMILARITY = "similarity"
    BASE_RATE = "base_rate"
    MODEL = "model"


class Duplicates(StrEnum):
    """Photographs that nearly repeat each other are one (`GROUPED`), or count each for itself."""

    GROUPED = "grouped"
    SEPARATE = "separate"


@dataclass(frozen=True, slots=True)
class AskOptions:
    """`abstain` False forces a value even where the judge is unsure (suites). `scope` restricts the photographs."""

    abstain: bool = True
    wording: Wording = Wording.MODEL
    ground: Grounding = Grounding.SHOWN
    max_evidence: int = 12
    scope: Filter = field(default_factory=Filter)
    pipeline: Pipeline = Pipeline.AGENT
    duplicates: Duplicates = Duplicates.GROUPED
