"""What is to be different from a picture, in words -> what is wanted and what is not.

    "with a cat instead of the dog"     cat, not dog
    "without the people, in the snow"   snow, not people
    "replace the car by a bus"          bus, not car

A pass over the words: keywords say what the noun phrases after them are for. Everything else of the picture is to stay
as it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from agents.nouns import ADJECTIVES, COMPOUND_PHRASES, is_gerund, singular_phrase
from thresher.errors import InvalidInput

_KEYWORDS = {
    "wanted": "with|add|adds|adding|added|plus|also|include|includes|including|show|shows|showing|has|have|having|"
    "contain|contains|containing|put|there is|there are|there's|but|only|just|change to|change it to|change into|"
    "turn into|make it|now|but with",
    "unwanted": "without|no|not|minus|remove|removes|removing|delete|except|excluding|lose|drop|omit|instead of|"
    "rather than|in place of|in lieu of|take away|get rid of|hide|there is no|there are no|there's no|has no|have no|"
    "with no|but no|but not|but without|and no|and not|is not|are not|does not show|doesn't show|don't show",
    "exchanged": "replace|replaces|replacing|swap|swaps|swapping|substitute|exchange|change|changes|turn|turns",
    "by": "with|by|for|to|into",
    "gone": "replaced by|replaced with|swapped for|exchanged for|changed to|changed into|turned into",
    "removed": "removed|is removed|are removed|is gone|are gone|gone|deleted|is missing|are missing|"
    "is not visible|are not visible",
    "and": "and|or|&|,|;|.|as well as|together with|along with",
    "at": "in|on|at|under|over|near|by|behind|beside|inside|outside|during|into|onto|from|through|above|below|around|"
    "beneath|between|against|next to|in front of|on top of|of",
}
_KINDS = {kind: frozenset(words.split("|")) for kind, words in _KEYWORDS.items()}
_LONGEST = 4
_EMPTY = frozenset(
    [
        "a",
        "an",
        "the",
        "some",
        "any",
        "my",
        "our",
        "your",
        "his",
        "her",
        "their",
        "its",
        "this",
        "that",
        "these",
        "those",
        "one",
        "two",
        "three",
        "four",
        "five",
        "several",
        "many",
        "few",
        "more",
        "fewer",
        "less",
        "most",
        "much",
        "it",
        "they",
        "them",
        "he",
        "she",
        "is",
        "are",
        "was",
        "were",
        "be",
        "being",
        "been",
        "as",
        "so",
        "than",
        "too",
        "very",
        "same",
        "different",
        "other",
        "another",
        "photo",
        "photograph",
        "picture",
        "image",
        "scene",
        "shot",
        "background",
        "foreground",
        "instead",
        "make",
        "get",
        "me",
        "i",
        "we",
        "you",
        "who",
        "which",
        "where",
        "while",
        "when",
        "version",
        "both",
        "all",
        "each",
        "every",
        "please",
        "still",
        "half",
    ]
)
_WORD = re.compile(r"[\w'\-]+|[,;.&]")


@dataclass(frozen=True, slots=True)
class Modification:
    """`wanted` and `unwanted` are noun phrases without articles, in the order they are named, each once. `text` is the
    wording as given, on one line."""

    text: str
    wanted: tuple[str, ...]
    unwanted: tuple[str, ...]


def read_modification(text: str) -> Modification:
    """Read the words of a composed query. `InvalidInput` where there are none."""
    plain = " ".join(text.replace("’", "'").split())
    words = _WORD.findall(plain.lower())
    if not any(word[0].isalnum() for word in words):
        raise InvalidInput(
            "The text does not say what is to be different.", 'For example "without the dog", "in the snow".', "text"
        )
    reader = _Reader()
    position = 0
    while position < len(words):
        position += reader.take(words, position)
    reader.close()
    unwanted = tuple(dict.fromkeys(reader.unwanted))
    wanted = tuple(phrase for phrase in dict.fromkeys(reader.wanted) if phrase not in unwanted)
    return Modification(plain, wanted, unwanted)


class _Reader:
    """The pass: `current` is where the phrase being read goes, `held` a phrase whose fate its successor decides."""

    def __init__(self) -> None:
        self.wanted: list[str] = []
        self.unwanted: list[str] = []
        self._phrase: list[str] = []
        self._current = self.wanted
        self._exchanging = False
        self._skipping = False  # what tells which thing is unwanted ("the dog on the sofa") is not unwanted itself
        self._separated = False

    def take(self, words: list[str], position: int) -> int:
        """Read what stands at `position` -> how many words that were."""
        for length in range(min(_LONGEST, len(words) - position), 0, -1):
            phrase = " ".join(words[position : position + length])
            for kind in self._order():
                if phrase in _KINDS[kind]:
                    self._keyword(kind, phrase)
                    return length
        word = words[position]
        if word not in _EMPTY and not self._skipping:
            self._phrase.append(word)
        return 1

    def close(self) -> None:
        """End a phrase and keep it, unless it is no thing."""
        words, self._phrase = self._phrase, []
        gerund = next((n for n, word in enumerate(words) if is_gerund(word) and not _compound(words, n)), len(words))
        for part in (words[:gerund], words[gerund + 1 :]):  # "person riding horse" are two things
            if part and not all(word in ADJECTIVES or word.isdecimal() for word in part):
                self._current.append(singular_phrase(" ".join(part)))

    def _order(self) -> tuple[str, ...]:
        """The kinds a word is tried as: "with" gives what is exchanged for, after "replace"."""
        return (
            "unwanted",
            "gone",
            "removed",
            *(("by",) if self._exchanging else ()),
            "wanted",
            "exchanged",
            "and",
            "at",
        )

    def _keyword(self, kind: str, phrase: str) -> None:
        if kind == "at" and phrase == "of" and self._phrase:
            self._phrase.append(phrase)  # "cup of coffee"
            return
        before, separated = len(self.wanted), self._separated and not self._phrase
        self.close()
        self._skipping, self._separated = False, kind == "and"
        match kind:
            case "wanted" | "by":
                self._current, self._exchanging = self.wanted, False
            case "unwanted":
                self._current, self._exchanging = self.unwanted, False
            case "exchanged":
                self._current, self._exchanging = self.unwanted, True
            case "gone" | "removed":
                self.unwanted += self.wanted[before:]
                del self.wanted[before:]
                self._current, self._exchanging = self.wanted, False
            case "at" if separated:  # "without the people, in the snow"
                self._current = self.wanted
            case "at":
                self._skipping = self._current is self.unwanted and bool(self.unwanted)
            case "and" if phrase in ";.":
                self._current, self._exchanging = self.wanted, False


def _compound(words: list[str], place: int) -> bool:
    """Whether a word begins a thing of two words ("dining table")."""
    return singular_phrase(" ".join(words[place : place + 2])) in COMPOUND_PHRASES
