"""What of a question nothing here checked, in words, and the claim that is left without it.

An attribute, or a relation that boxes cannot tell, never becomes a silent "and": the photographs that show the rest
stay, the sentence says the rest alone, and beside it what was not checked.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np

from agents.algebra import conj, mapped, predicates
from agents.judge import Findings
from agents.nouns import ALWAYS_PLURAL, plural_phrase, with_article
from agents.phrases import head_of
from agents.relations import is_geometric
from agents.words import noun_phrase, photos
from thresher.types import And, Expr, Kind, Plan, Predicate

CONFIDENCE = 0.5
"""What is left of a confidence for each kind of part that was not checked."""


@dataclass(frozen=True, slots=True)
class Gap:
    """`kind` of part: attribute, relation, count, noun or date. `words` go behind "Not checked:".

    `whole`: it was checked in no photograph, so that no sentence may claim it.
    """

    kind: str
    words: str
    whole: bool = True


def gaps(found: Findings, plan: Plan, among: Collection[int] | None = None) -> tuple[list[Gap], Plan | None]:
    """(all gaps, the plan with only what was checked or None where that is the whole plan). `among`: see `rule`."""
    exprs = (plan.target, plan.condition, plan.compare_with)
    places = set(range(found.n) if among is None else among)
    lost = {p: _gaps_of(found, p, places) for p in predicates(*exprs)}
    every = list(dict.fromkeys([gap for own in lost.values() for gap in own] + _dates(found, plan, places)))
    whole = {p: kinds for p, own in lost.items() if (kinds := {gap.kind for gap in own if gap.whole})}
    return every, _without(plan, whole) if whole else None


def undated(found: Findings) -> str:
    """ "3 of 8 photos have no date"."""
    missing, n = int((~found.found.dated).sum()), found.n
    if missing == n:
        return "none of these photos has a date"
    return f"{missing} of {photos(n)} {'has' if missing == 1 else 'have'} no date"


def _dates(found: Findings, plan: Plan, places: set[int]) -> list[Gap]:
    """A gap where some photograph hangs on a date that it does not have."""
    if found.found.dated.all():
        return []
    everywhere = set(range(found.n))
    for expr, where in ((plan.target, everywhere), (plan.compare_with, everywhere), (plan.condition, places)):
        judged = found.judge(expr)
        if where.intersection(np.flatnonzero(judged.can & ~judged.must & ~found.found.dated).tolist()):
            return [Gap("date", f"when every photo was taken ({undated(found)})", whole=False)]
    return []


def _gaps_of(found: Findings, p: Predicate, places: set[int]) -> list[Gap]:
    """None where no photograph shows the nouns anyway, or a language model looked at all that do."""
    possible = np.flatnonzero(found.judge(p).can | found.judge(p, asked=True).can).tolist()
    blind = [index for index in found.not_looked_at(p) if index in places]
    if places.isdisjoint(possible) or (p in found.looks and not blind):
        return []
    said = []
    if p.attribute:
        said.append(Gap("attribute", f"whether {_with_attribute(p)}"))
    for noun in (p.noun, p.object):
        if noun in found.found.reduced:
            said.append(Gap("noun", f"whether the {head_of(noun)} is {with_article(noun)}"))
    relation = f"whether {_is(p.noun)} {p.relation} the {p.object}"
    if p.object and not is_geometric(p.relation):
        said.append(Gap("relation", relation))
    words = {
        "relation": relation,
        "count": f"whether there are {noun_phrase(Predicate(p.noun, min_count=p.min_count))}",
    }
    nouns = conj([Predicate(noun) for noun in (p.noun, p.object) if noun])
    both = places.intersection(np.flatnonzero(found.judge(nouns).must).tolist())
    for kind, check in found.box_checks(p).items():
        silent = sum(check(index)[1] is None for index in blind)
        whole = p not in found.looks and all(check(index)[1] is None for index in both)
        if silent and not found.unknown(p):
            said.append(Gap(kind, f"{words[kind]} in {photos(silent)}", whole))
    return said


def _is(noun: str) -> str:
    return f"the {noun} {'are' if noun.split()[-1] in ALWAYS_PLURAL else 'is'}"


def _with_attribute(p: Predicate) -> str:
    if "many" in p.attribute.split():
        return f"there are {p.attribute} {plural_phrase(p.noun)}"
    return f"{_is(p.noun)} {p.attribute}"


def _without(plan: Plan, lost: dict[Predicate, set[str]]) -> Plan:
    def left(p: Predicate) -> Expr:
        kinds = lost.get(p, set())
        attribute = "" if "attribute" in kinds else p.attribute
        count = 1 if "count" in kinds else p.min_count
        noun, other = (head_of(name) if "noun" in kinds else name for name in (p.noun, p.object))
        if "relation" in kinds:
            return conj([Predicate(noun, attribute, min_count=count), Predicate(other)])
        return replace(p, noun=noun, attribute=attribute, object=other, min_count=count)

    target, condition, other = (
        expr if expr is None else mapped(expr, left) for expr in (plan.target, plan.condition, plan.compare_with)
    )
    if plan.kind is Kind.COUNT_OBJECTS:
        target, condition = _one_counted(target, condition)
    return replace(plan, target=target, condition=condition, compare_with=other)


def _one_counted(target: Expr | None, condition: Expr | None) -> tuple[Expr | None, Expr | None]:
    """One predicate is counted; what it was related to selects the photographs."""
    counted = target if condition is None else condition
    if not isinstance(counted, And):
        return target, condition
    selecting = [*counted.parts[1:]] if condition is None or target is None else [target, *counted.parts[1:]]
    return conj(selecting), counted.parts[0]
