"""The trunk's tail as trainable arithmetic that is fast on a CPU.

1x1 convolutions are bf16 matrix products on channels-last maps (2 to 5 times faster than f32). Depthwise kernels
stay fixed, so their backward is a convolution with the flipped kernel: the stock backward of a depthwise 5x5 is
17 to 50 times slower than its forward on CPUs.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from models.encoders.trunk import TAIL_START, Block, Trunk


class _FixedDepthwise(torch.autograd.Function):
    """Depthwise convolution whose kernel has no gradient; (n, c, h, w) channels-last, weight (c, 1, k, k)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(weight)
        return F.conv2d(x, weight, bias.to(x.dtype), padding=weight.shape[-1] // 2, groups=weight.shape[0])

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, Tensor]:
        (weight,) = ctx.saved_tensors
        grad = grads[0].contiguous(memory_format=torch.channels_last)
        flipped = weight.flip(-1, -2).contiguous()
        back = F.conv2d(grad, flipped, None, padding=weight.shape[-1] // 2, groups=weight.shape[0])
        return back, None, grad.float().sum((0, 2, 3))


class TrainableTail:
    """Blocks 16 to 20 and the head convolution; `params` by the trunk's state-dict names, 1x1 weights as matrices."""

    def __init__(self, trunk: Trunk) -> None:
        self.params: dict[str, Tensor] = {}
        self.depthwise: dict[int, Tensor] = {}
        self.skips: dict[int, bool] = {}
        for index in range(TAIL_START, len(trunk.blocks)):
            block = trunk.blocks[index]
            assert isinstance(block, Block) and block.expand is not None
            for part in ("expand", "project"):
                conv = getattr(block, part)
                self.params[f"blocks.{index}.{part}.weight"] = conv.weight.detach().float()[:, :, 0, 0].clone()
                self.params[f"blocks.{index}.{part}.bias"] = conv.bias.detach().float().clone()
            self.params[f"blocks.{index}.depthwise.bias"] = block.depthwise.bias.detach().float().clone()
            self.depthwise[index] = block.depthwise.weight.detach().to(torch.bfloat16)
            self.skips[index] = block.skip
        self.params["head.weight"] = trunk.head.weight.detach().float()[:, :, 0, 0].clone()
        self.params["head.bias"] = trunk.head.bias.detach().float().clone()
        for value in self.params.values():
            value.requires_grad_()

    def _linear(self, x: Tensor, name: str) -> Tensor:
        weight, bias = self.params[f"{name}.weight"], self.params[f"{name}.bias"]
        return F.linear(x, weight.to(torch.bfloat16), bias.to(torch.bfloat16))

    def __call__(self, x: Tensor) -> Tensor:
        """From the tail's input (n, h, w, 208) bf16 to cells (n, h, w, 1280) bf16."""
        for index, kernel in self.depthwise.items():
            y = F.relu6(self._linear(x, f"blocks.{index}.expand")).permute(0, 3, 1, 2)
            y = _FixedDepthwise.apply(y, kernel, self.params[f"blocks.{index}.depthwise.bias"])  # type: ignore[no-untyped-call]
            y = self._linear(F.relu6(y).permute(0, 2, 3, 1), f"blocks.{index}.project")
            x = x + y if self.skips[index] else y
        return F.relu6(self._linear(x, "head"))

    @staticmethod
    def trunk_state(params: dict[str, Tensor]) -> dict[str, Tensor]:
        """Parameters in the trunk's own shapes: 1x1 weights (out, in, 1, 1)."""
        return {name: value[:, :, None, None] if value.dim() == 2 else value for name, value in params.items()}
