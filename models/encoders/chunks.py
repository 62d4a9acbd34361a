"""The parts of a text that are looked for one by one in a photograph: its noun phrases, by rule."""

from __future__ import annotations

import re

from models.encoders.coco import words
from models.encoders.lexicon import ADJECTIVES
from models.encoders.phrases import DETERMINERS, LINKS, lookup, normalise

MOST_CHUNKS = 8
"""Chunks kept of a text; more would only repeat the scene."""

CHUNK_WORDS = 4
"""Words kept of a run without a break, from its head noun backwards."""

_BREAKS = (
    DETERMINERS
    | LINKS
    | frozenset(
        words(
            "be,been,being,am,as,at,but,by,can,could,did,do,does,down,each,else,for,front,get,gets,had,he,her,hers,"
            "him,how,i,if,inside,into,it,just,like,lots,lot,made,make,me,more,most,my,next,not,off,one,onto,other,our,"
            "out,outside,over,she,side,so,some,than,their,them,then,there,they,too,top,toward,towards,two,up,upon,us,"
            "very,was,we,were,what,when,where,will,would,you,your,against,along,across,about,after,before,among,"
            "amongst,behind,beneath,both,while,within,several,together,back,another,full,group,couple,bunch,pair,"
            "sits,sit,stands,stand,walks,walk,rides,ride,holds,hold,plays,play,looks,look,wears,wear,eats,eat,lies,"
            "lie,lays,lay,runs,run,jumps,jump,takes,take,poses,pose,filled,covered,made,seen,shown,show,shows,set,"
            "photo,photograph,picture,image,photos,pictures,images,photographs,view,scene,background,foreground,middle,ready,"
            "hit,hits,underneath,come,comes,go,goes,it's,themselves,himself,herself,swing,swings,talk,talks,use,uses,something,anything,everything"
        )
    )
)
"""Words that end a noun phrase and are no part of one."""

_THINGS = frozenset(
    words(
        "ceiling,clothing,wedding,evening,morning,string,spring,wing,ring,king,painting,railing,awning,icing,pudding,"
        "frosting,lightning,stuffing,topping"
    )
)
"""Nouns on -ing without a concept."""


def _breaks(word: str) -> bool:
    """Whether a word stands between noun phrases. An -ing form does unless it names something ("building")."""
    if word in _BREAKS or word.isdigit():
        return True
    return word.endswith("ing") and len(word) > 4 and word not in _THINGS and lookup(word) is None


def chunks(text: str) -> list[str]:
    """Noun phrases of a text in reading order, each once.

    "a dog holds two red frisbees" gives "dog" and "red frisbees". A phrase with concepts is one
    chunk. Empty where a text has no noun phrase.
    """
    plain = normalise(text)
    if plain and lookup(plain) is not None:
        return [plain]
    found: list[str] = []
    run: list[str] = []
    for part in re.split(r"[\s/&]+|$", plain):
        if part and not _breaks(part):
            run.append(part)
            continue
        if any(word not in ADJECTIVES for word in run):
            found.append(" ".join(run[-CHUNK_WORDS:]))
        run = []
    return list(dict.fromkeys(found))[:MOST_CHUNKS]


def queries(text: str) -> list[str]:
    """What is compared with the patches of a photograph: the text as a whole, then its chunks.

    A text that is one chunk is that chunk alone; one without letters or digits gives nothing.
    """
    parts = chunks(text)
    if len(parts) == 1 and parts[0] == normalise(text):
        return parts
    whole = re.sub(r"\s+", " ", text).strip()
    return [whole, *parts] if normalise(text) else []
