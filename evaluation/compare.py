"""Two runs of one suite on the same questions, or two pipelines of one run: by how much their figures differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluation.bootstrap import paired_interval
from evaluation.journal import read_journal
from evaluation.report import read_result
from evaluation.suite import Record, Row
from thresher.errors import InvalidInput

IDENTITY = ("row", "cluster", "question")
"""What of a record says which question it answers; the same key with another one of these is another question."""
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Run:
    """A run as its files hold it: `about` is what it is known by, `rows` its table (empty: it was cut off)."""

    path: Path
    suite: str
    about: Mapping[str, Any]
    records: tuple[Record, ...]
    rows: tuple[Row, ...]


def read_run(path: Path) -> Run:
    """Read the .json of a run with the .jsonl beside it; either name will do.

    Raises `InvalidInput` where there are no records, or the two are not of one run.
    """
    about, records = read_journal(path.with_suffix(".jsonl"))
    table = path.with_suffix(".json")
    rows: tuple[Row, ...] = ()
    if table.is_file():
        result = read_result(table)
        known, rows = {"suite": result["suite"], "run": result["run"]}, tuple(result["rows"])
        if known != about:
            raise InvalidInput(
                f"{table} and {path.with_suffix('.jsonl').name} are of different runs.",
                "Run the suite again with this --json, or give another file.",
            )
    return Run(path, about["suite"], about["run"], tuple(records), rows)


def paired_rows(records_a: Sequence[Record], records_b: Sequence[Record], seed: int = 0) -> list[Row]:
    """A row for each row of the table and score: means of both, `difference` b - a, its 95 % interval.

    Paired by question, whatever the pipeline; a question without the score on either side (n/a) is left out, and a
    score that is left with none has None for figures. `excludes_0`: the interval does not hold 0.
    """
    others = {question_key(record): record for record in records_b}
    groups: dict[tuple[tuple[str, Any], ...], list[tuple[Record, Record]]] = {}
    for record in records_a:
        other = others.get(question_key(record))
        if other is not None:
            groups.setdefault(_row_in_common(record["row"], other["row"]), []).append((record, other))
    return [
        {**dict(row), "score": score, **_difference(members, score, seed)}
        for row, members in groups.items()
        for score in dict.fromkeys(name for pair in members for record in pair for name in record["scores"])
    ]


def pipeline_rows(records: Sequence[Record], reference: str = "agent", seed: int = 0) -> list[Row]:
    """Each other pipeline of a run beside the reference: `difference` is reference - other, on the same questions."""
    by_pipeline: dict[str, list[Record]] = {}
    for record in records:
        by_pipeline.setdefault(record["row"].get("pipeline", ""), []).append(record)
    ours = by_pipeline.get(reference, [])
    return [
        {"against": name, **row}
        for name, theirs in by_pipeline.items()
        if name not in ("", reference)
        for row in paired_rows(theirs, ours, seed)
    ]


def question_key(record: Record) -> tuple[str, str]:
    """What pairs records: the row that one counts for and its key, without the name of its pipeline."""
    pipeline = record["row"].get("pipeline")
    row = {name: value for name, value in record["row"].items() if name != "pipeline"}
    return str(row), "/".join(part for part in str(record["key"]).split("/") if part != pipeline)


def differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[Row]:
    """What two runs were not made alike with, by dotted name: revision, models.encoder.weights, packages.torch ..."""
    left, right = dict(leaves(a)), dict(leaves(b))
    return [
        {"what": name, "a": left.get(name, "none"), "b": right.get(name, "none")}
        for name in dict.fromkeys([*left, *right])
        if left.get(name) != right.get(name)
    ]


def leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    """Every value of a tree of dictionaries, by dotted name."""
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _row_in_common(ours: Row, theirs: Row) -> tuple[tuple[str, Any], ...]:
    return tuple((name, value) for name, value in ours.items() if theirs.get(name) == value)


def _difference(pairs: Sequence[tuple[Record, Record]], score: str, seed: int) -> Row:
    scored = [
        (float(a["scores"][score]), float(b["scores"][score]), a["cluster"])
        for a, b in pairs
        if a["scores"].get(score) is not None and b["scores"].get(score) is not None
    ]
    if not scored:
        return difference_row(0, None, None, None, None)
    first, second, clusters = zip(*scored, strict=True)
    difference, interval = paired_interval(second, first, clusters, seed)
    alone = len(set(clusters)) == 1  # one photograph says nothing about others
    means = sum(first) / len(scored), sum(second) / len(scored)
    return difference_row(len(scored), *means, difference, None if alone else interval)


def difference_row(
    questions: int, a: float | None, b: float | None, difference: float | None, interval: tuple[float, float] | None
) -> Row:
    """The figures of a comparison under the names they have in every table."""
    return {
        "questions": questions,
        "a": a,
        "b": b,
        "difference": difference,
        "difference_interval": interval,
        "excludes_0": None if interval is None else not interval[0] <= 0 <= interval[1],
    }


def refuse_unlike(a: Run, b: Run) -> None:
    """`InvalidInput` unless two runs are of one suite and asked the same questions."""
    if a.suite != b.suite:
        raise InvalidInput(f"{a.path} is a run of {a.suite}, {b.path} of {b.suite}.", "Give two runs of one suite.")
    first, second = ({record["key"]: record for record in run.records} for run in (a, b))
    common = first.keys() & second.keys()
    others = [key for key in first if key in common and _identity(first[key]) != _identity(second[key])]
    surplus = {
        a.path: [key for key in first if key not in common],
        b.path: [key for key in second if key not in common],
    }
    said = [f"{len(keys)} only in {path} (such as {_some(keys)})" for path, keys in surplus.items() if keys]
    if others:
        said.append(f"{len(others)} of the common keys ask about something else (such as {_some(others)})")
    if said:
        settings = [row["what"] for row in differences(a.about, b.about) if row["what"] not in ("revision", "packages")]
        told = f" The runs differ in {', '.join(settings)}." if settings else ""
        raise InvalidInput(
            f"The runs did not ask the same questions: {len(common)} keys are common, {', '.join(said)}.{told}",
            "Run both with the same photographs, sizes, seed and number of questions, to the end.",
        )


def _identity(record: Record) -> list[Any]:
    return [record.get(name) for name in IDENTITY]


def _some(keys: Sequence[str]) -> str:
    return ", ".join(keys[:_SHOWN])
