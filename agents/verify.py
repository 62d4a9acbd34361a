"""Is a sentence clearly the same claim as the verdict? Everything that is not is rejected.

The sentence is reduced to a line of symbols (P photo, T target, C condition or other side, F the cited files, numbers,
lemmas of a few words) and must match, from its first word to its last, one of the lines that say the verdict. So each
slot is checked (noun, number, polarity, relation, citation), and a word that is not foreseen fails.
"""

from __future__ import annotations

import re
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
    "is": "be", "are": "be", "was": "be", "were": "be", "has": "have", "does": "do", "less": "fewer", "every": "all",
    "each": "all", "find": "see", "found": "see", "seen": "see", "which": "that", "0": "no", "any": "", "a": "",
    "an": "", "the": "", "yes": "yes", "interjection": "NO",
}  # fmt: skip
_LONGEST = 600
_FILE = "\ue000"
"""Stands for a cited file while a sentence is read; no sentence may hold it (a private character)."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a sentence may say: of a verdict that can be reworded (see `facts`).

    `counts`: for compare those of both sides, for all and any (selected, with the condition).
    """

    kind: Kind
    value: bool | int
    target: str
    condition: str
    names: tuple[str, ...]
    counts: tuple[int, ...]
    comparison: str


def facts(plan: Plan, verdict: Verdict, names: tuple[str, ...], counts: tuple[int, ...]) -> Facts | None:
    """The facts of a verdict, None where it is too involved for a reworded sentence to be checked.

    `names`: the files a sentence must cite, all of them; none where it must not cite.
    """
    other = plan.compare_with if plan.kind is Kind.COMPARE else plan.condition
    if verdict.abstained or verdict.value is None or isinstance(verdict.value, str):
        return None
    if plan.kind is Kind.DESCRIBE or not _is_simple(plan.target) or (other is not None and not _is_simple(other)):
        return None
    if plan.kind is Kind.COUNT_OBJECTS and plan.condition is not None:
        return None
    condition = describe_expr(other) if other is not None else ""
    target = describe_expr(plan.target) if plan.target is not None else ""
    return Facts(plan.kind, verdict.value, target, condition, names, counts, plan.comparison)


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
    """What is wrong with a sentence; empty where it clearly says the verdict and nothing else."""
    text = text.strip()
    if not text or len(text) > _LONGEST or "\n" in text:
        return ["not one short line"]
    if "?" in text or _FILE in text:
        return ["not a statement"]
    line, problems = _symbols(text, said)
    if problems:
        return problems
    patterns = _patterns(said)
    if any(re.fullmatch(pattern, line) for pattern in patterns):
        return []
    return [f"not clearly the same claim: {line}"]


def _symbols(text: str, said: Facts) -> tuple[str, list[str]]:
    """The sentence as a line of symbols, and what is wrong already."""
    for name in sorted(said.names, key=len, reverse=True):
        pattern = rf"(?<![\w/.\-]){re.escape(name)}(?![\w/\-]|\.\w)"
        text, found = re.subn(pattern, f" {_FILE} ", text)
        if found != 1:
            return "", [f"citation: {name} is named {found} times"]
    if re.search(r"\w\.\w", text):
        return "", ["citation: a file that is not in the verdict"]
    odd = re.search(r"[^\w\s.,:;()'’\"!" + _FILE + r"-]|_|-\d", text)
    if odd:
        return "", [f"an odd sign: {odd[0]}"]
    text = re.sub(r"n't\b", " not", text.lower().replace("’", "'"))
    text = re.sub(r"^\W*no[,.:;!]", "interjection ", text)
    words = [_lemma(word) for word in re.findall(_FILE + r"|[^\W_]+(?:[-'][^\W_]+)*", text)]
    words = [word for word in words if word]
    for symbol, phrase in sorted((("T", said.target), ("C", said.condition)), key=lambda pair: -len(pair[1])):
        words = _replace(words, [w for w in map(_lemma, phrase.split()) if w], symbol)
    line = " ".join("F" if word == _FILE else word for word in words)
    line = re.sub(r"F(?: (?:and )?F)*", "F", line)
    if line.split().count("F") > 1:
        return "", ["citation: the files are not named in one place"]
    return line, []


def _lemma(word: str) -> str:
    if word in _LEMMAS:
        return _LEMMAS[word]
    if word in _NUMBERS:
        number = _NUMBERS[word]
        return _LEMMAS.get(number, number)
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
    """Lines of symbols that say the verdict. "@" is where files may be cited (that each is cited once is checked
    before), "$L" what joins a photograph to what it shows."""
    files = "(?: (?:in |be |they be |name |call |for example )?F)?" if said.names else ""
    made = {
        Kind.COUNT: _count, Kind.FIND: _count, Kind.WHICH: _count, Kind.EXISTS: _exists, Kind.ANY: _any,
        Kind.ALL: _all, Kind.COMPARE: _compare, Kind.COUNT_OBJECTS: _objects,
    }[said.kind](said)  # fmt: skip
    return [line.replace("@", files).replace("$L", "(?:of|with|that show|show)") for line in made]


_NONE = ["no P show T", "there be no P $L T", "there be no P that show T", "i (?:can )?see no P $L T",
         "no P (?:of|with) T (?:exist|be see)", "no P of T be see", "none of P show T", "T (?:be see|appear) in no P",
         "there be no T in P", "you have no P of T", "there be not P $L T"]  # fmt: skip


def _some(number: str) -> list[str]:
    """The set of photographs is there, `number` of them."""
    return [
        f"{number} P show T@", f"{number} P that show T@", f"there be {number} P $L T@", f"{number} P (?:of|with) T@",
        f"{number} P $L T be see@", f"i (?:can )?see {number} P $L T@", f"you have {number} P $L T@",
        f"T (?:be see|appear|be show|can be see) in {number} P@", f"in {number} P there be T@",
        f"{number} P F show T", f"(?:number of P|count of P) $L T be {number}@",
    ]  # fmt: skip


def _count(said: Facts) -> list[str]:
    if said.value == 0:
        return _NONE
    lines = _some(str(said.value))
    return lines if said.kind is Kind.COUNT else [*lines, *_FILES]


_FILES = ["F show T", "T be (?:in|show in|see in) F", "P $L T be F"]
"""For find, which and exists the files alone are an answer."""


def _exists(said: Facts) -> list[str]:
    if not said.condition:
        if not said.value:
            return [f"(?:NO )?{line}" for line in _NONE]
        number = f"(?:{len(said.names)} )?" if said.names else ""
        some = [line.replace("# ", number) for line in _some("#") if not line.endswith("be #@")]
        return [f"(?:yes )?{line}" for line in (*some, *_FILES, "there be T@", "there be T in P@")]
    photo = "P (?:of|with|that show) T@"
    if said.value:
        yes = (f"{photo} (?:also )?show C@", f"there be C in {photo}", f"in {photo} there be C@")
        return [f"(?:yes )?{line}" for line in yes]
    no = (f"{photo} do not show C@", f"{photo} show no C@", f"there be no C in {photo}", f"there be not C in {photo}",
          f"in {photo} there be no C@")  # fmt: skip
    return [f"(?:NO )?{line}" for line in no]


def _any(said: Facts) -> list[str]:
    total, having = said.counts
    photo = "P (?:of|with|that show) T"
    if said.value:
        part = f"(?:{having}|{having} of|some|some of|at least 1 of|at least 1)(?: {total})?"
        return [f"(?:yes )?{part} {photo} (?:also )?show C@"]
    return [f"(?:NO )?(?:none of|no|none of {total}) {photo} show C"]


def _all(said: Facts) -> list[str]:
    total, having = said.counts
    photo = "P (?:of|with|that show) T"
    if said.value:
        return [f"(?:yes )?all(?: of)?(?: {total})? {photo} (?:also )?show C@"]
    lines = (f"not all(?: of)?(?: {total})? {photo} show C@", f"{total - having} of {total} {photo} do not show C@")
    return [f"(?:NO )?{line}" for line in lines]


def _compare(said: Facts) -> list[str]:
    one, other = said.counts
    words = f"{said.comparison} P $L T(?: {one})? than (?:P )?(?:$L )?C(?: {other})?"
    if said.value:
        return [f"(?:yes )?(?:there be )?{words}"]
    return [f"(?:NO )?there be not {words}"]


def _objects(said: Facts) -> list[str]:
    if said.value == 0:
        return ["(?:there be )?no T", "no T (?:be see|appear)", "there be no T in P", "i see no T"]
    seen = f"(?: (?:in|be see in|appear in) {said.counts[0]} P)?"
    return [f"(?:there be )?{said.value} T(?: be see)?{seen}@", f"i (?:can )?see {said.value} T{seen}@"]
