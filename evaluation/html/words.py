"""Names of the JSON as people read them."""

from __future__ import annotations

from collections.abc import Sequence

from evaluation.suite import Row


def words(name: str) -> str:
    """recall_at_1 -> recall at 1."""
    return name.replace("_", " ")


def told(row: Row, names: Sequence[str]) -> str:
    """The values of a row that `names` name; those that do not speak for themselves with their name."""
    return ", ".join(_told(name, row[name]) for name in names if name in row)


def _told(name: str, value: object) -> str:
    if isinstance(value, str) and value[:1].isalpha():
        return words(value)
    return f"{words(name)} {('no', 'yes')[value] if isinstance(value, bool) else value}"
