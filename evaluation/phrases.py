"""Names of categories as people say them in a question: with an article, and for more than one."""

from __future__ import annotations

import re

_IRREGULAR = {
    "person": "people", "man": "men", "woman": "women", "child": "children", "mouse": "mice", "knife": "knives",
    "leaf": "leaves", "goose": "geese", "sheep": "sheep", "fish": "fish", "deer": "deer", "broccoli": "broccoli",
}  # fmt: skip
_PAIRS = frozenset({"scissors", "skis", "glasses", "trousers", "binoculars"})
_SOUNDED = re.compile(r"^(uni|use|ute|euro|one)", re.IGNORECASE)


def with_article(noun: str) -> str:
    """ "an apple", "a dog"; what is always plural has none ("skis")."""
    if noun.split()[-1] in _PAIRS:
        return noun
    vowel = noun[:1].lower() in set("aeiou") and not _SOUNDED.match(noun)
    return f"{'an' if vowel else 'a'} {noun}"


def plural(noun: str) -> str:
    """ "dogs", "buses", "wine glasses", "people"."""
    *before, last = noun.split()
    if last in _IRREGULAR:
        last = _IRREGULAR[last]
    elif last not in _PAIRS:
        if re.search(r"(s|x|z|ch|sh)$", last):
            last += "es"
        elif re.search(r"[^aeiou]y$", last):
            last = f"{last[:-1]}ies"
        else:
            last += "s"
    return " ".join([*before, last])
