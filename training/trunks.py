"""The trunks that training uses: the package's own, and tuned ones."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import load_file

from models.encoders.clip import build_clip, build_trunk
from models.encoders.trunk import Trunk
from training.data import cache_folder, weights_folder

HELD_FOLDS = (4,)
"""Folds that trunks for calibration leave out, one each; the shipped trunk leaves out the test fold only."""


def tail_path(held: int | None) -> Path:
    """Where the tail tuned without a fold is kept; None: the shipped one."""
    return (
        weights_folder() / "tail.safetensors" if held is None else cache_folder() / f"tail-without-{held}.safetensors"
    )


def frozen_trunk() -> Trunk:
    """The trunk as the package has it, in bf16."""
    return build_trunk(build_clip()).halve()


def load_trunk(held: int | None) -> Trunk:
    """The trunk with a tuned tail, in bf16."""
    trunk = frozen_trunk()
    trunk.load_state_dict(load_file(tail_path(held)), strict=False)
    return trunk
