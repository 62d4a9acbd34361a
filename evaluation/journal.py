"""Records of a run on disk: JSON lines, only ever added to, so that a run that was cut off goes on where it was."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from evaluation.suite import Record
from thresher.errors import InvalidInput


class Journal:
    """First line: what the run is known by (`{"suite", "run"}`). Then one record a line.

    `path` None keeps records in memory only. Opening a file of another run (other revision, models, seed, settings ...)
    raises `InvalidInput` and leaves it as it is. A last line that a kill cut short is dropped.
    """

    def __init__(self, path: Path | None, about: Mapping[str, Any]) -> None:
        self.records: dict[str, Record] = {}
        self._file = None
        if path is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size:
            former, self.records, whole = _read(path)
            if former is not None:
                refuse_other(path, former, about)
            os.truncate(path, whole)
        self._file = path.open("a", encoding="utf-8")
        if not path.stat().st_size:
            self._write(about)

    def add(self, record: Record) -> None:
        """Keep a record for good."""
        self.records[record["key"]] = record
        self._write(record)

    def _write(self, line: Mapping[str, Any]) -> None:
        if self._file is not None:
            self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
            self._file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()


def read_journal(path: Path) -> tuple[dict[str, Any], list[Record]]:
    """What a run is known by, and its records. `InvalidInput` where the file is no run's."""
    if not path.is_file():
        raise InvalidInput(f"There is no file {path}.", "Give the .jsonl file that `thresher eval` wrote.")
    about, records, _ = _read(path)
    if about is None:
        raise InvalidInput(f"{path} holds no run.", "Give the .jsonl file that `thresher eval` wrote.")
    return about, list(records.values())


def _read(path: Path) -> tuple[dict[str, Any] | None, dict[str, Record], int]:
    """Header (None where not one line is whole), records by key, and the bytes that whole lines take."""
    about: dict[str, Any] | None = None
    records: dict[str, Record] = {}
    whole = 0
    try:
        for line in path.read_bytes().splitlines(keepends=True):
            if not line.endswith(b"\n"):
                break
            entry = json.loads(line)
            if about is None:
                about = {"suite": entry["suite"], "run": entry["run"]}
            else:
                records[entry["key"]] = entry
            whole += len(line)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidInput(f"{path} is not the file of a run: {error!r}.", "Give another file.") from error
    return about, records, whole


def refuse_other(path: Path, former: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """`InvalidInput` where what a file's run is known by is not what this one is known by."""
    now = json.loads(json.dumps(now))
    names = sorted({*former["run"], *now["run"]})
    differ = [name for name in names if former["run"].get(name) != now["run"].get(name)]
    if former["suite"] != now["suite"]:
        differ.insert(0, "suite")
    if differ:
        raise InvalidInput(
            f"{path} holds another run: {', '.join(differ)} differ.",
            "Nothing was changed. Give another file by --json, or remove that one.",
        )
