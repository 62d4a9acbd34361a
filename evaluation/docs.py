"""Tables of a document, filled from the files of runs so that none is typed: `python -m evaluation.docs FOLDER`.

A slot is `<!-- table: NAME key=value ... | column column ... -->`, whatever follows, `<!-- end of table -->`: rows of
FOLDER/NAME.json that have those values, in those columns (all where none is named), and what the run was made with.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from evaluation.report import markdown, read_result
from evaluation.server import REPOSITORY
from thresher import render
from thresher.errors import InvalidInput
from thresher.options import command

_SLOT = re.compile(r"<!-- table: (\S+)([^|>]*)(?:\|([^>]*))?-->\n.*?<!-- end of table -->", re.DOTALL)
_INTERVAL = "_interval"


def fill(text: str, folder: Path) -> tuple[str, list[str]]:
    """The document with its tables, and the names of runs that are not in `folder`: their slots stay as they are.

    `InvalidInput` where a slot asks for rows or columns that its run has not.
    """
    missing: list[str] = []

    def table(slot: re.Match[str]) -> str:
        file = folder / f"{slot[1]}.json"
        if not file.is_file():
            missing.append(slot[1])
            return slot[0]
        result = read_result(file)
        head = slot[0].splitlines()[0]
        rows = chosen(result["rows"], slot[2].split(), (slot[3] or "").split(), head)
        return f"{head}\n{markdown(rows)}\n\n{made_with(result['run'])}\n<!-- end of table -->"

    return _SLOT.sub(table, text), missing


def chosen(
    rows: Sequence[Mapping[str, Any]], where: Sequence[str], columns: Sequence[str], slot: str
) -> list[dict[str, Any]]:
    """Rows that have every key=value, with `columns` and their intervals."""
    pairs = [each.split("=", 1) for each in where]
    found = [row for row in rows if all(str(row.get(name)) == value for name, value in pairs)]
    unknown = [name for name in columns if not any(name in row for row in found)] if found else ["such rows"]
    if unknown:
        raise InvalidInput(f"{slot} asks for what its run has not: {', '.join(unknown)}.")
    wanted = [name for column in columns for name in (column, f"{column}{_INTERVAL}")]
    return [{name: row[name] for name in wanted or row if name in row} for row in found]


def made_with(run: Mapping[str, Any]) -> str:
    """One line on where the figures are from."""
    models = [model["id"] for model in run["models"].values() if model["id"]]
    seed = f", seed {run['seed']}" if "seed" in run else ""
    return f"{run['photographs']} photographs{seed}, revision {run['revision'][:12]}, {', '.join(models)}"


@command
async def main(
    folder: Annotated[Path, typer.Argument(help="Folder with NAME.json of each run.", show_default=False)],
    document: Annotated[Path, typer.Argument()] = REPOSITORY / "docs" / "evaluation.md",
) -> None:
    """Fill the tables of a document from the files of runs."""
    text, missing = fill(document.read_text(encoding="utf-8"), folder)
    document.write_text(text, encoding="utf-8")
    for name in missing:
        render.err.print(f"{folder / name}.json is not there: its table stays as it was.", highlight=False)


if __name__ == "__main__":
    typer.run(main)
