"""The verdict in words: the plain sentence at once, then the model's where verify.py passes it.

The model is given the claim alone; file names and remarks are put behind its sentence by code.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from agents.kinds import say
from agents.kinds.base import Ruling
from agents.prompts import prompt
from agents.verify import facts, verify
from agents.words import cite, listing
from models.protocols import Generator
from thresher.types import Kind, Plan, Verdict

CITED = 5
"""File names in a sentence; the rest are counted."""
_TOKENS = 60


def plain(plan: Plan, ruling: Ruling, names: Sequence[str]) -> str:
    """The claim and what must be said beside it. `names`: file names of the verdict's first photographs."""
    return " ".join([_bare(say(plan, ruling, names[:CITED]), ruling), *remarks(plan, ruling.verdict)])


def brief(verdict: Verdict) -> str:
    """What a baseline says: "Yes.", "3.", or why it abstains."""
    if verdict.abstained:
        return f"{verdict.detail or verdict.abstention.value.replace('_', ' ').capitalize()}."
    value = verdict.value
    return f"{'Yes' if value else 'No'}." if isinstance(value, bool) else f"{value}."


def remarks(plan: Plan, verdict: Verdict) -> list[str]:
    """The interval, what was not checked, and what was not looked at: said beside every wording."""
    if verdict.abstained:
        return []
    said = []
    if verdict.interval and verdict.interval != (verdict.value, verdict.value):
        low, high = verdict.interval
        said.append(f"By the judge's probabilities it is between {low} and {high} (90 %).")
    if verdict.detail and plan.kind in (Kind.EXISTS, Kind.DESCRIBE):
        said.append(f"It is {verdict.detail}.")
    if verdict.duplicates and plan.kind not in (Kind.EXISTS, Kind.DESCRIBE, Kind.READ):
        said.append(
            f"{verdict.duplicates} near-duplicate{' is' if verdict.duplicates == 1 else 's are'} not counted again."
        )
    if verdict.unchecked:
        said.append(f"Not checked: {listing(verdict.unchecked)}.")
    if verdict.judged < verdict.total:
        said.append(f"I looked at {verdict.judged} of {verdict.total} photos.")
    return said


async def reworded(plan: Plan, ruling: Ruling, names: Sequence[str], generator: Generator) -> tuple[str, list[str]]:
    """(the model's wording with the remarks, problems). The wording is "" where it was not asked or did not pass.

    Raises GeneratorUnavailable.
    """
    plan = ruling.checked or plan
    citation = _citation(plan, ruling, names[:CITED])
    said = facts(plan, ruling.verdict, names[:CITED] if citation else (), ruling.counts)
    if said is None:
        return "", []
    messages = prompt("reword", shots=frame(plan, ruling), claim=say(plan, ruling, ()))
    answer = "".join([piece async for piece in generator.stream(messages, max_tokens=_TOKENS)])
    claim = answer.strip().partition("\n")[0].strip()
    sentence = f"{claim.removesuffix('.')}{citation}."
    problems = verify(sentence, said) if claim else ["no answer"]
    return ("", problems) if problems else (" ".join([_bare(sentence, ruling), *remarks(plan, ruling.verdict)]), [])


def frame(plan: Plan, ruling: Ruling) -> str:
    """The set of examples in prompts/reword.md that has this kind and polarity."""
    value = ruling.verdict.value
    yes, some = ("yes", "some") if value else ("no", "none")
    match plan.kind:
        case Kind.EXISTS:
            return f"{'exists' if plan.condition is None else 'one'} {yes}"
        case Kind.ALL | Kind.ANY:
            return f"{'only' if ruling.counts[0] == 1 else plan.kind.value} {yes}"
        case Kind.COMPARE:
            return f"{plan.comparison} yes" if value else "compare no"
        case Kind.COUNT_OBJECTS:
            return f"objects {some}"
        case _:
            return f"count {some}"


def _bare(sentence: str, ruling: Ruling) -> str:
    """The claim alone, without the yes or no to a question of which something was not checked."""
    start = re.match(r"(?:Yes|No), ", sentence)
    if start is None or ruling.checked is None:
        return sentence
    return sentence[start.end() :][:1].upper() + sentence[start.end() + 1 :]


def _citation(plan: Plan, ruling: Ruling, names: Sequence[str]) -> str:
    """What names the files, as the plain sentence does it; "" where that names none."""
    if say(plan, ruling, names) == say(plan, ruling, ()):
        return ""
    if plan.kind is Kind.EXISTS and plan.condition is not None:
        return f" ({names[0]})"
    return f": {cite(names, len(ruling.verdict.images))}"
