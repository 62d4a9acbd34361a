"""How the CLI shows things: tables and text by rich, and the JSON objects of `--json`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from thresher.records import ReadPlan, Reply, SearchResult, ServerInfo
from thresher.types import AskEvent, Citation, Collection, Evidence, Hit, ImageRecord, Region, Step, Text

out = Console()
err = Console(stderr=True)


def print_json(value: Any) -> None:
    """One line on standard output."""
    out.file.write(json.dumps(value, ensure_ascii=False) + "\n")
    out.file.flush()


# --- JSON ---


def collection_object(collection: Collection) -> dict[str, Any]:
    return {
        "name": collection.name,
        "display_name": collection.display_name,
        "images": collection.image_count,
        "encoder": collection.encoder.id,
        "schema_version": collection.schema_version,
        "created_at": collection.created_at.isoformat(),
    }


def image_object(record: ImageRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "paths": list(record.paths),
        "width": record.width,
        "height": record.height,
        "mime_type": record.mime_type,
        "size_bytes": record.size_bytes,
        "imported_at": record.imported_at.isoformat(),
        "taken_at": record.taken_at.isoformat() if record.taken_at else None,
        "camera": record.camera,
        "latitude": record.latitude,
        "longitude": record.longitude,
        "tags": list(record.tags),
    }


def info_object(info: ServerInfo) -> dict[str, Any]:
    return asdict(info)


def search_object(result: SearchResult) -> dict[str, Any]:
    return {
        "hits": [
            {"image": hit.record.path, "image_id": hit.record.id, "score": round(hit.score, 6)} for hit in result.hits
        ],
        "unknown_concept": result.unknown_concept,
        "nearest": list(result.nearest),
    }


def plan_object(plan: ReadPlan) -> dict[str, Any]:
    """Set expressions in words; None where the plan has none."""
    return {
        "kind": plan.kind.value,
        "target": plan.target_words or None,
        "condition": plan.condition_words or None,
        "compare_with": plan.compare_with_words or None,
        "comparison": plan.comparison or None,
        "planner": plan.planner,
        "one": plan.one,
    }


def region_object(region: Region) -> dict[str, Any]:
    """Mask as COCO RLE, as pycocotools reads it."""
    box, mask = region.box, region.mask
    return {
        "phrase": region.phrase,
        "score": round(region.score, 4),
        "box": [round(edge, 2) for edge in (box.x0, box.y0, box.x1, box.y1)],
        "mask": mask and {"size": [mask.height, mask.width], "counts": mask.counts.decode("ascii")},
    }


def citation_object(citation: Citation) -> dict[str, Any]:
    return {
        "image": citation.path,
        "image_id": citation.image_id,
        "probability": round(citation.probability, 4),
        "regions": [region_object(region) for region in citation.regions],
    }


def ask_object(question: str, plan: ReadPlan | None, steps: Sequence[Step], reply: Reply) -> dict[str, Any]:
    """The object of `thresher ask --json`. `plan` is null where the question could not be read."""
    verdict = reply.verdict
    return {
        "question": question,
        "plan": plan and plan_object(plan),
        "verdict": {
            "kind": verdict.kind.value,
            "value": verdict.value,
            "images": list(reply.paths),
            "image_ids": list(verdict.images),
            "interval": verdict.interval,
            "judged": verdict.judged,
            "total": verdict.total,
            "duplicates": verdict.duplicates,
        },
        "abstained": verdict.abstained,
        "reason": verdict.abstention.value or None,
        "detail": verdict.detail or None,
        "unchecked": list(verdict.unchecked),
        "confidence": round(reply.confidence, 4),
        "answer": reply.text,
        "citations": [citation_object(citation) for citation in reply.citations],
        "degraded": reply.degraded or None,
        "steps": [asdict(step) for step in steps],
        "seconds": round(reply.seconds, 3),
    }


# --- tables ---


def collections_table(collections: Sequence[Collection]) -> Table:
    table = Table("Collection", "Photographs", "Encoder", "Created")
    for each in collections:
        table.add_row(each.name, f"{each.image_count:,}", each.encoder.id, f"{each.created_at:%Y-%m-%d %H:%M}")
    return table


def images_table(records: Sequence[ImageRecord]) -> Table:
    table = Table("Photograph", "Id", "Size", "Taken", "Tags")
    for each in records:
        taken = f"{each.taken_at:%Y-%m-%d %H:%M}" if each.taken_at else ""
        size = f"{each.width} x {each.height}"
        table.add_row(escape(each.path), each.id[:12], size, taken, escape(", ".join(each.tags)))
    return table


def hits_table(hits: Sequence[Hit]) -> Table:
    table = Table("", "Photograph", "Score", "Id")
    for number, hit in enumerate(hits, start=1):
        table.add_row(str(number), escape(hit.record.path), f"{hit.score:.3f}", hit.record.id[:12])
    return table


def info_table(info: ServerInfo) -> Table:
    table = Table(show_header=False, box=None)
    why = f"{'given up' if info.generator_failed else 'not ready'}: {info.generator_detail.rstrip('.')}"
    ready = "ready" if info.generator_ready else why
    does = [word for word, can in (("sees", info.sees), ("plans", info.plans)) if can] or ["words answers only"]
    rows = {
        "Version": f"{info.version} (schema {info.schema_version})",
        "Profile": info.profile,
        "Encoder": f"{info.encoder.id}  {info.encoder.weights[:12]}",
        "Grounder": f"{info.grounder.id}  {info.grounder.weights[:12]}",
        "Language model": f"{info.generator.id or 'none'}  {info.generator.weights[:12]}",
        "": f"{ready}; {', '.join(does)}" if info.generator.id else ready,
        "Limits": f"{info.limits.max_concurrent_asks} questions at a time, {info.limits.max_ask_seconds:.0f} s each; "
        f"photographs up to {info.limits.max_image_bytes / 2**20:.0f} MiB and "
        f"{info.limits.max_image_pixels / 1e6:.0f} megapixels",
    }
    for name, value in rows.items():
        table.add_row(f"[bold]{name}", escape(value))
    return table


def citations_table(citations: Sequence[Citation]) -> Table:
    table = Table("", "Photograph", "Probability", "Seen there")
    for number, citation in enumerate(citations, start=1):
        seen = ", ".join(f"{region.phrase} {region.score:.2f}" for region in citation.regions)
        table.add_row(str(number), escape(citation.path), f"{citation.probability:.2f}", escape(seen))
    return table


def plan_line(plan: ReadPlan) -> str:
    """ "count: dog and not person" """
    line = f"{plan.kind.value.replace('_', ' ')}: {plan.target_words or 'all photos'}"
    if plan.condition_words:
        line += f" · is there: {plan.condition_words}"
    if plan.compare_with_words:
        line += f" · {plan.comparison or 'compared'} than: {plan.compare_with_words}"
    return line if plan.planner == "grammar" else f"{line} (read by {plan.planner})"


class AskView:
    """An answer as it comes. On a terminal a later text replaces an earlier one in place; elsewhere the last counts."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, transient=True, auto_refresh=False) if console.is_terminal else None
        self._said = ""

    def __enter__(self) -> AskView:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *exc: object) -> None:
        if self._live:
            self._live.stop()

    def _line(self, line: str) -> None:
        self._console.print(line, soft_wrap=True, highlight=False)

    def show(self, event: AskEvent) -> None:
        if isinstance(event, ReadPlan):
            self._line(f"[cyan]Plan[/]   {escape(plan_line(event))}")
        elif isinstance(event, Step):
            took = f"{event.milliseconds:,.0f} ms"
            detail = f" {escape(event.detail)}" if event.detail else ""
            self._line(f"[dim]Step   {escape(event.name)}{detail} · {event.count:,} · {took}[/]")
        elif isinstance(event, Text):
            if self._live:
                self._live.update(Group(f"[bold]{escape(event.text)}[/]"), refresh=True)
        elif isinstance(event, Evidence):
            self._line(f"[dim]Shown  {escape(event.citation.path)}[/]")

    def finish(self, reply: Reply) -> None:
        verdict = reply.verdict
        self._line(f"\n[bold green]{escape(reply.text or str(verdict.value))}[/]")
        notes = [f"{verdict.judged:,} of {verdict.total:,} photographs judged", f"{reply.seconds:.1f} s"]
        if verdict.interval:
            notes.insert(0, f"90 % interval {verdict.interval[0]}–{verdict.interval[1]}")
        if not verdict.abstained:
            notes.insert(0, f"confidence {reply.confidence:.2f}")
        self._line(f"[dim]{', '.join(notes)}[/]")
        if verdict.unchecked:
            self._line(f"[yellow]Not checked: {escape(', '.join(verdict.unchecked))}[/]")
        if reply.degraded:
            self._line(f"[yellow]{escape(reply.degraded)}[/]")
        if reply.citations:
            self._console.print(citations_table(reply.citations))
