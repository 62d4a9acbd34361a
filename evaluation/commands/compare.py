"""`thresher eval compare`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from evaluation.commands.options import Images, load_photographs
from evaluation.compare import Run, differences, pipeline_rows, read_run
from evaluation.labels import load_scenes
from evaluation.paired import Labels, compare
from evaluation.report import check_output, markdown, write_json
from thresher import render
from thresher.errors import InvalidInput
from thresher.options import command


@command
async def compare_runs(
    a: Annotated[
        Path, typer.Argument(metavar="A", help="The .json or .jsonl of a run, the reference.", show_default=False)
    ],
    b: Annotated[
        Path | None,
        typer.Argument(metavar="[B]", help="The run to compare; without it, A's pipelines.", show_default=False),
    ] = None,
    coco: Annotated[
        Path | None, typer.Option(help="The folder of labels of both, which grounding needs.", show_default=False)
    ] = None,
    images: Images = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the result to this file.", show_default=False)
    ] = None,
) -> None:
    """How much the figures of B differ from A's, paired by question, and whether the 95 % interval excludes 0."""
    check_output(json_file)
    labels = _labels(coco, images) if coco else None
    result = _of_pipelines(read_run(a)) if b is None else _of_runs(read_run(a), read_run(b), labels)
    if json_file is not None:
        write_json(json_file, result)
    written = f"\n\nwritten to {json_file}" if json_file else ""
    differs = f"{markdown(result['differs'])}\n\n" if result["differs"] else ""
    text = f"\n## {result['title']}\n\n{differs}{markdown(result['rows'])}{written}\n"
    render.out.print(text, markup=False, highlight=False, soft_wrap=True)


def _labels(coco: Path, images: Path | None) -> Labels:
    photographs = load_photographs(coco, images)
    return photographs, load_scenes(coco, photographs)


def _of_runs(a: Run, b: Run, labels: Labels | None) -> dict[str, Any]:
    return {
        "title": f"{a.suite}: b is {b.path}, a is {a.path}, difference b - a",
        **_about(a, b.about),
        "differs": differences(a.about, b.about),
        "rows": compare(a, b, labels),
    }


def _of_pipelines(run: Run) -> dict[str, Any]:
    rows = pipeline_rows(run.records)
    if not rows:
        raise InvalidInput(
            f"{run.path} has no pipelines to compare: there is one, or the agent is not among them.",
            "Give two runs, or a run of `thresher eval vhs`.",
        )
    title = f"{run.suite}: b is the agent, a the pipeline against it, difference b - a"
    return {"title": title, **_about(run, run.about), "differs": [], "rows": rows}


def _about(a: Run, b: Mapping[str, Any]) -> dict[str, Any]:
    return {"suite": a.suite, "run": {"a": a.about, "b": b}}
