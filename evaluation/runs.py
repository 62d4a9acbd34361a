"""A whole run of a suite: photographs in, questions asked, every record kept, table printed, JSON written."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evaluation.asking import in_flight
from evaluation.journal import Journal, refuse_other
from evaluation.report import markdown, read_result, write_json
from evaluation.run_info import run_info
from evaluation.session import import_copies, progress_bar
from evaluation.suite import Question, Suite
from thresher import render
from thresher.client import Client
from thresher.errors import InvalidInput
from thresher.importing import Found
from thresher.types import ImageId

PARALLEL = 4
"""Questions in flight, where the server allows as many."""


async def run_suite(client: Client, suite: Suite, json_file: Path | None) -> dict[str, Any]:
    """Import what is not there yet, ask what was not asked yet, print the table -> {"suite", "run", "rows"}.

    With `json_file`, records go to the same name with .jsonl as they come: a run that was cut off goes on there.
    `InvalidInput` where that file holds another run.
    """
    info = await client.server_info()
    collection = collection_of(suite.ids)
    parallel = min(PARALLEL, info.limits.max_concurrent_asks)
    photographs = {"photographs": len(suite.ids), "collection": collection}
    about = {"suite": suite.name, "run": {**run_info(info), **photographs, "parallel": parallel, **suite.settings}}
    _refuse_other_result(json_file, about)
    with Journal(json_file.with_suffix(".jsonl") if json_file else None, about) as journal:
        left = [question for question in suite.questions if question.key not in journal.records]
        if left:
            await _import(client, collection, suite)
            await _ask(client, collection, left, journal, parallel)
        records = [journal.records[question.key] for question in suite.questions]
    result: dict[str, Any] = {**about, "rows": suite.rows(records)}
    if json_file is not None:
        write_json(json_file, result)
    parts = [
        f"## {suite.title}",
        markdown(result["rows"]),
        "\n".join(f"- {line}" for line in suite.notes(result["rows"])),
    ]
    if json_file is not None:
        parts.append(f"written to {json_file}")
    text = "\n" + "\n\n".join(filter(None, parts)) + "\n"
    render.out.print(text, markup=False, highlight=False, soft_wrap=True)
    return result


def _refuse_other_result(path: Path | None, about: Mapping[str, Any]) -> None:
    if path is not None and path.exists():
        refuse_other(path, read_result(path), about)


async def _ask(client: Client, collection: str, left: Sequence[Question], journal: Journal, parallel: int) -> None:
    with progress_bar(render.err) as bar:
        groups = Counter(question.group for question in left)
        tasks = {group: bar.add_task(group, total=total) for group, total in groups.items()}

        async def ask(question: Question) -> None:
            journal.add({"key": question.key, **await question.ask(client, collection)})
            bar.advance(tasks[question.group])

        await in_flight(left, ask, parallel)


async def _import(client: Client, collection: str, suite: Suite) -> None:
    report = await import_copies(client, collection, Found(suite.photographs, 0))
    if report.failed:
        name, reason = report.failed[0]
        raise InvalidInput(f"{len(report.failed)} photographs were refused, the first is {name}: {reason}")


def collection_of(ids: Sequence[ImageId]) -> str:
    """A name that the same photographs get again, so that they are imported once."""
    digest = hashlib.sha256("".join(sorted(ids)).encode()).hexdigest()
    return f"eval-{digest[:12]}"
