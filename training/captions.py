"""Train the caption projection (contrastive) and write the concepts' text vectors.

    python -m training.captions

Inputs of the image side are the stacked logits, the log-probabilities of the 1,000 classes and the pooled cells of both
tails; the logits of training photographs are out-of-fold ones, as they will be for new photographs. Writes
captions.safetensors, vocabulary.safetensors.
"""

from __future__ import annotations

import math
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from models.encoders.captions import CAPTION_DIM, MEMBERS, WIDTHS, CaptionHead, Components, ImageMember
from models.encoders.clip import build_clip, build_tokenizer
from models.encoders.phrases import concept_names
from models.encoders.text import SentenceEncoder, Vocabulary, prompt
from training.data import cache_folder, load_captions, weights_folder
from training.trunks import HELD_FOLD

EPOCHS = 40
BATCH = 1024
RATE = 1e-3
DECAY = 0.5
DROPPED, DROPPED_HIDDEN = 0.3, 0.5
SMOOTHING = 0.05
PAIR_SHARE = 0.3
"""Part of the batches that use the mean of two captions of each photograph."""

SHRINK = 0.3
"""What is added to the deviation of each component, in units of the mean one."""

SCALE = 3.0
"""Of the features, so that the learning rate fits."""


class Member(ImageMember):
    """One image projection in training."""

    def forward(self, features: Tensor) -> Tensor:
        x = F.dropout(features, DROPPED)
        hidden = F.dropout(F.gelu(self.hidden(x)), DROPPED_HIDDEN)
        return F.normalize(self.linear(x) + self.out(hidden), dim=-1)


def scaled(part: Components, inputs: Tensor) -> None:
    """Make a part's features its inputs over their deviation, divided by the root of their number."""
    spread = inputs.std(0)
    part.mean.copy_(inputs.mean(0))
    part.axes.copy_(torch.diag(SCALE / math.sqrt(len(spread)) / (spread + 0.05 * spread.mean())))


def principal(part: Components, inputs: Tensor) -> None:
    """Make a part's features the whitened principal components of its inputs, divided by the root of their number."""
    part.mean.copy_(inputs.mean(0))
    count = len(part.axes)
    _, singular, axes = torch.linalg.svd(inputs - part.mean, full_matrices=False)
    deviation = singular[:count] / math.sqrt(len(inputs))
    whitened = axes[:count] / (deviation + SHRINK * deviation.mean())[:, None]
    part.axes.copy_(whitened * SCALE / math.sqrt(count))


def train_member(features: Tensor, captions: Tensor, words: nn.Linear, seed: int) -> Member:
    """Contrastive training of one image projection, and of `words` unless it is fixed."""
    torch.manual_seed(seed)
    member, log_scale = Member(), torch.tensor(3.0, requires_grad=True)
    trained = [p for p in (*member.parameters(), *words.parameters(), log_scale) if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=RATE, weight_decay=DECAY)
    steps = EPOCHS * math.ceil(len(features) / BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2 * RATE, total_steps=steps)
    for _ in range(EPOCHS):
        for rows in torch.split(torch.randperm(len(features)), BATCH):
            said = captions[rows, torch.randint(5, (len(rows),))]
            if torch.rand(()) < PAIR_SHARE:
                said = F.normalize(said + captions[rows, torch.randint(5, (len(rows),))], dim=-1)
            texts = F.normalize(words(said), dim=-1)
            scores = member(features[rows]) @ texts.T * log_scale.exp().clamp(max=60)
            right = torch.arange(len(rows))
            loss = F.cross_entropy(scores, right, label_smoothing=SMOOTHING)
            loss = loss + F.cross_entropy(scores.T, right, label_smoothing=SMOOTHING)
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
            schedule.step()
    return member


def train(inputs: Tensor, captions: Tensor) -> CaptionHead:
    """From (photographs, 14320) inputs and (photographs, 5, 384) caption vectors. The first member trains the text
    side, which the others are trained towards."""
    head = CaptionHead()
    nn.init.eye_(head.words.weight)
    nn.init.zeros_(head.words.bias)
    parts = [part for part in head.parts if isinstance(part, Components)]
    logits, *others = zip(parts, torch.split(inputs, WIDTHS, -1), strict=True)
    scaled(*logits)
    for part, x in others:
        principal(part, x)
    features = head.features(inputs)
    for n in range(MEMBERS):
        member = train_member(features, captions, head.words, seed=1 + n)
        head.words.requires_grad_(False)
        head.members[n].load_state_dict(member.state_dict())
    return head.eval()


def recall(head: CaptionHead, inputs: Tensor, captions: Tensor) -> list[float]:
    """R@1, R@5, R@10 of each caption's own photograph among all."""
    with torch.inference_mode():
        images = head.image(inputs)
        ranks = []
        for n in range(captions.shape[1]):
            scores = head.text(captions[:, n]) @ images.T
            ranks.append((scores > scores.diag()[:, None]).sum(1))
    rank = torch.stack(ranks)
    return [float((rank < k).float().mean()) for k in (1, 5, 10)]


def caption_vectors(encode: SentenceEncoder, ids: list[int]) -> Tensor:
    """MiniLM vectors of five captions a photograph, (photographs, 5, 384)."""
    path = cache_folder() / "captions.pt"
    written = load_captions()
    if not path.exists():
        texts = [texts[k % len(texts)] for texts in written.values() for k in range(5)]
        vectors = torch.cat([encode(texts[k : k + 80]) for k in range(0, len(texts), 80)])
        torch.save(dict(zip(written, vectors.reshape(-1, 5, CAPTION_DIM), strict=True)), path)
    known: dict[int, Tensor] = torch.load(path)
    return torch.stack([known[i] for i in ids])


def caption_inputs_path(held: int | None) -> Path:
    """Where `training.stack` keeps the inputs, by tails that were tuned without a fold."""
    return cache_folder() / f"caption-inputs-{held or 'none'}.pt"


def load_pairs(encode: SentenceEncoder, held: int | None) -> tuple[Tensor, Tensor, Tensor]:
    """Of the photographs with captions: inputs, caption vectors (photographs, 5, 384) and folds."""
    saved = torch.load(caption_inputs_path(held))
    written = load_captions()
    rows = [n for n, i in enumerate(saved["ids"]) if i in written]
    captions = caption_vectors(encode, [saved["ids"][n] for n in rows])
    return saved["inputs"][rows].float(), captions, torch.tensor(saved["folds"])[rows]


def main() -> None:
    encode = SentenceEncoder(build_clip(), build_tokenizer())
    embeddings = torch.cat([encode([prompt(name) for name in concept_names()[k : k + 40]]) for k in range(0, 1080, 40)])
    vocabulary = Vocabulary.of(embeddings)
    save_file(
        {"vectors": vocabulary.vectors.half(), "mean": vocabulary.mean.half()},
        weights_folder() / "vocabulary.safetensors",
    )
    inputs, captions, fold = load_pairs(encode, HELD_FOLD)
    check = fold == HELD_FOLD
    head = train(inputs[~check], captions[~check])
    print("fold 4, by tails and a head without it", recall(head, inputs[check], captions[check]))
    inputs, captions, _ = load_pairs(encode, None)
    head = train(inputs, captions)
    save_file(
        {k: v.half().contiguous() for k, v in head.state_dict().items()}, weights_folder() / "captions.safetensors"
    )


if __name__ == "__main__":
    main()
