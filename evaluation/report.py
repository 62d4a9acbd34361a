"""Results on paper: a Markdown table for people, a JSON file for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from thresher.errors import InvalidInput


def markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """A table with a column for each key of the first row. Numbers have two or three digits behind the point."""
    if not rows:
        return ""
    keys = list(rows[0])
    lines = [" | ".join(keys), " | ".join("-" if _is_text(rows[0][key]) else "-:" for key in keys)]
    lines += [" | ".join(_cell(row.get(key)) for key in keys) for row in rows]
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


def write_json(path: Path, result: Mapping[str, Any]) -> None:
    """All of it or nothing: an interrupted run leaves the former file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = _partial(path)
    partial.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(path)


def _partial(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")


def _is_text(value: Any) -> bool:
    return not isinstance(value, int | float)


def _cell(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: ""}[value]
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value).replace("|", "\\|").replace("\n", " ")
