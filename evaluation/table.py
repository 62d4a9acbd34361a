"""The demo's table: questions with their true answers, and whether an answer agrees with it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from thresher.errors import InvalidInput

TABLE = Path(__file__).parent / "data" / "demo.toml"


@dataclass(frozen=True, slots=True)
class DemoQuestion:
    """A question and what is true about it; a field that is None does not decide.

    `images` exactly these paths in any order; `first` the first path; `contains` names that the answer lists;
    `abstains` the reason for giving no value. Paths are relative to the folder of the demo's photographs.
    """

    ask: str
    demo: bool = False
    value: bool | int | str | None = None
    images: tuple[str, ...] | None = None
    first: str | None = None
    contains: tuple[str, ...] | None = None
    abstains: str | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """An answer as it came. `images` holds, best first, every path that each photograph is known by."""

    value: bool | int | str | None
    images: tuple[tuple[str, ...], ...]
    reason: str
    text: str


_FIELDS = {"ask": str, "demo": bool, "value": (bool, int, str), "images": list, "first": str, "contains": list,
           "abstains": str}  # fmt: skip


def load_table(path: Path = TABLE) -> tuple[DemoQuestion, ...]:
    """Read the table. Raises `InvalidInput` where a row has an unknown field, a wrong type or nothing to compare."""
    try:
        rows = tomllib.loads(path.read_text(encoding="utf-8"))["question"]
    except (OSError, ValueError, KeyError) as error:
        raise InvalidInput(f"{path} is not a table of questions: {error!r}.") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InvalidInput(f"{path} is not a table of questions: `question` is not a list of tables.")
    return tuple(_question(path, row) for row in rows)


def mismatches(question: DemoQuestion, given: Given) -> list[str]:
    """What of the answer is not as the table says, one phrase each; empty: right."""
    wrong: list[str] = []
    if question.abstains is not None and given.reason != question.abstains:
        wrong.append(f"should abstain ({question.abstains}), but {_said(given)}")
    if question.abstains is None and given.reason:
        wrong.append(f"abstained ({given.reason})")
    if question.value is not None and not _same(question.value, given.value):
        wrong.append(f"value {given.value!r} is not {question.value!r}")
    if question.images is not None:
        wrong += _image_mismatches(question.images, given.images)
    if question.first is not None and not (given.images and _is(question.first, given.images[0])):
        wrong.append(f"first is {_name(given.images[0]) if given.images else 'nothing'}, not {question.first}")
    for name in question.contains or ():
        listed = f"{given.value if isinstance(given.value, str) else ''} {given.text}"
        if not re.search(rf"\b{re.escape(name)}s?\b", listed, re.IGNORECASE):
            wrong.append(f"does not list {name}")
    return wrong


def _image_mismatches(expected: Sequence[str], given: Sequence[tuple[str, ...]]) -> list[str]:
    missing = [name for name in expected if not any(_is(name, paths) for paths in given)]
    surplus = [_name(paths) for paths in given if not any(_is(name, paths) for name in expected)]
    wrong = [f"lacks {', '.join(missing)}"] if missing else []
    return wrong + ([f"has {', '.join(surplus)} too"] if surplus else [])


def _is(name: str, paths: Sequence[str]) -> bool:
    """Whether a photograph goes by that name: the path itself, or the end of one that has folders before it."""
    return any(path == name or path.endswith(f"/{name}") for path in paths)


def _name(paths: Sequence[str]) -> str:
    return paths[0] if paths else "a photograph without a path"


def _same(expected: bool | int | str, value: bool | int | str | None) -> bool:
    """Equal, and of one type: 1 is not true."""
    return isinstance(expected, bool) == isinstance(value, bool) and expected == value


def _said(given: Given) -> str:
    return f"abstained ({given.reason})" if given.reason else f"answered {given.value!r}"


def _question(path: Path, row: dict[str, object]) -> DemoQuestion:
    ask = row.get("ask")
    for field, content in row.items():
        if field not in _FIELDS or not isinstance(content, _FIELDS[field]):  # type: ignore[arg-type]
            raise InvalidInput(f"{path}: {field} = {content!r} of the question {ask!r} is not a field of the table.")
    if not isinstance(ask, str) or not set(row) - {"ask", "demo"}:
        raise InvalidInput(f"{path}: a question needs `ask` and at least one field of its true answer, not {row!r}.")
    values: dict[str, object] = {key: tuple(item) if isinstance(item, list) else item for key, item in row.items()}
    return DemoQuestion(**values)  # type: ignore[arg-type]
