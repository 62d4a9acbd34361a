"""What the photograph looks like that a picture of another medium stands for.

Each medium has a linear map from the features of its pictures to the appearance of their photographs (ridge regression,
`training.media`), and the picture's own appearance counts a little: queries are adapted, stored vectors are not.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.encoders.appearance import APPEARANCE_DIM, Appearance
from models.encoders.heads import pool
from models.encoders.preprocess import SCALES, prepare
from models.encoders.trunk import CELL_CHANNELS, Trunk
from thresher.types import Medium, Pixels

FEATURES = 2 * CELL_CHANNELS
RANK = 96
OWN = 0.5
"""Weight of the picture's own appearance beside the mapped one."""

MEDIA = tuple(medium for medium in Medium if medium is not Medium.PHOTOGRAPH)


class Adapter(nn.Module):
    """The map of one medium, of rank 96: (..., 2560) -> (..., 256)."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Linear(FEATURES, RANK)
        self.up = nn.Linear(RANK, APPEARANCE_DIM)

    def forward(self, features: Tensor) -> Tensor:
        mapped: Tensor = self.up(self.down(features))
        return mapped


class MediaHead(nn.ModuleDict):
    """An `Adapter` for every medium but photographs, by its value."""

    def __init__(self) -> None:
        super().__init__({medium.value: Adapter() for medium in MEDIA})

    def query(self, features: Tensor, medium: Medium, appearance: Appearance) -> Tensor:
        """Features (..., 2560) of pictures to what is looked for among appearances: (..., 256), unit."""
        mapped = F.normalize(self[medium.value](features), dim=-1)
        own = F.normalize((features - appearance.mean) @ appearance.weight.T, dim=-1)
        return F.normalize(mapped + OWN * own, dim=-1)


@torch.inference_mode()
def medium_features(trunk: Trunk, image: Pixels) -> Tensor:
    """Mean and generalised mean of the cells at the smaller scale, (2560,): pictures of other media have nothing finer
    that photographs have, too."""
    low = trunk.lower(prepare(image, SCALES[0]).bfloat16())
    cells = trunk.cells(trunk.tail(low.tail))[0].float().flatten(1).T
    return torch.cat([cells.mean(0), pool(cells)[:CELL_CHANNELS]])
