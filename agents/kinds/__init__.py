"""One module a kind of question: `decide` computes its verdict, `say` puts it in one plain sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from agents.gaps import undated
from agents.kinds import compare, count, count_objects, describe, exists, find, quantified, read
from agents.kinds.base import Case, Ruling, abstain, say_abstained
from thresher.types import Abstention, Kind, Plan

_Decide = Callable[[Case], Ruling]
_Say = Callable[[Plan, Ruling, Sequence[str]], str]

KINDS: Mapping[Kind, tuple[_Decide, _Say]] = {
    Kind.FIND: (find.decide, find.say),
    Kind.WHICH: (find.decide, find.say),
    Kind.EXISTS: (exists.decide, exists.say),
    Kind.COUNT: (count.decide, count.say),
    Kind.COUNT_OBJECTS: (count_objects.decide, count_objects.say),
    Kind.ALL: (quantified.decide, quantified.say),
    Kind.ANY: (quantified.decide, quantified.say),
    Kind.COMPARE: (compare.decide, compare.say),
    Kind.DESCRIBE: (describe.decide, describe.say),
    Kind.READ: (read.decide, read.say),
}


def decide(case: Case) -> Ruling:
    found = case.findings
    if case.abstain and found.n and not found.found.dated.any():
        return abstain(case, Abstention.UNSURE, undated(found))
    return KINDS[case.plan.kind][0](case)


def say(plan: Plan, ruling: Ruling, names: Sequence[str]) -> str:
    """The verdict in one sentence. `names`: file names of its first photographs, those that are to be cited."""
    if ruling.verdict.abstained:
        return say_abstained(plan, ruling.verdict, names)
    return KINDS[plan.kind][1](ruling.checked or plan, ruling, names)
