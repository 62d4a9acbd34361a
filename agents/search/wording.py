"""What the words of a search ask for.

dog -leash                  shows or says dog, neither shows nor says leash
"no parking" car            says no parking, shows or says car
street -"for sale"          does not say for sale
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_PART = re.compile(r'(?P<minus>(?<!\S)-)?(?:"(?P<quoted>[^"]*)"|(?P<word>[^\s"]+|"))')
_QUOTES = str.maketrans("“”„«»", '"""""')


@dataclass(frozen=True, slots=True)
class Wording:
    """`wanted` is what is left of the text, quoted words included: they may be shown, too. `said` and `not_said` are
    phrases in quotes, `unwanted` words after a minus; in the order given."""

    wanted: str
    said: tuple[str, ...] = ()
    unwanted: tuple[str, ...] = ()
    not_said: tuple[str, ...] = ()


def read_wording(text: str) -> Wording:
    """Every text can be read: a minus is one only before a word, a quotation mark without its pair is none."""
    wanted: list[str] = []
    found: dict[str, list[str]] = {"said": [], "unwanted": [], "not_said": []}
    for part in _PART.finditer(text.translate(_QUOTES)):
        minus, quoted, word = part["minus"], part["quoted"], part["word"]
        if quoted is not None and _is_word(quoted):
            found["not_said" if minus else "said"].append(" ".join(quoted.split()))
        elif word is not None and minus and _is_word(word):
            found["unwanted"].append(word)
        elif word is not None and word != '"':
            wanted.append(f"-{word}" if minus else word)
    said = tuple(found["said"])
    return Wording(" ".join(wanted), said, tuple(found["unwanted"]), tuple(found["not_said"]))


def _is_word(text: str) -> bool:
    return any(letter.isalnum() for letter in text)
