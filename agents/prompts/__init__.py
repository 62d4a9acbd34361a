"""Prompts are .md files: "## system", "## user" and "## assistant" sections, `{slots}` in the last of them.

A section of another name is a set of examples, a line each: `what the user says -> what the assistant says`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Literal, cast

from thresher.types import Message

_Role = Literal["system", "user", "assistant"]


@cache
def _sections(name: str) -> tuple[tuple[str, str], ...]:
    """(heading, text) of each section."""
    text = Path(__file__).with_name(f"{name}.md").read_text("utf-8")
    parts = re.split(r"^## (.+)\n", text, flags=re.MULTILINE)[1:]
    return tuple((heading, body.strip()) for heading, body in zip(parts[::2], parts[1::2], strict=True))


def examples(name: str) -> Mapping[str, Sequence[tuple[str, str]]]:
    """The sets of examples of one prompt: heading -> (user, assistant) pairs."""
    return {
        heading: [(said, answer) for said, _, answer in (line.partition(" -> ") for line in body.splitlines())]
        for heading, body in _sections(name)
        if heading not in ("system", "user", "assistant")
    }


def prompt(name: str, images: Sequence[bytes] = (), shots: str = "", **slots: str) -> list[Message]:
    """The messages of one prompt; `slots` and `images` go into the last of them, before it the examples `shots`."""
    sets = examples(name)
    *before, (role, last) = [(cast(_Role, heading), text) for heading, text in _sections(name) if heading not in sets]
    for slot, value in slots.items():
        last = last.replace("{" + slot + "}", value)
    messages = [Message(r, text) for r, text in before]
    for said, answer in sets[shots] if shots else ():
        messages += [Message("user", said), Message("assistant", answer)]
    return [*messages, Message(role, last, images)]
