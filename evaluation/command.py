"""`thresher eval`: measure a server. Each suite prints a table and writes JSON."""

from __future__ import annotations

import typer

from evaluation.commands import (
    abstention,
    all_suites,
    calibrate,
    captions,
    compare,
    composed,
    counting,
    demo,
    grounding,
    hybrid,
    instances,
    pope,
    regions,
    report,
    retrieval,
    sketches,
    vhs,
)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="Measure a server, the one at --address or one started for the run: each prints a table.",
)
app.command("vhs")(vhs.vhs)
app.command("grounding")(grounding.grounding)
app.command("captions")(captions.captions)
app.command("counting")(counting.counting)
app.command("abstention")(abstention.abstention)
app.command("pope")(pope.pope)
app.command("retrieval")(retrieval.retrieval)
app.command("instances")(instances.instances)
app.command("regions")(regions.regions)
app.command("sketches")(sketches.sketches)
app.command("composed")(composed.composed)
app.command("hybrid")(hybrid.hybrid)
app.command("demo-questions")(demo.demo_questions)
app.command("calibrate")(calibrate.calibrate)
app.command("all")(all_suites.all_suites)
app.command("compare")(compare.compare_runs)
app.command("report")(report.report)
