"""Results on paper: a Markdown table for people, a JSON file for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from thresher.errors import InvalidInput

_INTERVAL = "_interval"


def markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """A table with a column for each key of the rows; `x_interval` stands behind `x` in its column. None is n/a."""
    if not rows:
        return ""
    keys = [key for key in dict.fromkeys(key for row in rows for key in row) if not key.endswith(_INTERVAL)]
    lines = [" | ".join(keys), " | ".join("-" if _is_text(rows, key) else "-:" for key in keys)]
    lines += [" | ".join(_cell(row.get(key), row.get(f"{key}{_INTERVAL}")) for key in keys) for row in rows]
    return "\n".join(f"| {line} |" for line in lines)


def check_output(path: Path | None) -> None:
    """Refuse, before the work and not after it, a file that cannot be written. Makes its folder. `InvalidInput`."""
    if path is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError("it is a folder")
        partial = _partial(path)
        partial.touch()
        partial.unlink()
    except OSError as error:
        raise InvalidInput(f"Cannot write {path}: {error}.", "Give a file in a folder that can be written.") from error


def read_result(path: Path) -> dict[str, Any]:
    """What `write_json` wrote for a run: {"suite", "run", "rows"}. `InvalidInput` where the file is something else."""
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
        return {"suite": str(result["suite"]), "run": dict(result["run"]), "rows": list(result["rows"])}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidInput(f"{path} is not the file of a run: {error!r}.", "Give another file.") from error


def write_json(path: Path, result: Mapping[str, Any]) -> None:
    """All of it or nothing: an interrupted run leaves the former file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = _partial(path)
    partial.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(path)


def _partial(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")


def _is_text(rows: Sequence[Mapping[str, Any]], key: str) -> bool:
    return not any(isinstance(row.get(key), int | float) for row in rows)


def _cell(value: Any, interval: Sequence[float] | None = None) -> str:
    if interval is not None:
        return f"{_cell(float(value))} [{', '.join(f'{edge:.3f}' for edge in interval)}]"
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "n/a"}[value]
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value).replace("|", "\\|").replace("\n", " ")
