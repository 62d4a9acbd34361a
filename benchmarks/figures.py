"""Figures of a benchmark run: one shape, one table, one file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` in `unit`; a ratio of two things measured in the same run where `unit` is "ratio".

    `goal` is the most it may be (`at_least`: the least); None: no goal. `about` says what was measured.
    """

    name: str
    value: float
    unit: str
    about: str
    goal: float | None = None
    at_least: bool = False

    @property
    def met(self) -> bool | None:
        if self.goal is None:
            return None
        return self.value >= self.goal if self.at_least else self.value <= self.goal


def table(figures: Sequence[Figure]) -> str:
    """Markdown."""
    lines = ["| figure | value | unit | goal | | what |", "|-|-:|-|-:|-|-|"]
    for figure in figures:
        goal = "" if figure.goal is None else f"{'>=' if figure.at_least else '<='} {figure.goal:g}"
        met = {None: "", True: "met", False: "MISSED"}[figure.met]
        lines.append(f"| {figure.name} | {figure.value:.3g} | {figure.unit} | {goal} | {met} | {figure.about} |")
    return "\n".join(lines)


def as_json(figures: Sequence[Figure]) -> dict[str, dict[str, Any]]:
    """{name: {"ratio" or "value", "unit", "goal", "met", "about"}}."""
    return {
        each.name: {
            "ratio" if each.unit == "ratio" else "value": each.value,
            "unit": each.unit,
            "goal": each.goal,
            "met": each.met,
            "about": each.about,
        }
        for each in figures
    }


def write(path: Path, figures: Sequence[Figure], run: Mapping[str, Any]) -> None:
    """The JSON of `figures`, with what the run was made with under "run"."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**as_json(figures), "run": dict(run)}, indent=2) + "\n", encoding="utf-8")
