"""How the two rankings of a text are fused: every choice on the searches of `evaluation.hybrid`, best first.

    python -m evaluation.fusing --coco FOLDER

On photographs that `thresher eval hybrid` does not report on (COCO ids not divisible by 5). What wins stands in
agents/search/text.py.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from evaluation.coco import load
from evaluation.hybrid import Made, Search, Settings, make, scores, searches
from evaluation.server import REPOSITORY
from models.encoders.offline import load_offline
from models.protocols import Encoder, Ocr
from models.readers.rapid import RapidOcr
from retrievers.fusion import Ranking, best_first, convex_combination, reciprocal_rank_fusion
from retrievers.images import read_image
from retrievers.lance_store import LanceStore
from retrievers.protocols import ImageStore
from thresher.types import Filter, Hit, ImageRecord, ImageRow

DEPTH = 200
WEIGHTS = tuple(n / 20 for n in range(1, 20))
"""Of full text, beside 1 - weight of vectors."""


@dataclass(frozen=True, slots=True)
class Found:
    """What both parts found for one search; `floor` is the least score of the first."""

    search: Search
    shown: Ranking
    said: Ranking
    floor: float


Fuse = Callable[[Found], Ranking]


def choices() -> Iterator[tuple[str, Fuse]]:
    """Name -> how to fuse."""
    yield "vectors alone", lambda found: found.shown
    yield "full text alone", lambda found: found.said
    for k in (1, 10, 60):
        for weight in WEIGHTS:
            yield f"RRF k={k} text={weight:.2f}", _rrf(k, weight)
    for weight in WEIGHTS:
        yield f"convex text={weight:.2f}", _convex(weight)


def _rrf(k: float, weight: float) -> Fuse:
    return lambda found: reciprocal_rank_fusion([found.shown, found.said], [1 - weight, weight], k)


def _convex(weight: float) -> Fuse:
    return lambda found: convex_combination([found.shown, found.said], [1 - weight, weight], [found.floor, 0.0])


def table(found: Sequence[Found]) -> list[tuple[str, dict[str, float], float]]:
    """For each choice its mean reciprocal rank by kind of search, and the mean of these; best first."""
    rows = []
    for name, fuse in choices():
        kinds: dict[str, list[float]] = {}
        for one in found:
            order = best_first(fuse(one))
            kinds.setdefault(one.search.kind, []).append(scores(order, one.search.relevant)["reciprocal_rank"])
        means = {kind: float(np.mean(values)) for kind, values in kinds.items()}
        rows.append((name, means, float(np.mean(list(means.values())))))
    return sorted(rows, key=lambda row: -row[2])


async def stored(store: ImageStore, made: Sequence[Made], encoder: Encoder, reader: Ocr) -> None:
    """Import as a server does."""
    for each in made:
        content = each.path.read_bytes()
        image = read_image(content)
        [features] = await encoder.images([image.pixels])
        record = ImageRecord(
            each.id, (each.path.name,), image.width, image.height, image.mime_type, len(content), datetime.now(UTC),
            caption=image.caption, place=image.place,
        )  # fmt: skip
        await store.add([ImageRow(record, content, features, tuple(await reader.read(image.pixels)))])


def ranking(hits: Sequence[Hit]) -> Ranking:
    return {hit.record.id: hit.score for hit in hits}


async def run(coco: Path, settings: Settings) -> None:
    labelled = load(coco, keep=lambda image: image % 5 != 0)
    encoder, _ = load_offline(REPOSITORY / "models" / "offline")
    with tempfile.TemporaryDirectory() as folder:
        made = make(labelled, Path(folder) / "photographs", settings)
        store = LanceStore(Path(folder) / "data")
        await store.create("c", encoder.spec)
        images = await store.open("c", encoder.spec)
        await stored(images, made, encoder, RapidOcr())
        found = []
        for search in searches(made, settings):
            [features] = await encoder.texts([search.text])
            shown = await images.search(features.vector, Filter(), DEPTH) if features.known else []
            said = await images.search_text(search.text, Filter(), DEPTH)
            floor = 0.0 if features.calibrated else min((hit.score for hit in shown), default=0.0)
            found.append(Found(search, ranking(shown), ranking(said), floor))
        await store.close()
    for name, means, mean in table(found):
        print(f"{name:22} {mean:.3f}  " + "  ".join(f"{kind} {value:.3f}" for kind, value in means.items()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--coco", type=Path, required=True)
    parser.add_argument("--photographs", type=int, default=300)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    asyncio.run(run(given.coco, Settings(given.photographs, seed=given.seed)))


if __name__ == "__main__":
    main()
