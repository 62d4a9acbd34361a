"""`thresher eval grounding`."""

from __future__ import annotations

from evaluation.commands.options import Coco, Data, Images, JsonFile, Profile, Seed, asked_server, load_photographs
from evaluation.labels import load_scenes
from evaluation.report import check_output
from evaluation.runs import run_suite
from evaluation.suites import grounding as suites
from thresher.options import Address, command


@command
async def grounding(
    coco: Coco,
    images: Images = None,
    seed: Seed = 7,
    json_file: JsonFile = None,
    data: Data = None,
    profile: Profile = "offline",
    address: Address = None,
) -> None:
    """Every category: photographs ranked, regions pointed at, boxes, and masks where has_masks is true."""
    check_output(json_file)
    photographs = load_photographs(coco, images)
    suite = suites.suite(photographs, load_scenes(coco, photographs), suites.Settings(seed))
    async with asked_server(address, data, profile) as client:
        await run_suite(client, suite, json_file)
