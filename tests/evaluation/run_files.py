"""Files of runs, written as a run writes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from evaluation.journal import Journal
from evaluation.report import write_json
from evaluation.suite import Record, Row, mean_rows

ABOUT: dict[str, Any] = {
    "version": "1.0",
    "revision": "a" * 40,
    "packages": {"numpy": "2.0"},
    "profile": "offline",
    "models": {"encoder": {"id": "fake", "weights": "0" * 64}, "generator": {"id": "", "weights": ""}},
    "photographs": 3,
    "seed": 7,
}


def write_run(
    file: Path,
    records: Sequence[Record],
    suite: str = "vhs",
    rows: Callable[[Sequence[Record]], list[Row]] | None = mean_rows,
    **about: Any,
) -> Path:
    """The .jsonl of a run and, unless `rows` is None (it was cut off), the .json."""
    known = {"suite": suite, "run": ABOUT | about}
    with Journal(file.with_suffix(".jsonl"), known) as journal:
        for record in records:
            journal.add(record)
    if rows is not None:
        write_json(file, {**known, "rows": rows(records)})
    return file


def answered(
    key: str, right: bool | None, *, cluster: str = "", n: int = 10, pipeline: str = "agent", **more: Any
) -> Record:
    """A record of a yes/no question whose true answer is yes."""
    return {
        "key": f"{pipeline}/{n}/{key}",
        "row": {"pipeline": pipeline, "n": n},
        "cluster": cluster or key,
        "question": f"Is {key} there?",
        "answer": True,
        "value": right,
        "scores": {"accuracy_strict": right, "seconds": 0.5},
        **more,
    }
