"""Composed and conditional queries of any benchmark (`evaluation.composed`), asked through the public client."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from evaluation.composed.benchmark import Asked, Benchmark, Gallery, average_precision_at, recall_at
from evaluation.suite import Question, Record, Suite, mean_rows
from thresher.client import Client
from thresher.importing import Photo
from thresher.types import Filter, ImageId, Query


def suite(benchmark: Benchmark) -> Suite:
    """Photographs are imported once; the gallery of a query is the scope of its search."""
    ids = {name: _digest(path) for name, path in benchmark.files.items()}
    names = {image: name for name, image in reversed(ids.items())}
    return Suite(
        name=benchmark.name,
        title=benchmark.title,
        settings={**benchmark.settings, "queries": _digest_of(benchmark.asked)},
        photographs=tuple(
            Photo(path, f"{name}{path.suffix}" if not Path(name).suffix else name, ())
            for name, path in benchmark.files.items()
        ),
        ids=tuple(dict.fromkeys(ids.values())),
        questions=tuple(
            Question(one.key, " ".join(map(str, one.row.values())), partial(_ask, one, ids, names, benchmark.files))
            for one in benchmark.asked
        ),
        rows=mean_rows,
    )


async def _ask(
    one: Asked,
    ids: Mapping[str, ImageId],
    names: Mapping[ImageId, str],
    files: Mapping[str, Path],
    client: Client,
    collection: str,
) -> Record:
    """One search for each gallery. Scores are missing where the truth is hidden."""
    query = Query(
        text=one.text,
        image=ids[one.reference] if one.reference and not one.kept else "",
        content=files[one.reference].read_bytes() if one.reference and one.kept else b"",
        aspect=one.aspect,
    )
    rankings: dict[str, list[str]] = {}
    unknown = False
    for name, gallery in one.galleries.items():
        where = Filter(ids=None if gallery.names is None else tuple(ids[each] for each in gallery.names))
        found = await client.search(collection, query, where=where, limit=gallery.deepest, separate_duplicates=True)
        rankings[name] = [names[hit.record.id] for hit in found.hits]
        unknown |= found.unknown_concept
    targets = tuple(dict.fromkeys(names[ids[target]] for target in one.targets))
    return {
        "row": dict(one.row),
        "cluster": one.reference or one.key,
        "query": one.key,
        "question": one.text,
        "unknown": unknown,
        "rankings": rankings,
        "scores": {
            score: value
            for name, gallery in one.galleries.items()
            for score, value in scores(f"{name}_" if name else "", gallery, rankings[name], targets).items()
        },
    }


def scores(prefix: str, gallery: Gallery, ranking: Sequence[str], targets: Sequence[str]) -> dict[str, float]:
    """The official scores of one ranking; none where there are no targets."""
    if not targets:
        return {}
    found: dict[str, float] = {f"{prefix}recall_at_{k}": recall_at(ranking, targets, k) for k in gallery.recalls}
    found |= {f"{prefix}map_at_{k}": average_precision_at(ranking, targets, k) for k in gallery.precisions}
    return found


def _digest(path: Path) -> ImageId:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _digest_of(asked: Sequence[Asked]) -> str:
    values = [(one.key, one.reference, one.text, one.targets, one.aspect) for one in asked]
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:12]
