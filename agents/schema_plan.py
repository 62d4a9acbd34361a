"""Question -> Plan by a language model that plans (generator.spec.plans). Anything off means: not understood."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Literal, cast

from agents.plan import parse_expr
from agents.prompts import prompt
from models.protocols import Generator
from thresher.types import Expr, Kind, Plan, Predicate

_FIELDS = ("kind", "target", "condition", "compare_with", "comparison")
SCHEMA: Mapping[str, object] = {
    "type": "object",
    "properties": {
        "kind": {"type": "string", "enum": [*(kind.value for kind in Kind), "unreadable"]},
        "target": {"type": "string", "maxLength": 200},
        "condition": {"type": "string", "maxLength": 200},
        "compare_with": {"type": "string", "maxLength": 200},
        "comparison": {"type": "string", "enum": ["more", "fewer", ""]},
    },
    "required": list(_FIELDS),
    "additionalProperties": False,
}


async def schema_plan(question: str, generator: Generator, lexicon: Container[str] = ()) -> Plan | None:
    """The model's plan where it is whole and fits its kind, else None. Raises GeneratorUnavailable."""
    answer = await generator.json(prompt("plan", question=question), SCHEMA)
    return validate(answer, generator.spec.model, lexicon)


def validate(answer: Mapping[str, object], model: str, lexicon: Container[str] = ()) -> Plan | None:
    """Strict: exactly the fields, all texts, a known kind, expressions that parse, the parts that the kind needs."""
    if set(answer) != set(_FIELDS) or not all(isinstance(value, str) for value in answer.values()):
        return None
    said = {name: str(answer[name]).strip() for name in _FIELDS}
    if said["kind"] not in {kind.value for kind in Kind} or said["comparison"] not in ("more", "fewer", ""):
        return None
    exprs: dict[str, Expr | None] = {}
    for name in ("target", "condition", "compare_with"):
        exprs[name] = parse_expr(said[name], lexicon) if said[name] else None
        if said[name] and exprs[name] is None:
            return None
    kind, target = Kind(said["kind"]), exprs["target"]
    direction = cast(Literal["more", "fewer", ""], said["comparison"])
    plan = Plan(kind, target, exprs["condition"], exprs["compare_with"], direction, planner=model)
    return plan if _fits(plan) else None


def _fits(plan: Plan) -> bool:
    compared = plan.compare_with is not None and plan.comparison != ""
    if (plan.kind is Kind.COMPARE) != compared or (plan.compare_with is None) != (plan.comparison == ""):
        return False
    match plan.kind:
        case Kind.ALL | Kind.ANY:
            return plan.condition is not None
        case Kind.EXISTS:
            return plan.target is not None
        case Kind.COUNT_OBJECTS:
            counted = plan.condition if plan.condition is not None else plan.target
            return isinstance(counted, Predicate)
        case Kind.COMPARE:
            return plan.target is not None and plan.condition is None
        case _:
            return plan.condition is None
