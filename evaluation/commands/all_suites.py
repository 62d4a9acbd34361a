"""`thresher eval all`, which `make eval` runs: every table of docs/evaluation.md with one server and one import."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from evaluation.coco import LabelledPhotographs, load
from evaluation.commands.demo import run_demo
from evaluation.commands.options import RESULTS, Profile, asked_server, is_test, parse_sizes, shared_folder
from evaluation.commands.vhs import SIZES_SEVERAL, built_in
from evaluation.distractors import load_distractors
from evaluation.labels import load_captions, load_scenes
from evaluation.report import check_output
from evaluation.run_info import revision
from evaluation.runs import run_suite
from evaluation.suite import Suite
from evaluation.suites import abstention, captions, counting, grounding, pope, vhs
from evaluation.vhs_questions import Settings, drawn
from thresher import render
from thresher.options import command
from thresher.types import Pipeline

LARGE = (500, 1000)
"""Photographs in a haystack that photos-1k fills."""
SEVERAL_QUESTIONS, LARGE_QUESTIONS, POPE_PHOTOGRAPHS = 400, 200, 200
"""At most; fewer than each command's own default, so that all of it ends within the hour."""
BASELINES = (Pipeline.AGENT, Pipeline.DETECTOR, Pipeline.BASE_RATE)


@command
async def all_suites(
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for the JSON files and the server's data; build/eval/REVISION otherwise.", show_default=False
        ),
    ] = None,
    questions: Annotated[int, typer.Option(min=1, help="Questions of each size of vhs.")] = 1000,
    profile: Profile = "offline",
) -> None:
    """The demo's questions and every suite, on photographs that trained nothing that ships.

    Those of THRESHER_SHARED/data/coco whose id is 0 modulo 5; where that folder is not there, only the demo's are
    asked. A run that was cut off goes on where it was.
    """
    folder = out or RESULTS / revision()
    data = shared_folder() / "data"
    labelled = load(data / "coco", keep=is_test) if (data / "coco" / "instances.json").is_file() else None
    check_output(folder / "demo.json")
    async with asked_server(None, folder / "data", profile) as client:
        right = await run_demo(client, folder / "demo.json")
        if labelled is None:
            render.err.print(f"There are no labelled photographs in {data} (set THRESHER_SHARED): no suite is run.")
        else:
            for name, suite in suites(data, labelled, questions, await built_in(client)).items():
                await run_suite(client, suite, folder / f"{name}.json")
    if not right:
        raise typer.Exit(1)


def suites(
    data: Path, labelled: LabelledPhotographs, questions: int, trained: frozenset[str] | None
) -> dict[str, Suite]:
    """Name of the file -> suite, each with the defaults of its own command. Captions and photos-1k may be missing."""
    coco = data / "coco"
    scenes = load_scenes(coco, labelled)
    every = tuple(Pipeline)
    several = Settings(parse_sizes(SIZES_SEVERAL), min(questions, SEVERAL_QUESTIONS), needles=(2, 3))
    found = {
        "vhs": vhs.suite(drawn(labelled, Settings(questions=questions)), every, trained),
        "vhs-needles": vhs.suite(drawn(labelled, several), every, trained),
        "counting": counting.suite(labelled, scenes, counting.Settings()),
        "abstention": abstention.suite(labelled, scenes, abstention.Settings()),
        "pope": pope.suite(labelled, pope.Settings(POPE_PHOTOGRAPHS, pipelines=BASELINES)),
        "grounding": grounding.suite(labelled, scenes, grounding.Settings()),
    }
    if (coco / "captions.json").is_file():
        found["captions"] = captions.suite(labelled, load_captions(coco, labelled), captions.Settings())
    if (data / "photos-1k").is_dir():
        others = load_distractors(data / "photos-1k", None, labelled.categories, labelled.ids)
        large = Settings(LARGE, min(questions, LARGE_QUESTIONS))
        found["vhs-large"] = vhs.suite(drawn(labelled, large, others), every, trained)
    return found
