"""Sets of our own, from labelled photographs: one object more or less, the same things, colours or place.

    composed   words for one object (evaluation.composed.drawn)
    object     the photographs that show exactly the same categories, two at least
    colour     a mirrored middle of the photograph, among the same middle in other hues and all other photographs
    place      one side of a photograph, asked with the other side; they share a quarter of its width

Pictures that are made are written to a folder as PNG. Every query is asked as it is meant (`asked` composed, or its
aspect), and by its picture alone; composed ones by their words alone, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from evaluation.coco import LabelledPhotographs
from evaluation.composed.benchmark import Asked, Benchmark, Gallery
from evaluation.composed.drawn import draw
from thresher.types import Aspect, Pixels

HUES = (60, 120, 180, 240, 300)
"""Degrees that the colour wheel is turned by."""

COLOURFUL = 0.2
"""Mean chroma (0..1) of a photograph whose hue can be told."""

SIDE = 0.625
"""Part of the width that one side of a photograph has."""

RECALLS, PRECISIONS = (1, 5, 10), (10,)


@dataclass(frozen=True, slots=True)
class Settings:
    """`each`: queries of every kind, at most."""

    each: int = 100
    seed: int = 7


def read(photographs: LabelledPhotographs, folder: Path, settings: Settings) -> Benchmark:
    """Draw all sets; made pictures go to `folder`."""
    files = {file.name: file for file in photographs.files}
    folder.mkdir(parents=True, exist_ok=True)
    asked = [*_composed(photographs, settings), *_objects(photographs, settings)]
    for one, made in (*_colours(photographs, folder, settings), *_places(photographs, folder, settings)):
        asked.append(one)
        files |= made
    return Benchmark(
        "composed",
        f"composed and conditional queries, {len(photographs.files)} photographs, seed {settings.seed}",
        {"each": settings.each, "seed": settings.seed, "photographs": photographs.digest},
        files,
        tuple(variant for one in asked for variant in _variants(one)),
    )


def _variants(one: Asked) -> Iterator[Asked]:
    """The query as it is meant, by its picture alone and by its words alone."""
    yield one
    alone = {**one.row, "asked by": "picture alone"}
    yield replace(one, key=f"{one.key}/picture", row=alone, text="", aspect=Aspect.WHOLE)
    if one.text:
        yield replace(one, key=f"{one.key}/words", row={**one.row, "asked by": "words alone"}, reference="")


def _gallery(photographs: LabelledPhotographs, made: Iterable[str] = (), left_out: str = "") -> dict[str, Gallery]:
    originals = [file.name for file in photographs.files if file.name != left_out]
    return {"": Gallery((*originals, *made), RECALLS, PRECISIONS)}


def _composed(photographs: LabelledPhotographs, settings: Settings) -> Iterator[Asked]:
    names, gallery = [file.name for file in photographs.files], _gallery(photographs)
    for query in draw(photographs, settings.each, settings.seed):
        yield Asked(
            key=f"{query.change}/{names[query.reference]}",
            row={"set": query.change.value, "asked by": "both"},
            reference=names[query.reference],
            text=query.text,
            targets=tuple(names[row] for row in query.targets),
            galleries=gallery,
        )


def _objects(photographs: LabelledPhotographs, settings: Settings) -> Iterator[Asked]:
    random = np.random.default_rng(settings.seed)
    packed = [tuple(np.flatnonzero(row)) for row in photographs.presence]
    names = [file.name for file in photographs.files]
    gallery = _gallery(photographs)
    drawn = [row for row in random.permutation(len(packed)).tolist() if len(packed[row]) > 1]
    same = ((row, [n for n, other in enumerate(packed) if other == packed[row] and n != row]) for row in drawn)
    for row, targets in [(row, targets) for row, targets in same if targets][: settings.each]:
        yield _aspect(Aspect.OBJECT, names[row], tuple(names[n] for n in targets), gallery)


def _aspect(aspect: Aspect, reference: str, targets: tuple[str, ...], galleries: Mapping[str, Gallery]) -> Asked:
    row = {"set": aspect.value, "asked by": "aspect"}
    return Asked(f"{aspect.value}/{reference}", row, reference, "", targets, galleries, aspect)


Made = tuple[Asked, dict[str, Path]]


def _colours(photographs: LabelledPhotographs, folder: Path, settings: Settings) -> Iterator[Made]:
    for file, pixels in _drawn(photographs, settings, lambda pixels: _chroma(pixels) >= COLOURFUL):
        height, width = pixels.shape[:2]
        middle = pixels[height // 6 : -(height // 6), width // 6 : -(width // 6)][:, ::-1]
        made = {
            f"{file.stem}-hue-{degrees}.png": _write(folder, f"{file.stem}-hue-{degrees}.png", turned(middle, degrees))
            for degrees in (0, *HUES)
        }
        yield _aspect(Aspect.COLOUR, file.name, (f"{file.stem}-hue-0.png",), _gallery(photographs, made)), made


def _places(photographs: LabelledPhotographs, folder: Path, settings: Settings) -> Iterator[Made]:
    for file, pixels in _drawn(photographs, settings, lambda pixels: pixels.shape[1] >= pixels.shape[0]):
        width = pixels.shape[1]
        sides = {"left": pixels[:, : round(width * SIDE)], "right": pixels[:, round(width * (1 - SIDE)) :]}
        made = {
            f"{file.stem}-{name}.png": _write(folder, f"{file.stem}-{name}.png", side) for name, side in sides.items()
        }
        left, right = made
        yield _aspect(Aspect.PLACE, left, (right,), _gallery(photographs, (right,), left_out=file.name)), made


def _drawn(
    photographs: LabelledPhotographs, settings: Settings, fits: Callable[[Pixels], bool]
) -> Iterator[tuple[Path, Pixels]]:
    """At most `each` photographs that fit, in random order."""
    taken = 0
    for row in np.random.default_rng(settings.seed).permutation(len(photographs.files)).tolist():
        pixels = np.asarray(cv2.imread(str(photographs.files[row]), cv2.IMREAD_COLOR_RGB), np.uint8)
        if taken < settings.each and fits(pixels):
            taken += 1
            yield photographs.files[row], pixels
        if taken == settings.each:
            return


def _chroma(pixels: Pixels) -> float:
    return float((pixels.max(2).astype(np.float32) - pixels.min(2)).mean()) / 255


def turned(pixels: Pixels, degrees: int) -> Pixels:
    """The same picture with its hues turned on the colour wheel."""
    hsv = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2HSV)
    hsv[..., 0] = (hsv[..., 0].astype(np.int32) + degrees // 2) % 180
    return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB), np.uint8)


def _write(folder: Path, name: str, pixels: Pixels) -> Path:
    path = folder / name
    cv2.imwrite(str(path), cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2BGR))
    return path
