"""One HTML page of runs that needs nothing but itself: no script, no request, pictures and plots within."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from evaluation.compare import Run, leaves, pipeline_rows
from evaluation.html.figures import plots
from evaluation.html.gallery import Failure, failures, right_score
from evaluation.html.plots import Plot
from evaluation.html.words import words
from evaluation.suite import Row

FOLDER = Path(__file__).parent
ROWS = 16
"""Of a table, before the rest is folded."""
_LONG = 24
ABOUT = {
    "vhs": 'Haystacks: "For the image with a X, is there a Y?", where one photograph of n shows an X.',
    "grounding": "Whether photographs, points, boxes and masks of a category are the right ones.",
    "captions": "Whether a caption finds its photograph among all others.",
    "counting": "How many photographs of a hundred show something, and how many of it there are.",
    "abstention": "Questions of which a third have no answer in the photographs asked about: are just those declined?",
    "pope": "Balanced yes/no questions about one photograph, with absent things drawn in three ways.",
    "demo": "The demo's questions, whose answers were written down before any model ran.",
}


@dataclass(frozen=True, slots=True)
class Cell:
    text: str
    interval: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """`kind` is its class in the style sheet: number, long or text."""

    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Grid:
    """A table as it is printed."""

    columns: tuple[Column, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A run on the page."""

    title: str
    about: str
    made_with: str
    grid: Grid
    against: Grid
    plots: tuple[Plot, ...]
    failures: tuple[Failure, ...]
    failures_note: str
    facts: tuple[tuple[str, str], ...]


def section(run: Run, shown: Sequence[Failure] | None = None) -> Section:
    """What the page says of a run; `shown` are its failures with pictures."""
    found, many = failures(run.records)
    found = found if shown is None else list(shown)
    return Section(
        title=run.suite if run.path.stem == run.suite else f"{run.suite} ({run.path.stem})",
        about=ABOUT.get(run.suite, ""),
        made_with=_made_with(run.about),
        grid=grid(run.rows),
        against=grid(_against(run)),
        plots=tuple(plots(run)),
        failures=tuple(found),
        failures_note=f"{len(found)} of {many}, of every row in turn, one of a photograph.",
        facts=tuple((name, _text(value)) for name, value in leaves(run.about)),
    )


def render_page(sections: Sequence[Section], now: datetime, picture_note: str = "") -> str:
    """The page. `picture_note` says why it has no photographs, where it has none."""
    environment = Environment(
        loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("page.html.j2").render(
        css=_css(),
        created=f"{now:%Y-%m-%d %H:%M}",
        sections=sections,
        shown_rows=ROWS,
        pictures=any(failure.picture for each in sections for failure in each.failures),
        picture_note=picture_note,
    )


def grid(rows: Sequence[Row]) -> Grid:
    """A column for each name of any row; an interval stands in the cell of its figure, n/a where there is none."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    names = [name for name in names if name.removesuffix("_interval") == name or name[:-9] not in names]
    columns = tuple(Column(words(name), _kind([row.get(name) for row in rows])) for name in names)
    return Grid(columns, tuple(tuple(_cell(row, name) for name in names) for row in rows))


def _css() -> Any:
    from markupsafe import Markup

    return Markup((FOLDER / "page.css").read_text(encoding="utf-8"))  # our own file


def _made_with(about: Mapping[str, Any]) -> str:
    models = about.get("models", {})
    said = [f"revision {str(about.get('revision', 'unknown'))[:12]}", f"profile {about.get('profile', 'unknown')}"]
    said += [f"{part} {model['id']}" for part, model in models.items() if model.get("id")]
    said += [f"seed {about['seed']}"] if "seed" in about else []
    said += [f"{about['photographs']} photographs"] if "photographs" in about else []
    return ", ".join(said)


def _cell(row: Row, name: str) -> Cell:
    interval = row.get(f"{name}_interval")
    return Cell(_text(row.get(name)), f"{_text(interval[0])} to {_text(interval[1])}" if interval else "")


def _kind(values: Sequence[Any]) -> str:
    if any(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return "number"
    return "long" if any(len(_text(value)) > _LONG for value in values) else "text"


def _against(run: Run) -> list[Row]:
    """Pipelines beside the agent, in the score that says what is right; none where the table has that already."""
    if any("agent_ahead" in row for row in run.rows):
        return []
    return [
        {name: value for name, value in row.items() if name not in ("a", "b", "score")}
        for row in pipeline_rows(run.records)
        if row["score"] == right_score(run.records) and row["questions"]
    ]


def _text(value: Any) -> str:
    if value is None:
        return "n/a"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3f}".replace("-", "\N{MINUS SIGN}")
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    return str(value)
