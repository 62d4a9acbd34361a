"""What a question refers to other than by what photographs show: words in them, a photograph by its name, a taught
name. Each is replaced by a placeholder before the words are read."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from thresher.types import Aspect, Like, Says

Keep = Callable[[str, Says | Like], str]
"""Kind of token, what it stands for -> the placeholder."""

_QUOTED = r'(?:"(?P<quoted>[^"]{1,300})"|\'(?P<single>[^\']{1,300})\')'
_AGAIN = _QUOTED.replace("quoted", "quoted2").replace("single", "single2")  # a name stands for one group only
_SAYS = re.compile(
    rf"""(?:\b(?:that|which)\ )?\b
    (?:(?:with|has|have|having|show|shows|showing|contain|contains|containing|of)\ )?
    (?:(?:the|a)\ )?(?:words?|text|writing|letters|inscription|lettering)\ {_QUOTED}
    |(?:\b(?:that|which)\ )?\b(?:says?|saying|reads?|reading)\ {_AGAIN}
    |\b(?:with|has|have|having|shows?|showing|contains?|containing)\ the\ (?:word|words|text)\ (?P<bare>\w[\w'-]*)
     (?=$|[?.!,]|\ (?:and|or|but|on|in|taken|tagged|without)\b)""",
    re.VERBOSE | re.IGNORECASE,
)
_ENDINGS = "jpe?g|png|gif|webp|tiff?|bmp|heic|avif"
_FILE = rf"(?:{_QUOTED}|(?P<file>[\w./-]*\w\.(?:{_ENDINGS})))"
_THE = r"(?:(?:the\ )?(?:photo|photograph|picture|image|pic)\ )?"
_ASPECTS = {
    Aspect.COLOUR: r"(?:(?:with|in|of|having|that\ have|that\ has)\ )?the\ same\ colou?rs?\ (?:as|like)",
    Aspect.PLACE: r"(?:(?:taken|shot|from|at|in|of)\ )*(?:the\ )?same\ (?:place|scene|spot|location)\ (?:as|like)",
    Aspect.INSTANCE: r"(?:(?:with|of|showing)\ )?the\ (?:very|exact)(?:\ same)?\ (?:thing|object)s?\ (?:as\ )?in",
    Aspect.OBJECT: r"(?:(?:with|of|showing|that\ show)\ )?the\ same\ (?:things?|objects?)\ (?:as|like)(?:\ in)?",
    Aspect.WHOLE: r"(?:that\ (?:look|looks|are|is)\ |which\ look\ |looking\ )?(?:like|similar\ to|resembling)",
}
_LIKE = [
    (aspect, re.compile(rf"\b{how}\ {_THE}{_FILE}(?:,?\ but\ (?P<change>[^?]+))?", re.VERBOSE | re.IGNORECASE))
    for aspect, how in _ASPECTS.items()
]


def pull_references(text: str, keep: Keep, taught: Collection[str] = ()) -> str:
    """The text with placeholders. `taught`: names of exemplars."""
    text = _SAYS.sub(lambda match: _said(match, keep), text)
    for aspect, pattern in _LIKE:
        text = pattern.sub(lambda match, aspect=aspect: _like(match, aspect, keep), text)  # type: ignore[misc]
    for name in sorted(taught, key=len, reverse=True):
        bare = re.sub(r"^(?:the|our|my) ", "", name, flags=re.IGNORECASE)
        pattern = re.compile(rf"\b(?:(?:the|our|my|a) )?{re.escape(bare)}\b", re.IGNORECASE)
        text = pattern.sub(lambda _, name=name: keep("like", Like(name, exemplar=True)), text)  # type: ignore[misc]
    return text


def _said(match: re.Match[str], keep: Keep) -> str:
    found = match.groupdict()
    words = next(value for value in found.values() if value)
    return f" with {keep('says', Says(words.strip()))} "


def _like(match: re.Match[str], aspect: Aspect, keep: Keep) -> str:
    name = match["quoted"] or match["single"] or match["file"]
    change = (match["change"] or "").strip(" .!")
    return keep("like", Like(name, aspect, change))
