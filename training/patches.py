"""Train the patch head: cells of photographs and phrases into one space, by late interaction.

    python -m training.patches 4        without fold 4: prints its figures, writes nothing that ships
    python -m training.patches none     writes patches.safetensors

Learns from what a photograph's captions say (contrastive MaxSim over a batch), from its labels (each category's name
against every photograph), from its boxes (a region is near its category's name and near itself at the other scale).
Keeps the regions' cells in the cache folder as regions-<held>.pt.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor, nn

from models.encoders.captions import TEXT_DIM, Components
from models.encoders.chunks import MOST_CHUNKS, chunks
from models.encoders.clip import build_clip, build_tokenizer, build_trunk
from models.encoders.coco import CATEGORIES
from models.encoders.detector import decode
from models.encoders.patches import PATCH_DIM, PATCHES, PatchHead, box_means, patch_boxes
from models.encoders.phrases import class_names, class_synonyms
from models.encoders.text import SentenceEncoder
from models.encoders.tower import PROPOSALS, OfflineTower
from models.encoders.trunk import CELL_CHANNELS
from training.captions import caption_vectors, principal
from training.class_labels import class_labels
from training.data import (
    FOLDS,
    TEST_FOLD,
    Thing,
    cache_folder,
    image_labels,
    load_captions,
    load_class_photos,
    load_photos,
    read_pixels,
    weights_folder,
)
from training.metrics import mean_average_precision
from training.patch_figures import recalls
from training.stack import load_detector, load_heads
from training.trunks import load_trunk

COMPONENTS = 256
"""Whitened principal components of the cells that the head is trained on; folded into its weights afterwards."""

EPOCHS = 30
BATCH = 128
OBJECTS = 512
"""Labelled boxes in a batch."""

RATE, DECAY = 3e-3, 0.05
DROPPED, DROPPED_WORDS = 0.2, 0.1
SMOOTHING = 0.05
OTHER_SCALE = 0.3
"""Part of the photographs of a batch that are looked at at the smaller scale."""

CATEGORY_WEIGHT, REGION_WEIGHT, SCALE_WEIGHT = 0.5, 0.5, 0.2
RARITY = 20.0
"""What the mean over 80 categories is scaled by, since few are shown in one photograph."""

MOST_SCALE = 60.0
SEED = 0
TEXTS = 5
THINGS = 24


@dataclass(frozen=True, slots=True)
class Regions:
    """Of one photograph: mean cells f16 (2, n, 1280) of its patches and (2, m, 1280) of its labelled boxes, at the
    larger and the smaller scale, and the category of each box."""

    patches: Tensor
    things: Tensor
    categories: list[int]


def held_tower(held: int | None) -> OfflineTower:
    """The tower that ships but for the patch head, or one whose parts never saw a fold."""
    tower = OfflineTower(build_trunk(build_clip()))
    tower.trunk, tower.objects = load_trunk(held), load_trunk(held, "objects")
    tower.heads.kept, tower.heads.tuned = load_heads("kept", held), load_heads("objects", held)
    tower.detector = load_detector(held)
    return tower.eval().requires_grad_(False)


@dataclass(frozen=True, slots=True)
class Example:
    """A photograph with what is said of it. `texts`: captions, or the names of its ImageNet class (`named`); `shown` i8
    (80,), -1 where not labelled."""

    key: str
    path: Path
    fold: int
    things: tuple[Thing, ...]
    texts: list[str]
    named: bool
    shown: NDArray[np.int8]


def load_examples() -> list[Example]:
    """coco/ without the test fold, then photos-1k spread over the same folds."""
    photos = [photo for photo in load_photos("coco") if photo.fold != TEST_FOLD]
    captions, labels = load_captions(), image_labels(photos).astype(np.int8)
    found = []
    for photo, shown in zip(photos, labels, strict=True):
        things = tuple(thing for thing in photo.things if not thing.crowd)[:THINGS]
        found.append(Example(photo.key, photo.path, photo.fold, things, captions.get(photo.id, []), False, shown))
    for n, (one, shown) in enumerate(zip(load_class_photos(), class_labels(), strict=True)):
        names = list(dict.fromkeys((class_names()[one.index], *class_synonyms()[one.index])))
        found.append(Example(one.key, one.path, 1 + n % (FOLDS - 1), (), names, True, shown))
    return found


@torch.inference_mode()
def regions_of(tower: OfflineTower, example: Example) -> Regions:
    """Cells of one photograph, as at import; of photos-1k without proposals."""
    looks = tower.looks(read_pixels(example.path))
    proposals = torch.zeros(0, 4) if example.named else decode(tower.boxes(looks), PROPOSALS).boxes
    proposed = patch_boxes(proposals)
    labelled = torch.tensor([thing.box for thing in example.things]).reshape(-1, 4)
    cells = [box_means(look.cells, torch.cat([proposed, labelled])).half() for look in reversed(looks)]
    patches, objects = torch.stack(cells).tensor_split([len(proposed)], 1)
    return Regions(patches, objects, [thing.category for thing in example.things])


def load_regions(held: int | None, examples: Sequence[Example]) -> list[Regions]:
    """Of all photographs, computed once."""
    path = cache_folder() / f"regions-{held or 'none'}.pt"
    if not path.exists():
        tower = held_tower(held)
        found = {example.key: regions_of(tower, example) for example in examples}
        torch.save({key: (r.patches, r.things, r.categories) for key, r in found.items()}, path)
    saved = torch.load(path)
    return [Regions(*saved[example.key]) for example in examples]


@dataclass(frozen=True, slots=True)
class Lesson:
    """Photographs as tensors.

    `patches` f16 (2, n, 24, 1280) with `used` (n, 24); `things` f16 (2, m, 1280) with `categories` (m,); `shown` f32
    (n, 80); `captioned`: rows that have captions; `said` f32 (n, 5, 9, 384): MiniLM vectors of each caption and of its
    chunks, with `saying` (n, 5, 9); `names` f32 (80, 384): those of the categories.
    """

    patches: Tensor
    used: Tensor
    things: Tensor
    categories: Tensor
    shown: Tensor
    captioned: Tensor
    said: Tensor
    saying: Tensor
    names: Tensor

    @staticmethod
    def of(examples: Sequence[Example], regions: Sequence[Regions], texts: Texts) -> Lesson:
        patches = torch.zeros(2, len(examples), PATCHES, CELL_CHANNELS, dtype=torch.half)
        used = torch.zeros(len(examples), PATCHES, dtype=torch.bool)
        for n, r in enumerate(regions):
            patches[:, n, : r.patches.shape[1]], used[n, : r.patches.shape[1]] = r.patches, True
        said, saying = texts.said(examples)
        return Lesson(
            patches=patches,
            used=used,
            things=torch.cat([r.things for r in regions], 1),
            categories=torch.tensor([c for r in regions for c in r.categories]),
            shown=torch.from_numpy(np.stack([example.shown for example in examples])).float(),
            captioned=saying[:, 0, 0].nonzero()[:, 0],
            said=said,
            saying=saying,
            names=texts(CATEGORIES),
        )


class Texts:
    """MiniLM vectors of texts, kept in the cache folder."""

    def __init__(self, encode: SentenceEncoder) -> None:
        self._encode = encode
        self._path = cache_folder() / "chunks.pt"
        self._known: dict[str, Tensor] = torch.load(self._path) if self._path.exists() else {}

    def __call__(self, texts: Sequence[str]) -> Tensor:
        """(n, 384)."""
        new = sorted(set(texts) - self._known.keys(), key=len)
        for k in range(0, len(new), 64):
            self._known |= dict(zip(new[k : k + 64], self._encode(new[k : k + 64]), strict=True))
        if new:
            torch.save(self._known, self._path)
        return torch.stack([self._known[text] for text in texts])

    def said(self, examples: Sequence[Example]) -> tuple[Tensor, Tensor]:
        """Vectors (n, 5, 9, 384) of five texts a photograph, each whole and in chunks, and which are there."""
        vectors = torch.zeros(len(examples), TEXTS, 1 + MOST_CHUNKS, TEXT_DIM)
        there = torch.zeros(vectors.shape[:3], dtype=torch.bool)
        rows = {int(e.key.split("/")[1]): n for n, e in enumerate(examples) if e.texts and not e.named}
        if rows:
            vectors[list(rows.values()), :, 0] = caption_vectors(self._encode, list(rows))
        places, parts = [], []
        for n, example in enumerate(examples):
            there[n, :, 0] = bool(example.texts)
            for k in range(TEXTS if example.texts else 0):
                text = example.texts[k % len(example.texts)]
                found = list(enumerate(chunks(text), start=1)) if not example.named else [(0, text)]
                places += [(n, k, place) for place, _ in found]
                parts += [part for _, part in found]
        at = torch.tensor(places).T
        vectors[at[0], at[1], at[2]], there[at[0], at[1], at[2]] = self(parts), True
        return vectors, there


class Pupil(nn.Module):
    """The head in training: linear on whitened components of the cells, with the scales of its losses."""

    def __init__(self, cells: Tensor) -> None:
        super().__init__()
        self.components = Components(cells.shape[-1], COMPONENTS)
        principal(self.components, cells)
        self.cells = nn.Linear(COMPONENTS, PATCH_DIM)
        self.words = nn.Linear(TEXT_DIM, PATCH_DIM)
        self.scales = nn.Parameter(torch.full((4,), 2.5))
        self.rates = nn.Parameter(torch.full((len(CATEGORIES),), -6.0))

    def image(self, features: Tensor) -> Tensor:
        """From components (..., 256) to unit vectors (..., 64)."""
        return F.normalize(self.cells(F.dropout(features, DROPPED)), dim=-1)

    def text(self, vectors: Tensor) -> Tensor:
        """From MiniLM vectors (..., 384) to unit vectors (..., 64)."""
        return F.normalize(self.words(F.dropout(vectors, DROPPED_WORDS)), dim=-1)

    def scale(self, loss: int) -> Tensor:
        """What the cosines of a loss are multiplied by."""
        return self.scales[loss].exp().clamp(max=MOST_SCALE)

    @torch.no_grad()
    def head(self) -> PatchHead:
        """What ships: the components folded into the linear layer."""
        head = PatchHead()
        head.cells.weight.copy_(self.cells.weight @ self.components.axes)
        head.cells.bias.copy_(self.cells.bias - head.cells.weight @ self.components.mean)
        head.words.load_state_dict(self.words.state_dict())
        return head.eval()


def maxsim(queries: Tensor, asked: Tensor, patches: Tensor, used: Tensor) -> Tensor:
    """Mean over each query's vectors of the best patch's cosine: (n, q, 64), (n, q), (m, p, 64), (m, p) -> (n, m)."""
    best = torch.einsum("nqd,mpd->nqmp", queries, patches).masked_fill(~used, -2).amax(-1)
    return (best * asked[..., None]).sum(1) / asked.sum(1).clamp(min=1)[:, None]


def both_ways(scores: Tensor, smoothing: float = 0.0) -> Tensor:
    """Contrastive loss of a square matrix whose diagonal is right."""
    right = torch.arange(len(scores))
    losses = [F.cross_entropy(s, right, label_smoothing=smoothing) for s in (scores, scores.T)]
    return (losses[0] + losses[1]) / 2


def loss_of(pupil: Pupil, lesson: Lesson, features: Tensor, things: Tensor, rows: Tensor) -> Tensor:
    """All losses of a batch of captioned photographs. `features` (2, n, 24, 256), `things` (2, m, 256)."""
    other = torch.rand(len(rows)) < OTHER_SCALE
    patches, used = pupil.image(features[other.long(), rows]), lesson.used[rows]
    which = torch.randint(5, (len(rows),))
    asked = lesson.saying[rows, which]
    scores = maxsim(pupil.text(lesson.said[rows, which]), asked, patches, used)
    captions = both_ways(scores * pupil.scale(0), SMOOTHING)
    names = pupil.text(lesson.names)
    shown = maxsim(names[:, None], torch.ones(len(names), 1, dtype=torch.bool), patches, used).T
    wanted = lesson.shown[rows]
    logits, labelled = shown * pupil.scale(1) + pupil.rates, wanted >= 0
    labels = F.binary_cross_entropy_with_logits(logits[labelled], wanted[labelled]) * RARITY
    drawn = torch.randperm(things.shape[1])[:OBJECTS]
    seen, again = pupil.image(things[torch.randint(2, (len(drawn),)), drawn]), lesson.categories[drawn]
    regions = F.cross_entropy(seen @ names.T * pupil.scale(2), again, label_smoothing=SMOOTHING)
    near, far = pupil.image(things[0, drawn]), pupil.image(things[1, drawn])
    scales = both_ways(near @ far.T * pupil.scale(3))
    return captions + CATEGORY_WEIGHT * labels + REGION_WEIGHT * regions + SCALE_WEIGHT * scales


def train(lesson: Lesson, seed: int = SEED) -> PatchHead:
    torch.manual_seed(seed)
    cells = lesson.patches[0][lesson.used][::3].float()
    pupil = Pupil(torch.cat([cells, lesson.things[0, ::2].float()]))
    with torch.no_grad():
        features, things = pupil.components(lesson.patches.float()), pupil.components(lesson.things.float())
    optimizer = torch.optim.AdamW(pupil.parameters(), lr=RATE, weight_decay=DECAY)
    batches = len(lesson.captioned) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=EPOCHS * batches, pct_start=0.15)
    for epoch in range(EPOCHS):
        total = 0.0
        for picked in torch.split(torch.randperm(len(lesson.captioned)), BATCH)[:batches]:
            loss = loss_of(pupil, lesson, features, things, lesson.captioned[picked])
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1} loss {total / batches:.3f}", flush=True)
    return pupil.head()


@torch.inference_mode()
def check(head: PatchHead, lesson: Lesson) -> dict[str, float]:
    """Figures of photographs that the head never saw: captions and categories by patches alone."""
    patches = head(lesson.patches[0].float())
    rows = lesson.captioned
    scores = [
        maxsim(head.text(lesson.said[rows, k]), lesson.saying[rows, k], patches[rows], lesson.used[rows])
        for k in range(lesson.said.shape[1])
    ]
    names = head.text(lesson.names)[:, None]
    shown = maxsim(names, torch.ones(len(names), 1, dtype=torch.bool), patches, lesson.used).T
    found = recalls(torch.stack(scores).numpy())
    return found | {"map": mean_average_precision(shown.numpy(), lesson.shown.numpy() == 1)}


def main() -> None:
    held = None if sys.argv[1] == "none" else int(sys.argv[1])
    examples = load_examples()
    regions, texts = load_regions(held, examples), Texts(SentenceEncoder(build_clip(), build_tokenizer()))

    def lesson(check: bool, named: bool = True) -> Lesson:
        rows = [n for n, one in enumerate(examples) if (one.fold == held) is check and named >= one.named]
        return Lesson.of([examples[n] for n in rows], [regions[n] for n in rows], texts)

    head = train(lesson(False))
    if held is None:
        state = {k: (v.half() if v.dim() == 2 else v).contiguous() for k, v in head.state_dict().items()}
        save_file(state, weights_folder() / "patches.safetensors")
    else:
        print("coco", check(head, lesson(True, named=False)))
        print("with photos-1k", check(head, lesson(True)))


if __name__ == "__main__":
    main()
