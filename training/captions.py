"""Train the caption projection (contrastive) and write the concepts' text vectors.

    python -m training.captions

Inputs of the image side are the stacked logits and the log-probabilities of the 1,000 classes; the logits of
training photographs are out-of-fold ones, as they will be for new photographs. Writes captions.safetensors,
vocabulary.safetensors.
"""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from models.encoders.captions import CAPTION_DIM, HIDDEN, INPUTS, CaptionHead
from models.encoders.clip import build_clip, build_tokenizer
from models.encoders.coco import CATEGORIES
from models.encoders.heads import CLASS_SCORES
from models.encoders.phrases import concept_names
from models.encoders.text import SentenceEncoder, Vocabulary, prompt
from training.data import cache_folder, load_captions, weights_folder

EPOCHS = 40
BATCH = 512
RATE = 1e-3
DECAY = 0.1
SMOOTHING = 0.05
PAIR_SHARE = 0.3
"""Part of the batches that use the mean of two captions of each photograph."""

CLASS_BLOCK = 1000
SEED = 1


class Projection(nn.Module):
    """`CaptionHead` in training: dropout, standardised inputs scaled by block."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(INPUTS, CAPTION_DIM)
        self.hidden = nn.Linear(INPUTS, HIDDEN)
        self.out = nn.Linear(HIDDEN, CAPTION_DIM)
        self.words = nn.Linear(CAPTION_DIM, CAPTION_DIM)
        self.log_scale = nn.Parameter(torch.tensor(3.0))
        nn.init.eye_(self.words.weight)
        nn.init.zeros_(self.words.bias)

    def image(self, x: Tensor) -> Tensor:
        x = F.dropout(x, 0.2, self.training)
        hidden = F.dropout(F.gelu(self.hidden(x)), 0.4, self.training)
        return F.normalize(self.linear(x) + self.out(hidden), dim=-1)

    def text(self, x: Tensor) -> Tensor:
        return F.normalize(self.words(x), dim=-1)


def standardisation(inputs: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation of each input; a block's inputs are scaled down by the root of its width, times 8."""
    sizes = [len(CATEGORIES), CLASS_SCORES * CLASS_BLOCK]
    deviations = []
    for block in torch.split(inputs, sizes, 1):
        deviations.append((block.std(0) + 0.05 * block.std()) * math.sqrt(block.shape[1]) / 8)
    return inputs.mean(0), torch.cat(deviations)


def train(inputs: Tensor, captions: Tensor) -> CaptionHead:
    """From (photographs, 4080) inputs and (photographs, 5, 384) caption vectors."""
    torch.manual_seed(SEED)
    mean, deviation = standardisation(inputs)
    x = (inputs - mean) / deviation
    model = Projection()
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=DECAY)
    steps = EPOCHS * math.ceil(len(x) / BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2 * RATE, total_steps=steps)
    model.train()
    for _ in range(EPOCHS):
        for rows in torch.split(torch.randperm(len(x)), BATCH):
            said = captions[rows, torch.randint(5, (len(rows),))]
            if torch.rand(()) < PAIR_SHARE:
                said = F.normalize(said + captions[rows, torch.randint(5, (len(rows),))], dim=-1)
            scores = model.image(x[rows]) @ model.text(said).T * model.log_scale.exp().clamp(max=60)
            right = torch.arange(len(rows))
            loss = F.cross_entropy(scores, right, label_smoothing=SMOOTHING)
            loss = loss + F.cross_entropy(scores.T, right, label_smoothing=SMOOTHING)
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
            schedule.step()
    head = CaptionHead()
    trained = {k: v for k, v in model.state_dict().items() if k != "log_scale"}
    head.load_state_dict({**trained, "mean": mean, "deviation": deviation})
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


def main() -> None:
    encode = SentenceEncoder(build_clip(), build_tokenizer())
    embeddings = torch.cat([encode([prompt(name) for name in concept_names()[k : k + 40]]) for k in range(0, 1080, 40)])
    vocabulary = Vocabulary.of(embeddings)
    save_file(
        {"vectors": vocabulary.vectors.half(), "mean": vocabulary.mean.half()},
        weights_folder() / "vocabulary.safetensors",
    )
    saved = torch.load(cache_folder() / "caption-inputs.pt")
    ids, folds, inputs = saved["ids"], saved["folds"], saved["inputs"]
    written = load_captions()
    rows = [n for n, i in enumerate(ids) if i in written]
    captions = caption_vectors(encode, [ids[n] for n in rows])
    inputs, fold = inputs[rows], np.array(folds)[rows]
    check = torch.from_numpy(fold == 4)
    print(
        "fold 4, trained on the others", recall(train(inputs[~check], captions[~check]), inputs[check], captions[check])
    )
    head = train(inputs, captions)
    save_file(
        {k: v.half().contiguous() for k, v in head.state_dict().items()}, weights_folder() / "captions.safetensors"
    )


if __name__ == "__main__":
    main()
