"""What every benchmark of composed retrieval is once it is read: queries, the photographs they rank, and the ranks at
which it counts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evaluation.suite import Record
from thresher.errors import InvalidInput
from thresher.types import Aspect

Names = tuple[str, ...]
"""Photographs, as the benchmark names them."""


@dataclass(frozen=True, slots=True)
class Gallery:
    """What one query ranks: `names` (None: all photographs), and the official ranks.

    `recalls`: whether one target is among the best k; `precisions`: average precision of all targets within k.
    """

    names: Names | None = None
    recalls: tuple[int, ...] = ()
    precisions: tuple[int, ...] = ()

    @property
    def deepest(self) -> int:
        return max(*self.recalls, *self.precisions, 1)


@dataclass(frozen=True, slots=True)
class Asked:
    """One query. `targets` is empty where the truth is hidden. `row` names the row it counts for.

    `galleries` by the name their scores carry ("": none): `recall_at_1`, `subset_recall_at_1`. `kept`: the reference
    itself may be found, as the benchmark's own scorer has it.
    """

    key: str
    row: Mapping[str, Any]
    reference: str
    text: str
    targets: Names
    galleries: Mapping[str, Gallery]
    aspect: Aspect = Aspect.WHOLE
    kept: bool = False


Submission = Callable[[Sequence[Record]], Mapping[str, Any]]
"""Records of hidden queries -> the official files by name, as JSON values."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """`files`: where each photograph is."""

    name: str
    title: str
    settings: Mapping[str, Any]
    files: Mapping[str, Path]
    asked: tuple[Asked, ...]
    submission: Submission | None = field(default=None)


def recall_at(ranking: Sequence[str], targets: Sequence[str], most: int) -> bool:
    """Whether a target is among the `most` best."""
    return not set(targets).isdisjoint(ranking[:most])


def average_precision_at(ranking: Sequence[str], targets: Sequence[str], most: int) -> float:
    """Average precision within `most`, over min(targets, most) as in CIRCO's `compute_metrics`."""
    found, total = 0, 0.0
    for place, name in enumerate(ranking[:most], 1):
        if name in targets:
            found += 1
            total += found / place
    return total / min(len(targets), most)


def read_json(path: Path) -> Any:
    """`InvalidInput` where there is no such file or it is no JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise InvalidInput(f"Cannot read {path}: {error}.", "Give the folder as its authors lay it out.") from error


def photographs_below(root: Path, suffixes: Sequence[str] = (".jpg", ".jpeg", ".png")) -> dict[str, Path]:
    """File name -> the photograph, at any depth; of two with one name the first by path. `InvalidInput`: no folder."""
    if not root.is_dir():
        raise InvalidInput(f"There is no folder {root}.", "Give the folder that the photographs lie below.")
    files = sorted(path for path in root.rglob("*") if path.suffix.lower() in suffixes)
    return {path.name: path for path in reversed(files)}


def require(names: Iterable[str], files: Mapping[str, Path], root: Path) -> dict[str, Path]:
    """The files of `names` (file names), in that order. `InvalidInput` where some are missing."""
    wanted = list(dict.fromkeys(names))
    missing = [name for name in wanted if name not in files]
    if missing:
        raise InvalidInput(
            f"{len(missing)} of {len(wanted)} photographs are not below {root}, the first is {missing[0]}.",
            "Give the folder that holds them, at any depth.",
        )
    return {name: files[name] for name in wanted}


def malformed(path: Path, error: Exception) -> InvalidInput:
    """What to raise for a file that is JSON and not the benchmark's."""
    return InvalidInput(f"{path} has another format: {error!r}.", "Give the file as its authors publish it.")
