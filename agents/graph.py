"""The way of one question, wired: plain async functions, state in, update out. The only file that knows LangGraph.

    read ─→ retrieve ─→ judge ─→ decide ─┬→ show (boxes, masks) ─┬→ answer
      ├── not understood, no photos ──→──┴→ word (the model)    ─┘
      └── another pipeline: baseline ──→ decide

State holds text, ids and numbers. Arrays, boxes and clients live in the context (`Asking`), which dies with the ask.
"""

from __future__ import annotations

import asyncio
import operator
from collections.abc import AsyncGenerator
from functools import cache
from typing import Annotated, Any, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime

from agents import pipelines, stages
from agents.kinds.base import Ruling
from agents.params import Deps
from agents.plan import EXAMPLES, plan
from agents.question import checked
from agents.stages import Asking
from thresher.types import Answer, AskEvent, AskOptions, Citation, Pipeline, Plan

RECURSION_LIMIT = 25


class State(TypedDict, total=False):
    question: str
    plan: Plan | None
    ruling: Ruling | None
    names: tuple[str, ...]
    text: str
    citations: tuple[Citation, ...]
    degraded: Annotated[list[str], operator.add]


async def ask(question: str, options: AskOptions, deps: Deps) -> AsyncGenerator[AskEvent, None]:
    """Answers one question about `deps.store`: Plan, Steps as they happen, the plain Text early, then Evidence and the
    model's Text as they are ready, one Answer last. Closing the generator cancels everything under way.

    InvalidQuestion; Unsupported where `options.pipeline` is one that cannot answer this.
    Past `deps.deadline`: DeadlineExceeded where there is no verdict yet; with a verdict the ask ends
    at once with what it has and the Answer's `degraded` says what is missing. Past `deps.budgets.seconds` without a
    verdict the Answer abstains: out_of_budget. What the store or the encoder raises goes on to the caller.
    """
    asking = Asking(deps, options)
    start: State = {"question": checked(question), "degraded": []}
    running = asyncio.create_task(_run(start, asking))
    try:
        while (event := await asking.events.get()) is not None:
            yield event
        await running
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def warm_up() -> None:
    """Builds the grammar and the graph, so that the first question does not pay for it (about a second). Blocks."""
    plan(EXAMPLES[0])
    _graph()


async def _run(start: State, asking: Asking) -> None:
    try:
        await _graph().ainvoke(start, config={"recursion_limit": RECURSION_LIMIT}, context=asking)
    finally:
        asking.events.put_nowait(None)


async def _read(state: State, runtime: Runtime[Asking]) -> State:
    plan, problem = await stages.read(runtime.context, state["question"])
    if plan is None:
        return {"plan": None, "ruling": stages.not_understood(), "degraded": [problem] if problem else []}
    return {"plan": plan, "ruling": None}


async def _retrieve(state: State, runtime: Runtime[Asking]) -> State:
    return {"ruling": await stages.retrieve_scores(runtime.context, _plan(state))}


async def _baseline(state: State, runtime: Runtime[Asking]) -> State:
    return {"ruling": await pipelines.rule(runtime.context, _plan(state), state["question"])}


async def _judge(state: State, runtime: Runtime[Asking]) -> State:
    ruling, problem = await stages.judge(runtime.context, _plan(state))
    return {"ruling": ruling, "degraded": [problem] if problem else []}


async def _decide(state: State, runtime: Runtime[Asking]) -> State:
    ruling = state.get("ruling") or await stages.decide(runtime.context, _plan(state))
    names, text = await stages.say(runtime.context, state.get("plan"), ruling)
    return {"ruling": ruling, "names": names, "text": text}


async def _show(state: State, runtime: Runtime[Asking]) -> State:
    citations, problem = await stages.show(runtime.context, state.get("plan"), _ruling(state))
    return {"citations": citations, "degraded": [problem] if problem else []}


async def _word(state: State, runtime: Runtime[Asking]) -> State:
    text, problem = await stages.word(runtime.context, state.get("plan"), _ruling(state), state["names"])
    return {"text": text or state["text"], "degraded": [problem] if problem else []}


async def _answer(state: State, runtime: Runtime[Asking]) -> State:
    verdict, citations = _ruling(state).verdict, state.get("citations", ())
    said = "; ".join(state["degraded"])
    runtime.context.emit(Answer(verdict, state["text"], citations, verdict.confidence, said))
    return {}


def _plan(state: State) -> Plan:
    plan = state.get("plan")
    assert plan is not None
    return plan


def _ruling(state: State) -> Ruling:
    ruling = state.get("ruling")
    assert ruling is not None
    return ruling


def _way(state: State, runtime: Runtime[Asking]) -> str:
    if state.get("ruling"):
        return "decide"
    return "retrieve" if runtime.context.options.pipeline is Pipeline.AGENT else "baseline"


@cache
def _graph() -> Any:
    graph = StateGraph(State, context_schema=Asking)
    for name, node in (
        ("read", _read), ("retrieve", _retrieve), ("judge", _judge), ("baseline", _baseline), ("decide", _decide),
        ("show", _show), ("word", _word), ("answer", _answer),
    ):  # fmt: skip
        graph.add_node(name, node)
    graph.add_edge(START, "read")
    graph.add_conditional_edges("read", _way, ["decide", "retrieve", "baseline"])
    graph.add_conditional_edges("retrieve", lambda state: "decide" if state.get("ruling") else "judge")
    graph.add_edge("baseline", "decide")
    graph.add_edge("judge", "decide")
    graph.add_edge("decide", "show")
    graph.add_edge("decide", "word")
    graph.add_edge(["show", "word"], "answer")
    graph.add_edge("answer", END)
    return graph.compile()
