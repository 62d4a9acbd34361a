"""Is a sentence clearly the same claim as the verdict? Everything that is not is rejected.

The citations are compared with the verdict's and taken off. What is left is reduced to a line of symbols (P photo,
T target, C condition or other side, numbers, lemmas of a few words) and must match, from its first word to its last,
one of the lines that say the verdict. So each slot is checked (noun, number, polarity, relation, direction), no number
may be left out, and a word that is not foreseen fails.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from agents.nouns import singular
from agents.words import describe_expr
from thresher.types import And, Expr, Kind, Or, Plan, Predicate, Verdict

_PHOTO = frozenset(["photo", "photograph", "picture", "image", "pic", "snapshot"])
_SHOW = frozenset(["show", "contain", "feature", "depict", "include", "have", "display"])
_NUMBER_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
)
_NUMBERS = {word: str(number) for number, word in enumerate(_NUMBER_WORDS.split(" "))}
_LEMMAS = {
    "is": "be", "are": "be", "was": "be", "were": "be", "has": "show", "does": "do", "less": "fewer", "every": "all",
    "each": "all", "find": "see", "found": "see", "seen": "see", "which": "that", "0": "no", "zero": "no",
    "a": "", "an": "", "the": "", "these": "", "yes": "yes", "interjection": "NO",
}  # fmt: skip
_LONGEST = 400
_FILE = "\ue000"
"""Stands for a cited file while a sentence is read; no sentence may hold it (a private character)."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a sentence may say: of a verdict that can be reworded (see `facts`).

    `names`: the files that must be cited, the first of `photos`; empty where none may be. `counts`: for compare the
    photographs of both sides, for all and any (selected, with the condition).
    """

    kind: Kind
    value: bool | int
    target: str
    condition: str
    photos: int
    names: tuple[str, ...]
    counts: tuple[int, ...]
    comparison: str


def facts(plan: Plan, verdict: Verdict, names: Sequence[str], counts: tuple[int, ...]) -> Facts | None:
    """The facts of a verdict, None where it is too involved for a reworded sentence to be checked."""
    other = plan.compare_with if plan.kind is Kind.COMPARE else plan.condition
    if verdict.abstained or verdict.value is None or isinstance(verdict.value, str):
        return None
    if plan.kind is Kind.DESCRIBE or not _is_simple(plan.target) or (other is not None and not _is_simple(other)):
        return None
    if plan.kind is Kind.COUNT_OBJECTS and plan.condition is not None:
        return None
    asked = plan.target if plan.condition is None else plan.condition
    if not verdict.value and plan.kind is not Kind.COMPARE and not isinstance(asked, Predicate):
        return None  # "no cat and a dog" can be read in two ways
    condition = describe_expr(other) if other is not None else ""
    target = describe_expr(plan.target) if plan.target is not None else ""
    photos = len(verdict.images)
    return Facts(plan.kind, verdict.value, target, condition, photos, tuple(names), counts, plan.comparison)


def _is_simple(expr: Expr | None) -> bool:
    """Predicates alone or joined one deep: no negation, no filters."""
    match expr:
        case Predicate():
            return True
        case And(parts) | Or(parts):
            return all(isinstance(part, Predicate) for part in parts)
        case _:
            return False


def verify(text: str, said: Facts) -> list[str]:
    """What is wrong with a sentence; empty where it clearly says the verdict, names its files and says nothing else."""
    text = text.strip()
    if "\n" in text or "?" in text or _FILE in text:
        return ["not a statement"]
    claim, problems = _without_citation(text, said)
    if problems:
        return problems
    if len(claim) > _LONGEST:
        return ["too long"]
    line = _symbols(claim, said)
    if any(re.fullmatch(pattern, line) for pattern in _patterns(said)):
        return []
    return [f"not clearly the same claim: {line}"]


def _without_citation(text: str, said: Facts) -> tuple[str, list[str]]:
    """The sentence less ": a.jpg, b.jpg and 3 more" at its end or "(a.jpg)", and what is wrong with that."""
    for name in sorted(said.names, key=len, reverse=True):
        pattern = rf"(?<![\w/.\-]){re.escape(name)}(?![\w/\-]|\.\w)"
        text, found = re.subn(pattern, _FILE, text)
        if found != 1:
            return "", [f"citation: {name} is named {found} times"]
    if said.names:
        more = said.photos - len(said.names)
        files = rf"{_FILE}(?:, {_FILE})*" + (f" and {more} more" if more > 0 else f"(?: and {_FILE})?")
        text = re.sub(rf": {files}(?=\.$)| \({files}\)", "", text, count=1)
    if _FILE in text:
        return "", ["citation: the files are not named in one place, all of them"]
    if re.search(r"\w\.\w", text):
        return "", ["citation: a file that is not in the verdict"]
    odd = re.search(r"[^\w\s.,:;()'’\"!-]|_|-\d", text)
    return text, [f"an odd sign: {odd[0]}"] if odd else []


def _symbols(claim: str, said: Facts) -> str:
    """The sentence as a line of symbols."""
    text = re.sub(r"n't\b", " not", claim.lower().replace("’", "'"))
    text = re.sub(r"^\W*no[,.:;!]", "interjection ", text)
    text = re.sub(rf"\b(?:an?|a single) (?={'|'.join(_PHOTO)})\b", "1 ", text)
    words = [word for word in map(_lemma, re.findall(r"[^\W_]+(?:[-'][^\W_]+)*", text)) if word]
    for symbol, phrase in sorted((("T", said.target), ("C", said.condition)), key=lambda pair: -len(pair[1])):
        words = _replace(words, [word for word in map(_lemma, phrase.split()) if word], symbol)
    return " ".join(words)


def _lemma(word: str) -> str:
    word = _NUMBERS.get(word, word)
    if word in _LEMMAS:
        return _LEMMAS[word]
    single = singular(word)
    if single in _PHOTO:
        return "P"
    return "show" if single in _SHOW else single


def _replace(words: list[str], phrase: list[str], symbol: str) -> list[str]:
    """`words` with the first run that equals `phrase` replaced; a second one stays and fails to match later."""
    for start in range(len(words) - len(phrase) + 1):
        if phrase and words[start : start + len(phrase)] == phrase:
            return [*words[:start], symbol, *words[start + len(phrase) :]]
    return words


def _patterns(said: Facts) -> list[str]:
    """Lines of symbols that say the verdict. "$L" is what joins a photograph to what it shows, "$I" who sees."""
    made = {
        Kind.COUNT: _count, Kind.FIND: _count, Kind.WHICH: _count, Kind.EXISTS: _exists, Kind.ANY: _any,
        Kind.ALL: _all, Kind.COMPARE: _compare, Kind.COUNT_OBJECTS: _objects,
    }[said.kind](said)  # fmt: skip
    return [line.replace("$L", "(?:of|with|that show|show)").replace("$I", "(?:i|you)(?: can)?") for line in made]


def _count(said: Facts) -> list[str]:
    """So many photographs show T."""
    if said.photos == 0:
        nowhere = ["there be (?:no|not) T(?: in (?:any (?:of )?)?P)?", "T (?:be see|be|appear) in (?:no|none of) P"]
        return ["(?:no|none of) P $L T", "there be (?:no|not) P $L T", "$I see no P $L T", *nowhere]
    some = f"{said.photos}(?: of)? P"
    return [f"{some} $L T", f"there be {some} $L T", f"$I see {some} $L T", f"number of P $L T be {said.photos}",
            f"there be T in {some}", f"in {some} there be T", f"T (?:be see|be|appear) in {some}"]  # fmt: skip


def _exists(said: Facts) -> list[str]:
    if said.condition:
        return _holds("P $L T", bool(said.value))
    return [f"(?:{'yes' if said.value else 'NO'} )?{line}" for line in _count(said)]


def _any(said: Facts) -> list[str]:
    total, having = said.counts
    if total == 1:
        return _holds("only P $L T", bool(said.value))
    if said.value:
        return _holds(f"{having} of {total} P $L T", True)
    return [
        f"(?:NO )?{line}" for line in (f"none of {total} P $L T show C", f"there be no C in any (?:of )?{total} P $L T")
    ]


def _all(said: Facts) -> list[str]:
    total, having = said.counts
    if total == 1:
        return _holds("only P $L T", bool(said.value))
    if said.value:
        return _holds(f"all (?:of )?{total} P $L T", True)
    return _holds(f"{total - having} of {total} P $L T", False)


def _holds(photos: str, shown: bool) -> list[str]:
    """These photographs show C, or do not."""
    if shown:
        lines = [f"{photos} (?:also )?show C", f"there be (?:also )?C in {photos}", f"in {photos} there be (?:also )?C"]
        return [f"(?:yes )?{line}" for line in lines]
    lines = [f"{photos} (?:show no|do not show) C", f"there be (?:no|not) C in {photos}", f"in {photos} there be no C"]
    return [f"(?:NO )?{line}" for line in lines]


def _compare(said: Facts) -> list[str]:
    one, other = (str(count or "no") for count in said.counts)
    more = f"{said.comparison} P $L T {one} than (?:P )?(?:$L )?C {other}"
    if said.value:
        return [f"(?:yes )?(?:there be )?{more}"]
    lines = [
        f"there be not {more}",
        f"{one} P $L T and {other} P $L C",
        f"there be T in {one} P and (?:there be )?C in {other} P",
    ]
    return [f"(?:NO )?{line}" for line in lines]


def _objects(said: Facts) -> list[str]:
    if said.value == 0:
        return ["(?:there be |$I see )?no T(?: in (?:any (?:of )?)?P)?"]
    there, where = f"{said.value} T", f"in {said.photos} P"
    return [
        f"(?:there be|$I see) {there} {where}",
        f"{there} (?:be see|be|appear) {where}",
        f"{where} there be {there}",
    ]
