"""What full-text search reads of a photograph, and the words of a query."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from thresher.types import ImageRecord

MOST_WORDS = 64
"""Of one query: what follows is left out."""

LONGEST_WORD = 40
"""Letters; longer ones are not indexed."""

_WORD = re.compile(r"[^\W_]+")

# What a question is built with, not what it asks for: on its own such a word is looked for like any other.
_STOP_WORDS = (
    "a an and any are as at be been being but by can could did do does for from had has have he her hers him his how i"
    " if in into is it its me my of on or our she so some than that the their them then there these they this those to"
    " was we were what when where which who whose why will with would you your"
    " image images photo photograph photographs photos picture pictures show showing shows"
)
_STOPPED = frozenset(_STOP_WORDS.split())


def document_of(record: ImageRecord) -> str:
    """Names of files and their folders, caption, words that can be read, place, camera and tags."""
    names = (" ".join(words_of(str(PurePosixPath(path).with_suffix("")))) for path in record.paths)
    return "\n".join(
        part for part in (*names, record.caption, record.text, record.place, record.camera, *record.tags) if part
    )


def words_of(text: str) -> list[str]:
    """Letters and digits between anything else, in order: nothing in a text is an operator."""
    return _WORD.findall(text)


def query_words(text: str) -> list[str]:
    """The words to look for, each once, lower case. Stop words only where there is nothing else."""
    words = [word for word in dict.fromkeys(words_of(text.lower())) if len(word) <= LONGEST_WORD]
    return ([word for word in words if word not in _STOPPED] or words)[:MOST_WORDS]
