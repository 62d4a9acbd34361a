"""What the judge and the graph are given by whoever wires them: constants fitted elsewhere, budgets, and the parts."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from models.protocols import Encoder, Generator, Grounder
from retrievers.exemplars import Lesson
from retrievers.protocols import ImageStore
from thresher.types import Concept, ImageId, Pixels, Ranker, TextFeatures

LEAST_BOX = 0.03
"""A photograph without a box of a thing is judged as if its best one had this score."""


Weights = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class JudgeParams:
    """Constants of the judge, fitted with the encoder whose scores they read (models.encoders.calibration).

    `thresholds`, `base_rates`, `box_thresholds` are by concept index (shorter or empty: the default beside them).
    `slope`, `intercept`, `detection`: P(shown) = sigmoid(slope * x + intercept + detection * logit b), where x is the
    score, its logit where scores are probabilities, and b the best stored box's score, at least `LEAST_BOX`.
    `threshold`: P(shown) from which a photograph counts as showing it. `base_rate`: how many photographs show it.
    `box_threshold`: score from which a box counts as one object; over 1 for what no detector finds.
    `asked`: (a, b, c) of P(yes | somebody asks) = sigmoid(a logit P + b logit base + c), for a question about one
    photograph: what is asked about is likelier than what is scanned for. `asked_all`, `asked_any`: the same of a
    question about all or any of the selected photographs, where P is the part of them expected to show it; None:
    thresholds of single photographs decide.
    `present`: P(there is such a photograph | it is taken for granted) below which "the photo with ..." is not found.
    `unsure`: |logit P| (distance to even chances) below which a yes or no is not given.
    `looked`: (a, b, c) of the fused logit a logit P + b logit P(yes) + c where a language model looked.
    `late`: (a, b, c) of a logit P + b MaxSim + c, by which a search orders photographs (agents.search.judged), None:
    patches say nothing. `late_sentence`: what MaxSim counts beside the cosine of a sentence. `boxed`: (a, b, c) of
    a logit P + b logit(best box) + c after that, None: boxes say nothing there.
    """

    slope: float = 1.0
    intercept: float = 0.0
    detection: float = 0.0
    threshold: float = 0.5
    thresholds: Sequence[float] = ()
    base_rate: float = 0.02
    base_rates: Sequence[float] = ()
    asked: Weights = (1.0, 0.0, 0.0)
    asked_all: Weights | None = None
    asked_any: Weights | None = None
    box_threshold: float = 0.3
    box_thresholds: Sequence[float] = ()
    present: float = 0.5
    unsure: float = 0.02
    looked: tuple[float, float, float] = (0.3, 0.7, 0.0)
    late: Weights | None = None
    late_sentence: float = 0.0
    boxed: Weights | None = None

    def threshold_of(self, text: TextFeatures) -> float:
        """Mean of the concepts' thresholds by their weight in the phrase."""
        return _mean(text.concepts, self.thresholds, self.threshold)

    def box_threshold_of(self, text: TextFeatures) -> float:
        return _mean(text.concepts, self.box_thresholds, self.box_threshold)

    def base_rate_of(self, text: TextFeatures) -> float:
        """Base rate of any of the concepts, taken as independent."""
        if not text.concepts:
            return self.base_rate
        return 1 - math.prod(1 - c.weight * _at(self.base_rates, c.index, self.base_rate) for c in text.concepts)


def _mean(concepts: tuple[Concept, ...], values: Sequence[float], default: float) -> float:
    total = sum(concept.weight for concept in concepts)
    if total <= 0:
        return default
    return sum(concept.weight * _at(values, concept.index, default) for concept in concepts) / total


def _at(values: Sequence[float], index: int, default: float) -> float:
    return values[index] if index < len(values) else default


@dataclass(frozen=True, slots=True)
class Budgets:
    """Bounds of one ask.

    `seconds` until the verdict (then the ask abstains: out_of_budget); `candidates` photographs whose boxes are read;
    `phrases` things one question may name; `looks` questions to a language model that sees, `looks_at_once` of them at
    a time; `wording_seconds` for the model's wording.
    """

    seconds: float = 30.0
    candidates: int = 2000
    phrases: int = 16
    looks: int = 24
    looks_at_once: int = 4
    wording_seconds: float = 5.0


Decode = Callable[[bytes], Awaitable[Pixels]]
"""Bytes of a picture -> upright RGB. InvalidImage."""


Taught = Callable[[str], Awaitable[Sequence[Lesson]]]
"""What taught a name in the collection. NotFound, EncoderMismatch, InvalidInput."""


@dataclass(frozen=True, slots=True)
class SearchParts:
    """The parts a search works with. `load_pixels`: upright pixels of a stored photograph; `decode`: of any bytes."""

    store: ImageStore
    encoder: Encoder
    load_pixels: Callable[[ImageId], Awaitable[Pixels]]
    decode: Decode | None = None
    grounder: Grounder | None = None
    exemplars: Taught | None = None
    judge: JudgeParams = field(default_factory=JudgeParams)
    ranker: Ranker = Ranker.DEFAULT


async def nothing_taught() -> Sequence[str]:
    return ()


@dataclass(frozen=True)
class Deps:
    """The parts an ask works with. Never part of the graph's state.

    `load_pixels`: upright pixels of a stored photograph, for masks. `load_jpeg`: a small encoded copy, for a language
    model that sees; None: it is not asked to look. `deadline`: the client's, in `time.monotonic()` seconds; past it an
    ask without a verdict raises DeadlineExceeded, one with a verdict ends with what it has. `taught_names`: of the
    collection's exemplars.
    """

    store: ImageStore
    encoder: Encoder
    load_pixels: Callable[[ImageId], Awaitable[Pixels]]
    grounder: Grounder | None = None
    generator: Generator | None = None
    load_jpeg: Callable[[ImageId], Awaitable[bytes]] | None = None
    judge: JudgeParams = field(default_factory=JudgeParams)
    budgets: Budgets = field(default_factory=Budgets)
    deadline: float | None = None
    decode: Decode | None = None
    exemplars: Taught | None = None
    taught_names: Callable[[], Awaitable[Sequence[str]]] = nothing_taught

    @property
    def searching(self) -> SearchParts:
        """What a search within this ask works with."""
        return SearchParts(
            self.store, self.encoder, self.load_pixels, self.decode, self.grounder, self.exemplars, self.judge
        )
