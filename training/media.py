"""Fit what adapts pictures of other media to photographs.

    python -m training.media

A medium's pictures are made from photographs of coco/ (line art also of coco-partial4/) by `evaluation.media`; ridge
regression maps their features to the appearance of the photographs, and is kept in its best rank-96 approximation.
Prints how often a picture of fold 4 finds its photograph among those of fold 4 by a map without that fold; then fits
again with it and writes media.safetensors. Features are kept in the cache folder (media-<medium>.pt).
"""

from __future__ import annotations

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from evaluation import media
from models.encoders.appearance import Appearance
from models.encoders.heads import pool
from models.encoders.media import MEDIA, RANK, Adapter, MediaHead, medium_features
from models.encoders.preprocess import SCALES
from models.encoders.trunk import Trunk
from thresher.types import Medium, Pixels
from training.cache import load_shards
from training.data import TEST_FOLD, Photo, cache_folder, load_photos, read_pixels, weights_folder
from training.trunks import HELD_FOLD, load_trunk

EVERY = 3
"""Of the photographs of coco/, every third is drawn as a sketch and copied small."""

PENALTY = 1.0
"""Penalty, in units of the mean squared length of a picture's features; chosen on fold 4."""

FLOOR = 0.05
"""What is added to each feature's deviation before it is scaled, in units of the mean one."""


def picture(photo: Photo, medium: Medium) -> Pixels | None:
    """A photograph in another medium; None where it cannot be drawn."""
    if medium is Medium.LINE_ART:
        size = np.array([photo.width, photo.height])
        things = (thing for thing in photo.things if not thing.crowd)
        outlines = [(p.reshape(-1, 2) * size).ravel().tolist() for thing in things for p in thing.polygons]
        return media.line_art(outlines, photo.height, photo.width) if outlines else None
    pixels = read_pixels(photo.path)
    if medium is Medium.SKETCH:
        return media.sketch(pixels)
    return media.low_resolution(pixels, media.SIDES[photo.id % len(media.SIDES)])


def drawn(medium: Medium) -> list[Photo]:
    """The photographs a medium is learnt from, and fold 4."""
    every = 1 if medium is Medium.LINE_ART else EVERY
    photos = [photo for photo in load_photos("coco")[::every] if photo.fold != TEST_FOLD]
    return [*photos, *load_photos("coco-partial4")] if medium is Medium.LINE_ART else photos


def load_features(trunk: Trunk, medium: Medium) -> dict[str, Tensor]:
    """Key -> features (2560,) of a photograph in another medium."""
    path = cache_folder() / f"media-{medium.value}.pt"
    if not path.exists():
        pictures = ((photo.key, picture(photo, medium)) for photo in drawn(medium))
        torch.save({key: medium_features(trunk, pixels) for key, pixels in pictures if pixels is not None}, path)
    found: dict[str, Tensor] = torch.load(path)
    return found


@torch.inference_mode()
def appearances(trunk: Trunk, appearance: Appearance, keys: list[str]) -> Tensor:
    """Stored appearance of photographs, (photographs, 256), from cached maps."""
    tails, found = load_shards("tails"), []
    for key in keys:
        cells = [
            trunk.cells(trunk.tail(tails[(key, s, False)][None].bfloat16()))[0].float().flatten(1).T for s in SCALES
        ]
        found.append(appearance(torch.cat([pool(c) for c in cells]), torch.stack([c.mean(0) for c in cells])))
    return torch.stack(found)


def load_appearances(trunk: Trunk, appearance: Appearance) -> dict[str, Tensor]:
    path = cache_folder() / "media-photographs.pt"
    if not path.exists():
        keys = [photo.key for name in ("coco", "coco-partial4") for photo in load_photos(name)]
        torch.save(dict(zip(keys, appearances(trunk, appearance, keys), strict=True)), path)
    found: dict[str, Tensor] = torch.load(path)
    return found


def fit_adapter(features: Tensor, targets: Tensor, penalty: float) -> Adapter:
    """Ridge regression (n, 2560) -> (n, 256) of scaled features, in its dual form, then the rank cut."""
    mean, spread = features.mean(0), features.std(0)
    spread = spread + FLOOR * spread.mean()
    x, y = (features - mean) / spread, targets - targets.mean(0)
    kernel = x @ x.T
    weights = torch.linalg.solve(kernel + penalty * kernel.diagonal().mean() * torch.eye(len(x)), y)
    mapping = x.T @ weights
    _, _, axes = torch.linalg.svd(x @ mapping, full_matrices=False)
    adapter = Adapter()
    with torch.no_grad():
        adapter.down.weight.copy_((mapping @ axes[:RANK].T / spread[:, None]).T)
        adapter.down.bias.copy_(-adapter.down.weight @ mean)
        adapter.up.weight.copy_(axes[:RANK].T)
        adapter.up.bias.copy_(targets.mean(0))
    return adapter.requires_grad_(False)


def recall(queries: Tensor, own: list[int], gallery: Tensor) -> list[float]:
    """R@1, R@5, R@10 of each query's own row of the gallery."""
    scores = queries @ gallery.T
    rank = (scores > scores.gather(1, torch.tensor(own)[:, None])).sum(1)
    return [round(float((rank < k).float().mean()), 3) for k in (1, 5, 10)]


def main() -> None:
    torch.set_num_threads(1)
    trunk, appearance, head = load_trunk(None), Appearance(), MediaHead()
    appearance.load_state_dict(load_file(weights_folder() / "appearance.safetensors"))
    photographs = load_appearances(trunk, appearance)
    gallery = [photo.key for photo in load_photos("coco") if photo.fold == HELD_FOLD]
    held = torch.stack([photographs[key] for key in gallery])
    for medium in MEDIA:
        pictures = load_features(trunk, medium)
        keys, x = list(pictures), torch.stack(list(pictures.values())).float()
        y = torch.stack([photographs[key] for key in keys])
        check = torch.tensor([key in gallery for key in keys])
        own = [gallery.index(key) for key in keys if key in gallery]
        head[medium.value] = fit_adapter(x[~check], y[~check], PENALTY)
        plain = torch.nn.functional.normalize((x[check] - appearance.mean) @ appearance.weight.T, dim=-1)
        adapted = head.query(x[check], medium, appearance)
        print(medium.value, len(keys), "pictures;", len(own), "of fold 4: R@1, 5, 10 as they are",
              recall(plain, own, held), "adapted", recall(adapted, own, held))  # fmt: skip
        head[medium.value] = fit_adapter(x, y, PENALTY)
    state = {name: (value.half() if value.dim() == 2 else value) for name, value in head.state_dict().items()}
    save_file({name: value.contiguous() for name, value in state.items()}, weights_folder() / "media.safetensors")


if __name__ == "__main__":
    main()
