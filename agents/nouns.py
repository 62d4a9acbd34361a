"""English nouns as questions use them: number, articles, compounds, and adjectives that are judged by themselves."""

from __future__ import annotations

import tomllib
from collections.abc import Container
from pathlib import Path

_WORDS: dict[str, str] = tomllib.loads(Path(__file__).with_name("nouns.toml").read_text("utf-8"))
IRREGULAR = dict(pair.split("=") for pair in _WORDS["irregular"].split())
PLURALS = {single: many for many, single in IRREGULAR.items() if many != "persons"} | {"glass": "glasses"}
UNCHANGED = frozenset(_WORDS["unchanged"].split())
ALWAYS_PLURAL = frozenset(_WORDS["always_plural"].split())
UNCOUNTED = frozenset(_WORDS["uncounted"].split())
SINGULAR_S = frozenset(_WORDS["singular_s"].split())
ADJECTIVES = frozenset(_WORDS["adjectives"].split())
GERUND_NOUNS = frozenset(_WORDS["gerund_nouns"].split())
COMPOUND_PHRASES = frozenset(_WORDS["compounds"].strip().replace("\n", "|").split("|"))


def singular(word: str) -> str:
    """The singular of one lower-case word; a word that is not known as plural is left as it is.

    >>> singular("dogs"), singular("people"), singular("buses"), singular("glass"), singular("skis")
    ('dog', 'person', 'bus', 'glass', 'skis')
    """
    if word in IRREGULAR:
        return IRREGULAR[word]
    if word in UNCHANGED or word in ALWAYS_PLURAL or word in SINGULAR_S or len(word) < 3:
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "xes", "sses", "zzes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is", "'s")):
        return word[:-1]
    return word


def plural(word: str) -> str:
    """The plural of one lower-case singular word."""
    if word in PLURALS:
        return PLURALS[word]
    if word in UNCHANGED or word in ALWAYS_PLURAL or word in UNCOUNTED:
        return word
    if word.endswith("y") and len(word) > 1 and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    if word.endswith(("s", "x", "ch", "sh", "zz")):
        return word + "es"
    return word + "s"


def singular_phrase(phrase: str) -> str:
    """The head of a noun phrase in the singular: "fire hydrants" -> "fire hydrant", "bowls of tea" -> "bowl of tea"."""
    head, of, rest = phrase.partition(" of ")
    words = head.split()
    if words[1:] and words[-1] == "glasses":
        return phrase.replace("glasses", "glass", 1)  # "wine glasses"; alone they are spectacles
    return " ".join([*words[:-1], singular(words[-1])]) + of + rest if words else phrase


def plural_phrase(phrase: str) -> str:
    head, of, rest = phrase.partition(" of ")
    words = head.split()
    return " ".join([*words[:-1], plural(words[-1])]) + of + rest if words else phrase


def is_plural_only(phrase: str) -> bool:
    """True where the singular takes no article: "scissors", "snow"."""
    last = phrase.partition(" of ")[0].split()[-1:]
    return bool(last) and (last[0] in ALWAYS_PLURAL or last[0] in UNCOUNTED)


def article(phrase: str) -> str:
    """ "a" or "an" for what follows.

    >>> article("umbrella"), article("unicorn"), article("hour"), article("dog")
    ('an', 'a', 'an', 'a')
    """
    if phrase.startswith(("hour", "honest", "heir", "honour", "honor")):
        return "an"
    if phrase.startswith(("uni", "use", "usu", "eu", "one", "ukulele", "utensil", "ute", "ufo")):
        return "an" if phrase.startswith(("unin", "unim", "unid")) else "a"
    return "an" if phrase[:1] in tuple("aeiou") else "a"


def with_article(phrase: str) -> str:
    return phrase if is_plural_only(phrase) else f"{article(phrase)} {phrase}"


def is_gerund(word: str) -> bool:
    return len(word) > 4 and word.endswith("ing") and word not in GERUND_NOUNS


def split_attribute(phrase: str, lexicon: Container[str] = ()) -> tuple[str, str]:
    """(attribute, noun) of a phrase without article: leading adjectives go, known compounds stay whole.

    `lexicon` holds phrases that are one word to the encoder ("red panda").

    >>> split_attribute("small brown dog"), split_attribute("red panda"), split_attribute("orange")
    (('small brown', 'dog'), ('', 'red panda'), ('', 'orange'))
    """
    words = phrase.split()
    taken: list[str] = []
    while len(words) > 1 and (words[0] in ADJECTIVES or is_gerund(words[0])):
        rest = " ".join(words)
        if rest in lexicon or rest in COMPOUND_PHRASES:
            break
        taken.append(words.pop(0))
    return " ".join(taken), " ".join(words)
