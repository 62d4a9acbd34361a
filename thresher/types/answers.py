"""What is found, and what an ask streams."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from thresher.types.images import ImageId, Region
from thresher.types.questions import Kind, Plan


class Abstention(StrEnum):
    NONE = ""
    UNKNOWN_CONCEPT = "unknown_concept"
    NOT_FOUND = "not_found"
    UNSURE = "unsure"
    NOT_UNDERSTOOD = "not_understood"
    EMPTY_SCOPE = "empty_scope"
    OUT_OF_BUDGET = "out_of_budget"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer as computed. `value` None: abstained, and `abstention` says why.

    `images` are the photographs the answer rests on, best first (all of them: what is shown is bounded elsewhere).
    `interval` bounds a count (90 %). `judged` of `total` photographs in scope were looked at. `unchecked` lists the
    parts of the question that no model here could check. `duplicates` photographs nearly repeat one of `images` and
    were not judged for themselves.
    """

    kind: Kind
    value: bool | int | str | None
    images: tuple[ImageId, ...] = ()
    interval: tuple[int, int] | None = None
    confidence: float = 0.0
    judged: int = 0
    total: int = 0
    unchecked: tuple[str, ...] = ()
    abstention: Abstention = Abstention.NONE
    detail: str = ""
    duplicates: int = 0

    @property
    def abstained(self) -> bool:
        return self.abstention is not Abstention.NONE


@dataclass(frozen=True, slots=True)
class Citation:
    """A photograph the answer rests on, with the regions that show it."""

    image_id: ImageId
    path: str
    probability: float
    regions: tuple[Region, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """What was done, on how many photographs, in how many milliseconds."""

    name: str
    detail: str
    count: int
    milliseconds: float


@dataclass(frozen=True, slots=True)
class Text:
    """A wording of the answer. A later one replaces an earlier one. `source`: "plain" or a model id."""

    text: str
    source: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """A photograph as it is shown: the plan's regions, with masks once they are made."""

    citation: Citation


@dataclass(frozen=True, slots=True)
class Answer:
    """The end of an ask. `degraded` says what was missing (for example the language model), empty when nothing."""

    verdict: Verdict
    text: str
    citations: tuple[Citation, ...]
    confidence: float
    degraded: str = ""


@dataclass(frozen=True, slots=True)
class Witnesses:
    """What the judge is given about one phrase, before it judges: a number for each of n photographs.

    `similarity` f32 (n,), a probability where `calibrated`; `detection` f32 (n,): score of the best stored box, 0 where
    there is none. Both have n = 0 where the phrase is not `known`. `concepts`: names that it stands for.
    """

    known: bool
    concepts: tuple[str, ...]
    calibrated: bool
    similarity: NDArray[np.float32]
    detection: NDArray[np.float32]


AskEvent = Plan | Step | Evidence | Text | Answer
"""What an ask streams: one Plan (unless the question is not understood), Steps, Texts, Evidence; one Answer ends it."""
