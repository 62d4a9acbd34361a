"""What does the sign say: the words read at import in the photograph that is meant, where the thing is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from agents.decide import Judged
from agents.kinds.base import Case, Ruling, abstain, missing, rule, undecided, unknown
from agents.says import region_of
from agents.words import clause, noun_phrase
from retrievers.protocols import ImageStore
from thresher.types import Abstention, Expr, Plan, Predicate, Word

CANDIDATES = 200
"""Photographs whose words are looked through."""
SHARE = 0.5
"""Part of a word that must lie in a thing's box for the word to be on it."""


async def look(case: Case, store: ImageStore) -> None:
    """Fills `findings.words` for the photographs that may be meant, likeliest first."""
    judged = case.findings.judge(case.plan.target)
    order = [int(i) for i in np.argsort(-judged.probability, kind="stable") if judged.can[i]]
    ids = [case.findings.found.ids[i] for i in order]
    for start in range(0, len(ids), CANDIDATES):
        found = await store.words(ids[start : start + CANDIDATES])
        case.findings.words.update({image_id: words for image_id, words in found.items() if words})
        if case.findings.words:
            return


def decide(case: Case) -> Ruling:
    """Confidence: how sure the reader is of its least sure word, times that of the photograph and of the thing."""
    found, plan = case.findings, case.plan
    judged = found.judge(plan.target)
    if undecided(case, judged, plan.target):
        return unknown(case, plan.target)
    if plan.one and plan.target is not None and missing(case, judged, plan.target):
        return abstain(case, Abstention.NOT_FOUND, "")
    written = [index for index in range(found.n) if found.words.get(found.found.ids[index])]
    if not written:
        return abstain(case, Abstention.NOT_FOUND, "I could not read any words there")
    weight = judged.probability * _of_thing(case).probability
    best = max(written, key=lambda index: (weight[index], -index))
    words, placed = on_thing(case, best)
    found.spelled[found.found.ids[best]] = tuple(map(region_of, words))
    notes = []
    if plan.condition is not None and not placed:
        notes.append(f"whether they are on {_thing(plan.condition)} is not known")
    if len(written) > 1:
        notes.append(f"the likeliest of {len(written)} photos with words")
    sure = min(word.score for word in words) * float(weight[best])
    return rule(case, " ".join(word.text for word in words), [best], sure, detail="; ".join(notes), among=[best])


def on_thing(case: Case, index: int) -> tuple[Sequence[Word], bool]:
    """(words of a photograph, whether they lie in a box of the thing that is asked about): all of them where no word
    lies in one."""
    found, thing = case.findings, case.plan.condition
    words = found.words[found.found.ids[index]]
    if not isinstance(thing, Predicate) or found.unknown(thing):
        return words, False
    boxes = [box for box, _ in found.boxes(index, thing.noun)]
    inside = [word for word in words if any(word.box.intersection(box) >= SHARE * word.box.area for box in boxes)]
    return (inside, True) if inside else (words, False)


def _of_thing(case: Case) -> Judged:
    """How likely each photograph shows what the words are on; nothing is known of a word that the encoder lacks."""
    thing = case.plan.condition
    if thing is None:
        return Judged.everything(case.findings.n)
    if case.findings.unknown(thing):
        return Judged.unknown(case.findings.n, 0.5)
    return case.findings.judge(thing)


def _thing(expr: Expr) -> str:
    return noun_phrase(expr) if isinstance(expr, Predicate) else "it"


def say(plan: Plan, ruling: Ruling, names: Sequence[str]) -> str:
    """'In the photo that shows a bus (bus.jpg) I read: "STOP".'"""
    which = "the photo" if plan.target is None else f"the photo that {clause(plan.target, many=False)}"
    name = f" ({names[0]})" if names else ""
    note = f" ({ruling.verdict.detail})" if ruling.verdict.detail else ""
    return f'In {which}{name} I read: "{ruling.verdict.value}"{note}.'
