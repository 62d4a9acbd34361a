"""What is in the photograph with ...: the objects that the judge finds in it. A list, no prose."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from agents.decide import best_first
from agents.judge import Findings, of_phrase
from agents.kinds.base import Case, Ruling, abstain, missing, rule, undecided, unknown
from agents.nouns import plural_phrase
from agents.phrases import read_phrases
from agents.words import clause, photos
from models.protocols import Encoder
from retrievers.protocols import ImageStore
from thresher.types import Abstention, Filter, Plan

CANDIDATES = 64
"""Concepts with a box that are judged."""
LISTED = 20
_PLAUSIBLE = 0.05
"""Box score from which a concept is a candidate."""


def chosen(case: Case) -> list[int]:
    """The best photograph for the target; all of them where there is no target."""
    judged = case.findings.judge(case.plan.target)
    if case.plan.target is None:
        return list(range(case.findings.n))
    inside = best_first(judged)
    if inside or case.abstain:
        return inside[:1]
    return [int(np.argmax(judged.probability))] if case.findings.n else []


async def look(case: Case, encoder: Encoder, store: ImageStore) -> None:
    """Fills `findings.listing` with (name, probability or share of photographs, objects or photographs), best first.

    The chosen photographs' boxes must have been read. Candidates are the concepts that have a box; each is judged by
    the same similarity and threshold as a question about it would be.
    """
    found = case.findings
    indices = chosen(case)
    names = _candidates(found, indices, encoder.concepts)
    texts, _ = await read_phrases(names, encoder)
    known = [name for name in names if texts[name].known]
    if not known or not indices:
        return
    ids = tuple(found.found.ids[i] for i in indices)
    scores = await store.scores(np.stack([texts[name].vector for name in known]), Filter(ids=ids))
    found.found.texts.update({name: texts[name] for name in known})
    for name, row in zip(known, scores.values, strict=True):
        said = [of_phrase(texts[name], float(score), found.params) for score in row]
        positive = [p for p, yes in said if yes]
        if positive and len(indices) == 1:
            found.listing.append((name, positive[0], max(1, len(found.boxes(indices[0], name)))))
        elif positive:
            found.listing.append((name, sum(positive) / len(positive), len(positive)))
    found.listing.sort(key=lambda entry: (-entry[1], entry[0]) if len(indices) == 1 else (-entry[2], entry[0]))
    del found.listing[LISTED:]


def _candidates(found: Findings, indices: Sequence[int], concepts: Sequence[str]) -> list[str]:
    best: dict[str, float] = {}
    for index in indices:
        proposals = found.proposals.get(found.found.ids[index])
        if proposals is None:
            continue
        for concept, score in zip(proposals.concepts.ravel(), proposals.scores.ravel(), strict=True):
            if concept >= 0 and score >= _PLAUSIBLE:
                name = concepts[int(concept)]
                best[name] = max(best.get(name, 0.0), float(score))
    return sorted(best, key=lambda name: -best[name])[:CANDIDATES]


def decide(case: Case) -> Ruling:
    """counts: how many of each listed name. The value is the names, with commas between."""
    target = case.plan.target
    judged = case.findings.judge(target)
    if undecided(case, judged, target):
        return unknown(case, target)
    indices = chosen(case)
    if not indices or (case.plan.one and missing(case, judged, target)):
        return abstain(case, Abstention.NOT_FOUND, "")
    if not case.findings.listing and case.abstain:
        return abstain(case, Abstention.UNSURE, "I recognise nothing in it that I have a word for", indices[:1])
    listing = case.findings.listing
    names, counts = [name.replace(", ", " / ") for name, _, _ in listing], tuple(count for _, _, count in listing)
    sure = float(np.mean([p for _, p, _ in listing])) if listing else 0.0
    matches = len(best_first(judged))
    detail = f"the best of {matches} photos that match" if target is not None and matches > 1 else ""
    return rule(case, ", ".join(names), indices, sure, detail=detail, counts=counts)


def say(plan: Plan, ruling: Ruling, names: Sequence[str]) -> str:
    """ "In the photo that shows a cup (coffee.png) I see: cup, spoon." """
    things = [name for name in str(ruling.verdict.value).split(", ") if name]
    if plan.target is None:
        seen = ", ".join(f"{name} ({count})" for name, count in zip(things, ruling.counts, strict=True))
        return f"In {photos(len(ruling.verdict.images))} I see, with the number of photos: {seen or 'nothing I know'}."
    seen = ", ".join(
        f"{count} {plural_phrase(name)}" if count > 1 else name
        for name, count in zip(things, ruling.counts, strict=True)
    )
    name = f" ({names[0]})" if names else ""
    return f"In the photo that {clause(plan.target, many=False)}{name} I see: {seen or 'nothing I know'}."
