"""A question -> the token stream that grammar.lark reads: lower case, contractions undone, filler dropped, dates and
tags recognised, phrases that act as one word merged.

A word whose meaning the grammar cannot carry ("exactly", "why", "me") becomes a STOP token, which no rule accepts:
such a question is declined and not misread.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Callable, Collection, Container
from pathlib import Path

from lark import Token

from agents.dates import read_date
from agents.nouns import COMPOUND_PHRASES, is_gerund, plural_phrase, singular_phrase
from agents.references import pull_references
from thresher.types import Like, Says, Where

_WORDS = tomllib.loads(Path(__file__).with_name("words.toml").read_text("utf-8"))
_KINDS: dict[str, str] = {
    phrase.strip(): kind for kind, lines in _WORDS["tokens"].items() for phrase in lines.replace("\n", "|").split("|")
}
_KINDS.pop("", None)
_STOP = frozenset(_WORDS["stop"].split())
_NUMBERS: dict[str, int] = _WORDS["numbers"]
_COMPOUNDS = COMPOUND_PHRASES | {plural_phrase(phrase) for phrase in COMPOUND_PHRASES}
_LONGEST = 6
_REWRITES = [(re.compile(pattern), replacement) for pattern, replacement in _WORDS["rewrites"]]
_LEAD = re.compile("^(?:" + "|".join(_WORDS["lead"]) + ")")
_TAIL = re.compile("[ ,]*\\b(?:" + "|".join(_WORDS["tail"]) + ")$")
_TAG = re.compile(
    r"""(?:\b(?:that|which|who)\ )?(?:\b(?:is|are|was|were|have\ been|has\ been)\ )?(?P<not>\bnot\ )?
    (?:\b(?:tagged|labelled|labeled)\ (?:with\ |as\ )?(?:the\ tag\ )?
      |\b(?:with|has|have|having|under|carrying)\ (?:the\ |a\ )?(?:tag|label)\ )
    (?:"(?P<quoted>[^"]+)"|'(?P<single>[^']+)'|(?P<word>[\w][\w./+-]*\w|\w))""",
    re.VERBOSE | re.IGNORECASE,
)
_DATE_LEAD = re.compile(
    r"(?:(?:that|which) )?(?:(?:i|we|was|were|is|are|did i|did we|i have|have been) )?"
    r"(?:(?:taken|took|take|shot|made|captured|dated|photographed) )?"
    r"(?P<how>not before|no earlier than|later than|earlier than|prior to|up to|starting from|as of|"
    r"after|before|since|until|till|in|on|from|during|of|between)? ?"
    r"(?=(?:the year )?[a-z0-9])"
)
_PUNCTUATION = re.compile(r"[^\w\s'\-/(),;:&]|(?<![\w])[-'/]+|[-'/]+(?![\w])")
_WORD = re.compile(r"[\w'\-/]+|[(),;:&]")


_PLACEHOLDERS = {"wheretag": "TAG", "wherewhen": "WHEN", "wheresays": "SAYS", "wherelike": "LIKE"}


class WhereToken(Token):
    """A WHEN, TAG, SAYS or LIKE token with what it stands for."""

    where: Where | Says | Like


def tokens(question: str, lexicon: Container[str] = (), taught: Collection[str] = ()) -> list[Token]:
    """Tokens of one question. `lexicon`: further phrases that are one word ("red panda"), as the encoder knows them;
    `taught`: names of exemplars."""
    text, wheres = _pull_out(_plain(question), taught)
    text = _strip_filler(text)
    words = _WORD.findall(text)
    found: list[Token] = []
    position = 0
    while position < len(words):
        kind, length = _longest(words, position, lexicon)
        value = " ".join(words[position : position + length])
        if kind in _PLACEHOLDERS.values():
            token = WhereToken(kind, value)
            token.where = wheres[value]
            found.append(token)
        else:
            found.append(Token(kind, str(_NUMBERS.get(value, value))))
        position += length
    return found


def _plain(question: str) -> str:
    """One line with straight quotes and single spaces; upper case is kept (tags)."""
    text = unicodedata.normalize("NFKC", question)
    for odd, plain in (("’", "'"), ("‘", "'"), ("“", '"'), ("”", '"'), ("–", "-"), ("—", ", ")):
        text = text.replace(odd, plain)
    return " ".join(text.split())


def _pull_out(text: str, taught: Collection[str]) -> tuple[str, dict[str, Where | Says | Like]]:
    """Tags, dates and references replaced by placeholders ("wheretag0", "wherewhen1"); the rest in lower case."""
    wheres: dict[str, Where | Says | Like] = {}

    def keep(kind: str, where: Where | Says | Like) -> str:
        name = f"where{kind}{len(wheres)}"
        wheres[name] = where
        return f" {name} "

    def tag(match: re.Match[str]) -> str:
        word = match["quoted"] or match["single"] or match["word"]
        return (" not" if match["not"] else "") + keep("tag", Where(tag=word)) + _after_tag(text, match)

    text = pull_references(_TAG.sub(tag, text), keep, taught).lower()
    for pattern, replacement in _REWRITES:
        text = pattern.sub(replacement, text)
    text = _dates(" ".join(text.split()), keep)
    text = re.sub(r"\s*([,;:])\s*", r" \1 ", text)
    return " ".join(_PUNCTUATION.sub(" ", text).split()), wheres


def _after_tag(text: str, match: re.Match[str]) -> str:
    """ "tagged beach and sunset": tags or things? Declined by a stop word, unless quotes or words make it plain."""
    unclear = re.match(r"(?i) (?:and|or) (?!tagged|not|no|with|show|contain|taken|without)", text[match.end() :])
    return " exactly " if match["word"] and unclear else ""


def _dates(text: str, keep: Callable[[str, Where], str]) -> str:
    out, position = "", 0
    while position < len(text):
        at_word = position == 0 or text[position - 1] in " ("
        found = _date_clause(text[position:]) if at_word else None
        if found:
            out += keep("when", found[0])
            position += found[1]
        else:
            out += text[position]
            position += 1
    return out


def _date_clause(text: str) -> tuple[Where, int] | None:
    """The time span that `text` starts with ("taken after 2020") and its length."""
    lead = _DATE_LEAD.match(text)
    date = read_date(text[lead.end() :]) if lead else None
    if not lead or not date:
        return None
    (start, end), length = date[0], lead.end() + date[1]
    match lead["how"]:
        case "after" | "later than":
            return Where(after=end), length
        case "since" | "not before" | "no earlier than" | "starting from" | "as of":
            return Where(after=start), length
        case "before" | "earlier than" | "prior to":
            return Where(before=start), length
        case "until" | "till" | "up to":
            return Where(before=end), length
    joined = re.match(r" (?:and|to|until|till|-) ", text[length:])
    if lead["how"] in ("between", "from") and joined:
        last = read_date(text[length + joined.end() :])
        if not last or last[0][1] <= start:
            return None
        return Where(after=start, before=last[0][1]), length + joined.end() + last[1]
    return None if lead["how"] == "between" else (Where(after=start, before=end), length)


def _strip_filler(text: str) -> str:
    for pattern in (_LEAD, _TAIL):
        while True:
            shorter = pattern.sub("", text).strip(" ,;:")
            if shorter == text:
                break
            text = shorter
    return text


def _longest(words: list[str], position: int, lexicon: Container[str]) -> tuple[str, int]:
    """(kind, length in words) of the longest phrase at `position`."""
    for length in range(min(_LONGEST, len(words) - position), 0, -1):
        phrase = " ".join(words[position : position + length])
        if phrase in _KINDS:
            return _KINDS[phrase], length
        if phrase in _NUMBERS or (phrase.isascii() and phrase.isdecimal() and len(phrase) <= 3):
            return "NUM", length
        if length > 1 and (phrase in _COMPOUNDS or phrase in lexicon or singular_phrase(phrase) in lexicon):
            return "WORD", length
    word = words[position]
    placeholder = next((kind for start, kind in _PLACEHOLDERS.items() if word.startswith(start)), None)
    if placeholder:
        return placeholder, 1
    latin = all(unicodedata.name(letter, "").startswith(("LATIN", "DIGIT", "HYPHEN", "APOSTROPHE")) for letter in word)
    if word in _STOP or not latin or word.isdecimal():
        return "STOP", 1
    return ("GERUND" if is_gerund(word) or word in ("parked", "seated", "perched", "asleep") else "WORD"), 1
