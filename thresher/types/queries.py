"""What is searched for: words, photographs, parts of photographs, and what has to be alike."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from thresher.types.images import Box, ImageId, Point


class Aspect(StrEnum):
    """What has to be alike. `WHOLE`: how the photograph looks. `OBJECT`: what it shows. `COLOUR`: its colours.
    `PLACE`: where it was taken, as far as the scene shows. `INSTANCE`: the very same thing, checked by geometry."""

    WHOLE = "whole"
    OBJECT = "object"
    COLOUR = "colour"
    PLACE = "place"
    INSTANCE = "instance"


class Medium(StrEnum):
    """What the given picture is. All but a photograph are adapted before they are compared with photographs."""

    PHOTOGRAPH = "photograph"
    SKETCH = "sketch"
    LINE_ART = "line_art"
    LOW_RESOLUTION = "low_resolution"


@dataclass(frozen=True, slots=True)
class Query:
    """A search. At least one of `text`, `image`, `content`, `exemplar` is given, and at most one of the last three.

    `text` alone: words, those after a minus unwanted ("dog -leash"), those in quotes said in the photograph. With a
    picture: how what is looked for differs from it ("without the dog"). `image` a photograph of the collection,
    `content` the bytes of one that need not be in it, `exemplar` a name that somebody taught. `regions`: points and
    boxes in pixels of the upright picture; what is there is looked for, all of them in one photograph.
    """

    text: str = ""
    image: ImageId = ""
    content: bytes = b""
    exemplar: str = ""
    regions: tuple[Point | Box, ...] = ()
    aspect: Aspect = Aspect.WHOLE
    medium: Medium = Medium.PHOTOGRAPH

    @property
    def pictured(self) -> bool:
        """Whether there is a picture to compare with."""
        return bool(self.image or self.content)


class Ranker(StrEnum):
    """What orders the photographs for a text. `VECTOR`: the stored vector alone. `MULTI_VECTOR`: with MaxSim over
    patches. `HYBRID`: with full text. `JUDGED`: that, the best ones ordered anew by what the judge makes of all
    witnesses. `DEFAULT`: what docs/retrieval.md found best."""

    DEFAULT = "default"
    VECTOR = "vector"
    MULTI_VECTOR = "multi_vector"
    HYBRID = "hybrid"
    JUDGED = "judged"


@dataclass(frozen=True, slots=True)
class Example:
    """One photograph that taught a name: `image` is its SHA-256, whether the collection holds it or not; `box` where
    the thing is in it, in pixels, None: the whole photograph."""

    image: ImageId
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class Exemplar:
    """A thing that somebody taught by name ("our mascot"), by one photograph or several, the first one first."""

    name: str
    examples: tuple[Example, ...]
    created_at: datetime
