"""`thresher eval calibrate`."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Any

import typer

from evaluation.calibration.calibrate import Fitted, fit_judge, gather, look
from evaluation.calibration.plot import write_svg
from evaluation.coco import LabelledPhotographs
from evaluation.commands.options import Coco, Data, Images, Profile, asked_server, load_photographs
from evaluation.report import check_output, markdown, write_json
from evaluation.run_info import run_info
from evaluation.runs import PARALLEL, collection_of
from evaluation.scopes import photos, refuse_one_category
from evaluation.server import REPOSITORY
from evaluation.session import import_copies, wait_for_model
from thresher import render
from thresher.client import Client
from thresher.errors import InvalidInput
from thresher.importing import Found
from thresher.options import Address, command
from thresher.records import ModelInfo, ServerInfo

WITHOUT_JUDGE = {"THRESHER_JUDGE": "none"}
"""The server that is started must not refuse the very file that is to be made anew."""


@command
async def calibrate(
    coco: Coco,
    images: Images = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Where to write the judge; beside the profile otherwise.", show_default=False),
    ] = None,
    looks: Annotated[
        int, typer.Option(min=0, help="Pairs of a photograph and a thing that a language model that sees looks at.")
    ] = 1000,
    data: Data = None,
    profile: Profile = "offline",
    address: Address = None,
) -> None:
    """Fit the judge of a profile on labelled photographs that none of its models was trained on."""
    out = out or judge_file(profile)
    check_output(out)
    photographs = load_photographs(coco, images)
    refuse_one_category(photographs)
    async with asked_server(address, data, profile, WITHOUT_JUDGE) as client:
        info, fitted = await _fit(client, photographs, looks)
    write_json(out, _result(info, coco, photographs, fitted))
    write_svg(out.with_suffix(".svg"), fitted.curves)
    render.out.print(_report(fitted, out), markup=False, highlight=False, soft_wrap=True)


def judge_file(profile: str) -> Path:
    """Where the server looks for a profile's judge."""
    path = Path(profile) if profile.endswith(".toml") else REPOSITORY / "server" / "profiles" / f"{profile}.toml"
    return path.with_suffix(".judge.json")


async def _fit(client: Client, photographs: LabelledPhotographs, looks: int) -> tuple[ServerInfo, Fitted]:
    collection = collection_of(photographs.ids)
    report = await import_copies(client, collection, Found(photos(photographs), 0))
    if report.failed:
        name, reason = report.failed[0]
        raise InvalidInput(f"{len(report.failed)} photographs were refused, the first is {name}: {reason}")
    material = await gather(client, collection, photographs)
    info = await client.server_info()
    if looks and info.generator.id and await wait_for_model(client):
        info = await client.server_info()
    seen = None
    if info.sees and info.generator_ready and looks:
        seen = await look(client, collection, material, looks, min(PARALLEL, info.limits.max_concurrent_asks))
    return info, fit_judge(material, seen)


def _result(info: ServerInfo, coco: Path, photographs: LabelledPhotographs, fitted: Fitted) -> dict[str, Any]:
    digest = hashlib.sha256("".join(sorted(photographs.ids)).encode()).hexdigest()
    run = run_info(info)
    looked = fitted.constants["looked"] is not None
    return {
        "profile": info.profile,
        "models": {
            "encoder": _model(info.encoder),
            "grounder": _model(info.grounder),
            "generator": _model(info.generator if looked else ModelInfo("")),
        },
        "data": {"folder": coco.resolve().name, "photographs": len(photographs.ids), "ids_digest": digest},
        "revision": run["revision"],
        "version": run["version"],
        "judge": fitted.constants,
        "figures": fitted.figures,
    }


def _report(fitted: Fitted, out: Path) -> str:
    operating, between = fitted.figures["abstention"], fitted.figures["boxes_log_loss_interval"]
    at = "n/a" if operating["f1"] is None else f"{operating['f1']:.3f}"
    return f"""
## calibrate

{markdown(fitted.rows)}

- Kept: {", ".join(fitted.figures["kept"])}. A witness is kept where the interval of its gain excludes 0.
- Boxes change the log loss by {fitted.figures["boxes_log_loss"]:.5f} [{between[0]:.5f}, {between[1]:.5f}].
- "The photo with ..." is found from {operating["present"]:.2f} on; F1 of saying that there is none: {at} (scopes of \
{operating["scope"]}, each half of the photographs with the other's choice).

written to {out}, with a plot in {out.with_suffix(".svg")}
"""


def _model(model: ModelInfo) -> dict[str, str]:
    return {"id": model.id, "weights": model.weights}
