"""The stages of one ask. Each takes the ask and what the stages before it found; each says what it did as a Step."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from agents import kinds
from agents.algebra import predicates, shown
from agents.decide import best_first
from agents.duplicates import once
from agents.ground import ground
from agents.judge import Findings
from agents.kinds import describe
from agents.kinds import read as reading
from agents.kinds.base import Case, Ruling
from agents.kinds.count_objects import counted
from agents.look import look
from agents.params import Deps
from agents.plan import EXAMPLES, plan
from agents.retrieve import retrieve
from agents.schema_plan import schema_plan
from agents.words import describe_expr
from agents.write import CITED, brief, plain, reworded
from thresher.errors import DeadlineExceeded, GeneratorUnavailable
from thresher.types import (
    Abstention,
    AskEvent,
    AskOptions,
    Citation,
    Duplicates,
    Evidence,
    Expr,
    Filter,
    Grounding,
    Kind,
    Pipeline,
    Plan,
    Step,
    Text,
    Verdict,
    Wording,
)  # fmt: skip

T = TypeVar("T")


class OutOfBudget(Exception):
    """The ask's own limit of seconds, not the client's."""


@dataclass
class Asking:
    """One ask under way: the parts, the options, what was found, and where its events go (None ends them)."""

    deps: Deps
    options: AskOptions
    events: asyncio.Queue[AskEvent | None] = field(default_factory=asyncio.Queue)
    started: float = field(default_factory=time.monotonic)
    findings: Findings | None = None

    def emit(self, event: AskEvent) -> None:
        self.events.put_nowait(event)

    @contextmanager
    def step(self, name: str) -> Iterator[list[Any]]:
        """Emits a Step when the block ends; the block puts [detail, count] into the list."""
        said: list[Any] = ["", 0]
        began = time.perf_counter()
        yield said
        self.emit(Step(name, said[0], int(said[1]), (time.perf_counter() - began) * 1000))

    def left(self) -> float:
        """Seconds until the client's deadline."""
        return float("inf") if self.deps.deadline is None else self.deps.deadline - time.monotonic()

    async def bounded(self, work: Coroutine[Any, Any, T]) -> T:
        """Work that the verdict needs. DeadlineExceeded, OutOfBudget."""
        own = self.started + self.deps.budgets.seconds - time.monotonic()
        try:
            return await asyncio.wait_for(work, max(0.0, min(own, self.left())))
        except TimeoutError as error:
            if self.left() <= 0:
                raise DeadlineExceeded(
                    "The deadline passed before there was an answer.", "Give it more time, or a smaller scope."
                ) from error
            raise OutOfBudget from error

    @property
    def known(self) -> Findings:
        assert self.findings is not None
        return self.findings


async def read(asking: Asking, question: str) -> tuple[Plan | None, str]:
    """The plan by grammar, else by a model that plans; (None, what went wrong) where neither can read it."""
    generator, problem = asking.deps.generator, ""
    lexicon = frozenset(part for name in asking.deps.encoder.concepts for part in name.lower().split(" / "))
    with asking.step("plan") as said:
        taught = await asking.deps.taught_names()
        read = await asyncio.to_thread(plan, question, lexicon, taught)
        if read is None and generator is not None and generator.spec.plans:
            try:
                read = await asking.bounded(schema_plan(question, generator, lexicon))
            except GeneratorUnavailable as error:
                problem = f"the language model could not plan: {error.message}"
            except OutOfBudget:
                problem = "the language model could not plan in time"
        if read is not None:
            asking.emit(read)
            said[0] = f"{read.kind.value}: {_in_words(read)}"
        else:
            said[0] = "could not read the question"
    return read, problem


def not_understood() -> Ruling:
    examples = " ".join(f'"{example}"' for example in EXAMPLES)
    detail = f"I could not read this question. Questions like these work: {examples}"
    return Ruling(Verdict(Kind.FIND, None, abstention=Abstention.NOT_UNDERSTOOD, detail=detail))


async def retrieve_scores(asking: Asking, plan: Plan) -> Ruling | None:
    """Scores every photograph of the scope; a ruling only where there is nothing to judge."""
    deps, exprs = asking.deps, _exprs(plan)
    names = len({noun for p in predicates(*exprs) for noun in (p.noun, p.object) if noun})
    if names > deps.budgets.phrases:
        return _ruled(plan, Abstention.OUT_OF_BUDGET, f"it names {names} things and I take {deps.budgets.phrases}")
    with asking.step("retrieve") as said:
        try:
            found = await asking.bounded(retrieve(exprs, asking.options.scope, deps.searching))
            if asking.options.duplicates is Duplicates.GROUPED:
                found = await asking.bounded(once(found, deps.store))
        except OutOfBudget:
            return _ruled(plan, Abstention.OUT_OF_BUDGET, "scoring took too long")
        said[:] = [f"scored {', '.join(found.scores) or 'filters'}", len(found.ids)]
    asking.findings = Findings(found, deps.judge)
    if found.ids or (plan.target is None and plan.kind in (Kind.FIND, Kind.WHICH, Kind.COUNT, Kind.EXISTS)):
        return None
    scoped = asking.options.scope != Filter()
    return _ruled(
        plan, Abstention.EMPTY_SCOPE, "No photos match the given scope" if scoped else "This collection has no photos"
    )


async def judge(asking: Asking, plan: Plan) -> tuple[Ruling | None, str]:
    """Reads the boxes that the plan needs, lets a model look where one sees; (ruling if out of budget, problem)."""
    findings, deps, problem = asking.known, asking.deps, ""
    case = Case(plan, findings, asking.options.abstain)
    try:
        with asking.step("judge") as said:
            wanted = _wanted_boxes(case)
            said[1] = await asking.bounded(_read_boxes(asking, wanted))
            findings.unread = len(wanted) - int(said[1])
            if plan.kind is Kind.DESCRIBE:
                await asking.bounded(describe.look(case, deps.encoder, deps.store))
            if plan.kind is Kind.READ:
                await asking.bounded(reading.look(case, deps.store))
            said[0] = f"read the boxes of {said[1]} photos" if said[1] else "by stored scores"
            said[1] = findings.n
        if deps.generator is not None and deps.generator.spec.sees and deps.load_jpeg is not None:
            with asking.step("look") as said:
                asked, problem = await asking.bounded(look(plan, findings, deps))
                said[:] = [f"{deps.generator.spec.model} looked", asked]
    except OutOfBudget:
        return _ruled(plan, Abstention.OUT_OF_BUDGET, "judging took too long", findings.n), ""
    return None, problem


async def decide(asking: Asking, plan: Plan) -> Ruling:
    with asking.step("decide") as said:
        ruling = await asyncio.to_thread(kinds.decide, Case(plan, asking.known, asking.options.abstain))
        verdict = ruling.verdict
        said[:] = [verdict.abstention.value or str(verdict.value), len(verdict.images)]
    return ruling


async def say(asking: Asking, plan: Plan | None, ruling: Ruling) -> tuple[tuple[str, ...], str]:
    """(file names of the verdict's first photographs, the plain sentence): emitted at once."""
    verdict = ruling.verdict
    shown_ids = verdict.images[: max(CITED, asking.options.max_evidence)]
    records = await asking.deps.store.get(shown_ids) if shown_ids else {}
    names = tuple(records[i].path if i in records else i[:12] for i in shown_ids)
    if asking.options.wording is Wording.NONE:
        return names, ""
    if plan is None:
        text = verdict.detail
    elif asking.options.pipeline is Pipeline.AGENT:
        text = plain(plan, ruling, names)
    else:
        text = brief(verdict)
    asking.emit(Text(text, "plain"))
    return names, text


async def show(asking: Asking, plan: Plan | None, ruling: Ruling) -> tuple[tuple[Citation, ...], str]:
    """The first photographs of the verdict with their regions, masked where there is time; emitted one by one."""
    ids = ruling.verdict.images[: asking.options.max_evidence]
    if plan is None or not ids:
        return (), ""
    findings, deps = asking.known, asking.deps
    place = {image_id: i for i, image_id in enumerate(findings.found.ids)}
    await _read_boxes(asking, [place[i] for i in ids])
    records = await deps.store.get(ids)
    wanted, probability = _evident(plan, ruling.verdict), _probability(plan, ruling.verdict, findings)
    phrases = tuple(dict.fromkeys(p.noun for p in wanted if findings.found.texts[p.noun].known))
    masks = asking.options.ground is Grounding.SHOWN and deps.grounder is not None
    citations: list[Citation] = []
    problems: list[str] = []
    with asking.step("ground") as said:
        for image_id in ids:
            path = records[image_id].path if image_id in records else image_id[:12]
            index = place[image_id]
            regions = findings.picked_regions(index) + findings.regions(index, wanted)
            citation = Citation(image_id, path, float(probability[index]), regions)
            if masks and deps.grounder is not None:
                try:
                    job = ground(citation, phrases, deps.grounder, deps.load_pixels)
                    citation, problem = await asyncio.wait_for(job, _finite(asking.left()))
                    problems += [problem] if problem else []
                except TimeoutError:
                    masks = False
                    problems.append("no time for all masks")
            citations.append(citation)
            asking.emit(Evidence(citation))
        masked = sum(region.mask is not None for citation in citations for region in citation.regions)
        said[:] = [f"{masked} masks", len(citations)]
    return tuple(citations), "; ".join(problems)


async def word(asking: Asking, plan: Plan | None, ruling: Ruling, names: tuple[str, ...]) -> tuple[str, str]:
    """(the model's wording or "", what was missing): held until it passes the check, and never waited for long."""
    generator = asking.deps.generator
    if asking.options.wording is not Wording.MODEL or asking.options.pipeline is not Pipeline.AGENT:
        return "", ""
    if generator is None:
        return "", "no language model: this is the plain sentence"
    if plan is None or ruling.verdict.abstained:
        return "", ""
    with asking.step("word") as said:
        try:
            seconds = min(asking.deps.budgets.wording_seconds, _finite(asking.left()))
            text, problems = await asyncio.wait_for(reworded(plan, ruling, names, generator), seconds)
        except TimeoutError:
            said[0] = "the language model took too long"
            return "", "the language model took too long: this is the plain sentence"
        except GeneratorUnavailable as error:
            said[0] = "the language model is not there"
            return "", f"no language model ({error.message}): this is the plain sentence"
        said[0] = f"rejected: {problems[0]}" if problems else "passed the check" if text else "said by rule"
    if text:
        asking.emit(Text(text, generator.spec.model))
    return text, ""


# --- parts


def _exprs(plan: Plan) -> tuple[Expr | None, ...]:
    return (plan.target, plan.condition, plan.compare_with)


def _in_words(plan: Plan) -> str:
    parts = [describe_expr(expr) for expr in _exprs(plan) if expr is not None]
    return "; ".join(parts) or "all photos"


def _ruled(plan: Plan, why: Abstention, detail: str, total: int = 0) -> Ruling:
    return Ruling(Verdict(plan.kind, None, judged=0, total=total, abstention=why, detail=detail))


def _finite(seconds: float) -> float:
    return max(0.0, min(seconds, 3600.0))


def _wanted_boxes(case: Case) -> list[int]:
    """Indices of the photographs whose boxes decide something: likeliest first."""
    findings, plan = case.findings, case.plan
    if plan.kind is Kind.DESCRIBE:
        return describe.chosen(case)
    wanted: list[int] = []
    if plan.kind is Kind.COUNT_OBJECTS:
        wanted += best_first(findings.judge(counted(plan)))
    if plan.kind is Kind.READ and plan.condition is not None:
        wanted += best_first(findings.judge(plan.condition))
    exprs = _exprs(plan)
    if plan.kind is Kind.EXISTS and any(map(findings.box_checks, predicates(plan.condition))):
        wanted += best_first(findings.judge(plan.target))[:1]  # the only one that the condition is asked about
        exprs = (plan.target,)
    for p in predicates(*exprs):
        if findings.box_checks(p):
            wanted += best_first(findings.judge(p))
    if findings.params.detection:
        wanted += [i for p in predicates(*_exprs(plan)) for i in findings.plausible(p)]
    return list(dict.fromkeys(wanted))


async def _read_boxes(asking: Asking, indices: list[int]) -> int:
    """Boxes of these photographs into the findings, as many as the budget allows; how many were read."""
    findings = asking.known
    allowed = max(asking.deps.budgets.candidates - len(findings.proposals), 0)
    wanted = [findings.found.ids[i] for i in indices if findings.found.ids[i] not in findings.proposals]
    if wanted[:allowed]:
        findings.proposals.update(await asking.deps.store.proposals(wanted[:allowed]))
    return len(wanted[:allowed])


def _evident(plan: Plan, verdict: Verdict) -> list[Any]:
    """The predicates that the shown photographs show."""
    said = shown(plan.target)
    if plan.condition is not None and (verdict.value or plan.kind is Kind.COUNT_OBJECTS):
        said = said + shown(plan.condition)
    return said + (shown(plan.compare_with) if plan.kind is Kind.COMPARE else [])


def _probability(plan: Plan, verdict: Verdict, findings: Findings) -> np.ndarray[Any, np.dtype[np.float64]]:
    """How likely each photograph is what the verdict takes it for: f64 (n,)."""
    p = findings.judge(plan.target).probability
    if plan.kind is Kind.COMPARE:
        return np.maximum(p, findings.judge(plan.compare_with).probability)
    if plan.kind in (Kind.ANY, Kind.COUNT_OBJECTS) and plan.condition is not None and verdict.value:
        return p * findings.judge(plan.condition).probability
    return p
