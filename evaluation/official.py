"""The Visual Haystacks authors' own question files (Wu et al., ICLR 2025), read as they are."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thresher.errors import InvalidInput
from thresher.types import ImageId

_X = re.compile(r"For (?:the image|all images) with an? (.+?),", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class OfficialQuestion:
    """`needles` and `others` are paths of photographs below the image root, as the file gives them.

    `x` is what the needles show, empty where the question is not worded as the paper says.
    """

    question: str
    answer: bool
    needles: tuple[str, ...]
    others: tuple[str, ...]

    @property
    def x(self) -> str:
        found = _X.match(self.question)
        return found[1] if found else ""


@dataclass(frozen=True, slots=True)
class OfficialFile:
    """A file's questions. `name`: folder and file ("VHs_large/visual_haystack_10"), `digest`: of its bytes."""

    name: str
    digest: str
    questions: tuple[OfficialQuestion, ...]


def read_official(path: Path) -> OfficialFile:
    """Read `visual_haystack_*.json`, single or multi needle. `InvalidInput` where it is not what it should be."""
    try:
        content = path.read_bytes()
        entries = json.loads(content)
        if not isinstance(entries, list) or not entries:
            raise TypeError("it is not a list of questions")
        questions = tuple(map(_question, entries))
    except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise InvalidInput(
            f"{path} is no question file of Visual Haystacks: {error!r}.",
            "Give one such as visual_haystack_10.json.",
        ) from error
    return OfficialFile(f"{path.resolve().parent.name}/{path.stem}", hashlib.sha256(content).hexdigest(), questions)


def locate(files: Sequence[OfficialFile], root: Path) -> tuple[dict[str, Path], dict[str, ImageId]]:
    """Files and SHA-256 of all photographs of the questions, by the path that these give, sorted.

    `InvalidInput` where the root or a photograph is not there, or a path leads out of the root.
    """
    if not root.is_dir():
        raise InvalidInput(f"There is no folder {root}.", "Give the folder that COCO's photographs lie below.")
    names = {name for file in files for question in file.questions for name in (*question.needles, *question.others)}
    paths = {name: root / name for name in sorted(names)}
    inside = root.resolve()
    outside = [name for name, path in paths.items() if not path.resolve().is_relative_to(inside)]
    if outside:
        raise InvalidInput(f"{len(outside)} photographs lie outside {root}, the first is {outside[0]}.")
    missing = [name for name, path in paths.items() if not path.is_file()]
    if missing:
        raise InvalidInput(
            f"{len(missing)} of {len(paths)} photographs are not below {root}, the first is {missing[0]}.",
            "Give as --image-root the folder that these paths start from.",
        )
    return paths, {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in paths.items()}


def _question(entry: Any) -> OfficialQuestion:
    asked, said = (str(entry["conversations"][turn]["value"]).strip() for turn in (0, 1))
    if said.lower() not in ("yes", "no"):
        raise ValueError(f"the answer {said!r} is neither yes nor no")
    needles, others = (tuple(map(str, entry[key])) for key in ("pos_image", "neg_image"))
    if not asked or not needles:
        raise ValueError("a question without words or without a needle")
    return OfficialQuestion(asked, said.lower() == "yes", needles, others)
