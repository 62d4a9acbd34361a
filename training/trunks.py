"""The trunks that training uses: the package's own, and tuned ones."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import load_file

from models.encoders.clip import build_clip, build_trunk
from models.encoders.trunk import Trunk
from training.data import cache_folder, weights_folder

HELD_FOLD = 4
"""The fold that models for calibration leave out; what ships leaves out the test fold only."""


def tail_path(held: int | None, name: str = "tail") -> Path:
    """Where a tail ("tail" or "objects") tuned without a fold is kept; None: the shipped one."""
    if held is None:
        return weights_folder() / f"{name}.safetensors"
    return cache_folder() / f"{name}-without-{held}.safetensors"


def frozen_trunk() -> Trunk:
    """The trunk as the package has it, in bf16."""
    return build_trunk(build_clip()).halve()


def load_trunk(held: int | None, name: str = "tail") -> Trunk:
    """The trunk with a tuned tail, in bf16."""
    trunk = frozen_trunk()
    if name != "tail":
        trunk = trunk.branch()
    trunk.load_state_dict(load_file(tail_path(held, name)), strict=False)
    return trunk
