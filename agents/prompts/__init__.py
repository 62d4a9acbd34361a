"""Prompts are .md files: "## system", "## user" and "## assistant" sections, `{slots}` in the last user section."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Literal, cast

from thresher.types import Message

_Role = Literal["system", "user", "assistant"]


@cache
def _sections(name: str) -> tuple[tuple[_Role, str], ...]:
    text = Path(__file__).with_name(f"{name}.md").read_text("utf-8")
    parts = re.split(r"^## (system|user|assistant)\n", text, flags=re.MULTILINE)[1:]
    return tuple((cast(_Role, role), body.strip()) for role, body in zip(parts[::2], parts[1::2], strict=True))


def prompt(name: str, images: Sequence[bytes] = (), **slots: str) -> list[Message]:
    """The messages of one prompt; `slots` and `images` go into the last of them."""
    *before, (role, last) = _sections(name)
    for slot, value in slots.items():
        last = last.replace("{" + slot + "}", value)
    return [*(Message(r, text) for r, text in before), Message(role, last, images)]
