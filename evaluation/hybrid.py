"""Photographs that say something, and searches for what they show, what they say, and both.

Made from labelled photographs: on some a sign is drawn, some get a caption in their EXIF, some a telling file name, and
some a caption that names a thing which they do not show.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import ExifTags, Image, ImageDraw, ImageFont

from evaluation.coco import LabelledPhotographs
from thresher.types import ImageId

_SIGNS = (
    "BAKERY,NO PARKING,FOR SALE,CITY HALL,EXIT,WELCOME,PHARMACY,MUSEUM,HARBOUR,TICKETS,CLOSED,LIBRARY,BERLIN,DETOUR,"
    "POLICE,LAUNDRY,VACANCY,CAUTION,GARAGE,ELEVATOR,POST OFFICE,FIRE LANE,ONE WAY,MENU,OPEN,RECEPTION"
)
SIGNS = tuple(_SIGNS.split(","))

_NAMES = (
    "grandmother,Lisbon,anniversary,Jonas,graduation,Yosemite,wedding,Kyoto,Christmas,Hannah,vacation,marathon,"
    "Patagonia,reunion,Oktoberfest,Priya,picnic,Brighton,carnival,Naples,retirement,Zanzibar,housewarming"
)
NAMES = tuple(_NAMES.split(","))

MISLEADING = ("waiting for the {}", "looking for my {}", "where is the {}", "no {} today")


@dataclass(frozen=True, slots=True)
class Settings:
    """`photographs` are used, at most; each kind has `searches`, at most."""

    photographs: int = 300
    searches: int = 120
    seed: int = 7


@dataclass(frozen=True, slots=True)
class Made:
    """A photograph as it is imported. `words` are what it says, by whatever part of it."""

    path: Path
    id: ImageId
    words: str
    shows: frozenset[str]


@dataclass(frozen=True, slots=True)
class Search:
    """`kind`: shown, said or both. `relevant` are the photographs that are looked for."""

    kind: str
    text: str
    relevant: frozenset[ImageId]


def make(labelled: LabelledPhotographs, folder: Path, settings: Settings) -> list[Made]:
    """Write the photographs into a folder; the same ones for the same settings."""
    rng = random.Random(settings.seed)
    order = list(range(len(labelled.files)))
    rng.shuffle(order)
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for number, index in enumerate(order[: settings.photographs]):
        shown = [name for name, there in zip(labelled.categories, labelled.presence[index], strict=True) if there]
        absent = [name for name in labelled.categories if name not in shown]
        words = rng.choice(SIGNS if number % 4 == 0 else NAMES) if number % 4 < 3 else ""
        caption = rng.choice(MISLEADING).format(rng.choice(absent)) if number % 8 == 3 and absent else ""
        with Image.open(labelled.files[index]) as opened:
            image = opened.convert("RGB")
        name = f"{number:05}"
        if number % 4 == 0:
            image = with_sign(image, words, rng)
        elif number % 4 == 1:
            caption = words
        elif number % 4 == 2:
            name = f"{words}_{number:05}"
        path = folder / f"{name}.jpg"
        exif = Image.Exif()
        if caption:
            exif[ExifTags.Base.ImageDescription] = caption
        image.save(path, "JPEG", quality=92, exif=exif)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        made.append(Made(path, digest, words, frozenset(shown)))
    return made


def with_sign(image: Image.Image, words: str, rng: random.Random) -> Image.Image:
    """The photograph with a board: letters 5 to 10 % as high as it, turned by up to 12 degrees."""
    size = max(16, round(image.height * rng.uniform(0.05, 0.1)))
    font = ImageFont.load_default(size)
    left, top, right, bottom = font.getbbox(words)
    paint, ink = rng.choice([("#b01520", "white"), ("white", "black"), ("#154a90", "white"), ("#f0c800", "black")])
    board = Image.new("RGBA", (round(right - left) + size, round(bottom - top) + size), paint)
    ImageDraw.Draw(board).text((size / 2 - left, size / 2 - top), words, font=font, fill=ink)
    board = board.rotate(rng.uniform(-12, 12), Image.Resampling.BICUBIC, expand=True)
    board.thumbnail(image.size)
    place = rng.randint(0, image.width - board.width), rng.randint(0, image.height - board.height)
    image.paste(board, place, board)
    return image


def searches(made: Sequence[Made], settings: Settings) -> list[Search]:
    """Of each kind at most `settings.searches`. "both" is asked where neither part alone would single them out."""
    rng = random.Random(settings.seed)
    categories = sorted(set().union(*(each.shows for each in made)) - {"person"})
    shown = [Search("shown", name, frozenset(each.id for each in made if name in each.shows)) for name in categories]
    words = sorted({each.words for each in made} - {""})
    said = [Search("said", one, frozenset(each.id for each in made if each.words == one)) for one in words]
    both = []
    for one in said:
        for thing in shown:
            relevant = one.relevant & thing.relevant
            if relevant and relevant < one.relevant and relevant < thing.relevant:
                text = rng.choice(("{0} {1}", "{1} {0}", "a {0}, {1}")).format(thing.text, one.text)
                both.append(Search("both", text, relevant))
    found = []
    for kind in (shown, said, both):
        rng.shuffle(kind)
        found += kind[: settings.searches]
    return found


def scores(ranking: Sequence[ImageId], relevant: frozenset[ImageId]) -> dict[str, float]:
    """Whether one that is looked for comes first, among the first five, and one over the rank of the first one."""
    rank = next((place for place, image in enumerate(ranking, 1) if image in relevant), 0)
    return {"first": float(rank == 1), "among_5": float(0 < rank <= 5), "reciprocal_rank": 1 / rank if rank else 0.0}
