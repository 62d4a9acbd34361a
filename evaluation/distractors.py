"""Photographs of any folder that fill haystacks, what they may show, and which photographs trained a model."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.coco import Presence
from thresher.errors import InvalidInput
from thresher.importing import Photo, find_photos
from thresher.types import ImageId

DATA = Path(__file__).parent / "data"
CLASS_LABELS = DATA / "imagenet-coco.toml"
"""ImageNet class -> the COCO categories that its photographs show or may show."""
TRAINED = {"offline": DATA / "trained-offline.txt"}
"""Photographs that trained the models of a profile, by the beginnings of their SHA-256."""

_WNID = re.compile(r"n\d{8}(?=\D)")
_LABELS_HINT = "A file of labels maps a photograph's path or name, or its class, to a list of categories."


@dataclass(frozen=True, slots=True)
class Distractors:
    """Photographs without labels of their own; `may_show` (photographs, categories) is true where one shows a category
    or may. `photos`, `ids` and rows go together; none has the bytes of another."""

    photos: tuple[Photo, ...]
    ids: tuple[ImageId, ...]
    may_show: Presence


def load_distractors(
    folder: Path, labels: Path | None, categories: Sequence[str], known: Collection[ImageId]
) -> Distractors:
    """Every photograph below `folder` that is not among `known`.

    `labels` is JSON or TOML: path below the folder, file name, or class -> categories. A photograph's class is the
    WordNet id that its name begins with ("n01440764_tench.jpg"), else the name of the folder it lies in. Without
    `labels`, classes are looked up in `CLASS_LABELS`. `InvalidInput` where a photograph has no entry, as it might show
    anything, or the built-in table does not know one of the categories.
    """
    found = find_photos([folder]).photos
    table = _read_labels(labels or CLASS_LABELS, categories)
    photos: dict[ImageId, Photo] = {}
    rows: dict[ImageId, Presence] = {}
    unlabelled: list[str] = []
    for photo in found:
        shown = _labels_of(photo, table)
        if shown is None:
            unlabelled.append(photo.name)
            continue
        content = hashlib.sha256(photo.file.read_bytes()).hexdigest()
        if content not in known:
            photos.setdefault(content, Photo(photo.file, f"{folder.name}/{photo.name}", ()))
            rows[content] = rows.get(content, False) | np.isin(categories, list(shown))
    if unlabelled:
        raise InvalidInput(
            f"{len(unlabelled)} photographs of {folder} have no entry in {labels or 'the built-in table of classes'}, "
            f"the first is {unlabelled[0]}.",
            f"Give --distractor-labels with one for each. {_LABELS_HINT}",
        )
    may_show = np.array([rows[content] for content in photos], np.bool_).reshape(len(photos), len(categories))
    return Distractors(tuple(photos.values()), tuple(photos), may_show)


def load_trained(path: Path) -> frozenset[str]:
    """Beginnings of SHA-256 digests, 12 digits of each, from lines that start with at least as many (`sha256sum`)."""
    try:
        lines = [line.split()[0] for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"Cannot read {path}: {error}.") from error
    digests = [line.lower() for line in lines if not line.startswith("#")]
    wrong = [digest for digest in digests if not re.fullmatch(r"[0-9a-f]{12,64}", digest)]
    if wrong or not digests:
        what = f"{wrong[0]} is no SHA-256" if wrong else "it is empty"
        raise InvalidInput(f"{path} does not list photographs: {what}.", "Give what sha256sum prints for them.")
    return frozenset(digest[:12] for digest in digests)


def seen(ids: Collection[ImageId], trained: frozenset[str]) -> int:
    """How many of these photographs trained the models."""
    return sum(image[:12] in trained for image in ids)


def _labels_of(photo: Photo, table: Mapping[str, frozenset[str]]) -> frozenset[str] | None:
    wnid = _WNID.match(photo.file.name)
    for key in (photo.name, photo.file.name, wnid[0] if wnid else "", photo.file.parent.name):
        if key in table:
            return table[key]
    return None


def _read_labels(path: Path, categories: Sequence[str]) -> dict[str, frozenset[str]]:
    try:
        text = path.read_text(encoding="utf-8")
        table: Any = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
        labels = {str(key): _names(shown) for key, shown in table.items()}
    except (OSError, UnicodeDecodeError, ValueError, TypeError, AttributeError) as error:
        raise InvalidInput(f"{path} is no file of labels: {error!r}.", _LABELS_HINT) from error
    named = frozenset[str]().union(*labels.values())
    unknown = sorted(set(categories) - named if path == CLASS_LABELS else named - set(categories))
    if unknown and path == CLASS_LABELS:
        raise InvalidInput(
            f"The built-in table of classes does not know {', '.join(unknown)}.", "Give --distractor-labels."
        )
    if unknown:
        raise InvalidInput(f"{path} names categories that --coco does not have: {', '.join(unknown)}.", _LABELS_HINT)
    return labels


def _names(shown: Any) -> frozenset[str]:
    if not isinstance(shown, list) or not all(isinstance(name, str) for name in shown):
        raise TypeError(f"{shown!r} is not a list of categories")
    return frozenset(shown)
