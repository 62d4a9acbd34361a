"""What the client hands out beside the words of `thresher.types`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from thresher.errors import ThresherError
from thresher.types import Answer, Hit, ImageId, Plan


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """`weights` is a SHA-256, empty where unknown (an endpoint elsewhere)."""

    id: str
    weights: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a server accepts: sizes in bytes and pixels, times in seconds."""

    max_concurrent_asks: int
    max_image_bytes: int
    max_image_pixels: int
    max_question_characters: int
    max_ask_seconds: float


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """`generator_detail` says why the language model is not ready, where it is not.

    `generator_failed`: it has given up, and will not be ready however long one waits.
    """

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
    generator_failed: bool = False
    judge: ModelInfo = ModelInfo("")


@dataclass(frozen=True, slots=True)
class UploadItem:
    """A photograph to upload. `content` None: the server has it already, only path and tags are added.

    `sha256` (lower-case hex) is computed from `content` where it is empty; `size` likewise where it is None.
    """

    path: str
    content: bytes | None
    tags: Sequence[str] = ()
    sha256: ImageId = ""
    size: int | None = None


class ImportState(StrEnum):
    WAITING = "waiting"
    SCANNING = "scanning"
    IMPORTING = "importing"
    CANCELLING = "cancelling"
    ENDED = "ended"


class Outcome(StrEnum):
    CREATED = "created"
    EXISTED = "existed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class UploadResult:
    """What became of one photograph; `error` where it failed. CREATED and EXISTED are committed."""

    sha256: ImageId
    path: str
    outcome: Outcome
    error: ThresherError | None = None


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """What became of the files of a folder import: counts, bytes of those done, the first failures (path, reason), and
    how many were skipped for which reason."""

    pending: int
    done: int
    skipped: int
    failed: int
    done_bytes: int
    failures: tuple[tuple[str, str], ...] = ()
    skips: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class ImportOperation:
    """An import of a folder of the server's machine. `rate`: files a second, of late. `error`: why it ended early."""

    id: str
    collection: str
    folder: str
    tags: tuple[str, ...]
    state: ImportState
    summary: ImportSummary
    rate: float
    created_at: datetime
    ended_at: datetime | None = None
    error: ThresherError | None = None

    @property
    def ended(self) -> bool:
        return self.state is ImportState.ENDED


@dataclass(frozen=True, slots=True)
class SearchResult:
    """`unknown_concept`: the encoder knows no word of the text; `nearest` are then the closest words it knows."""

    hits: tuple[Hit, ...]
    unknown_concept: bool = False
    nearest: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reply(Answer):
    """An `Answer` as a client gets it: `paths` name the verdict's images, in their order; `seconds` is server time."""

    paths: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class ReadPlan(Plan):
    """A `Plan` as a client gets it: with its expressions in words ("dog and not person"), empty where it has none."""

    target_words: str = ""
    condition_words: str = ""
    compare_with_words: str = ""
