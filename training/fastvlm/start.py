"""Where FastVLM's training starts: models/offline/fastvlm.safetensors with nothing learnt by gradients but a probe.

    python -m training.fastvlm.start

1. A linear layer from the trunk's cells to the categories is fitted (half a CPU minute).
2. The connector's first layer is that layer, its second says the category's word where its unit is open.
3. A head of the language model's first layer looks from a noun for cells that say the same word, and one of the second
   layer carries what it found from the noun to the place of the answer.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from agents.prompts import examples
from models.encoders.coco import CATEGORIES
from models.generators import smollm2
from models.generators.fastvlm import CELLS, assemble
from training.fastvlm.data import Seen, balanced_questions, load_parts, trained_path
from training.fastvlm.packing import Tokens, margins, tokens
from training.metrics import area_under_curve

COUNT = len(CATEGORIES)
PROBE_STEPS = 400
GROUPS = (1, 2)
"""Groups of heads of the first and the second layer that give way. Without them the loss on a text rises from 1.074 to
1.081 and by nothing (without other groups of theirs: by .04 to 2.6)."""
SLOW = 14
"""First rotary pair of a head that turns by less than a third of a radian over fifty positions."""
WHITEN = 0.5
"""Power of the spread by which the directions that tell words apart are evened out."""
MATCH, OFF_ITSELF, LOUDNESS = 12.0, 11.0, 12.0
BACK_TO_NOUN = 7
"""Tokens from the answer's place to the noun: ?, the end of the turn (2), the assistant's beginning (4)."""
AT_NOUN, YES, EITHER = 21.0, 14.0, 60.0
SURPLUS, LOUD = 5, 5.0


def fit_probe(photographs: Sequence[Seen], steps: int, seed: int = 0) -> nn.Linear:
    """1280 -> 80 logits of a cell; cell labels where there are any, and the best cell as the photograph's label."""
    torch.manual_seed(seed)
    choose = random.Random(seed)
    some = torch.stack([seen.map for seen in photographs[::8]]).float()
    mean, deviation = some.mean((0, 1)), some.std((0, 1)) + 0.05
    labels = torch.stack([seen.cells().T for seen in photographs])
    linear = nn.Linear(1280, COUNT)
    nn.init.zeros_(linear.weight)
    nn.init.constant_(linear.bias, -4.0)
    optimizer = torch.optim.AdamW(linear.parameters(), lr=2e-3, weight_decay=0.05)
    begin = time.monotonic()
    for step in range(steps):
        rows = choose.sample(range(len(photographs)), 48)
        x = (torch.stack([photographs[n].map for n in rows]).float() - mean) / deviation
        y = labels[rows].float()
        logits = linear(F.dropout(x, 0.2))
        cells = F.binary_cross_entropy_with_logits(logits, y.clamp(min=0), reduction="none") * (y >= 0)
        shown = torch.zeros(len(rows), COUNT)
        for row, n in zip(shown, rows, strict=True):
            row[photographs[n].shown] = 1
        whole = F.binary_cross_entropy_with_logits(logits.amax(1), shown, reduction="sum")
        loss = cells.sum() / len(rows) / 20 + whole / len(rows) / 3
        for group in optimizer.param_groups:
            group["lr"] = 2e-3 * max(0.05, 1 - step / steps)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if step % 100 == 0:
            print(f"probe {step}: {loss.item():.3f}, {time.monotonic() - begin:.0f} s", flush=True)
    with torch.no_grad():
        linear.bias.sub_((linear.weight * (mean / deviation)).sum(1))
        linear.weight.div_(deviation)
    return linear.requires_grad_(False)


def best_logits(probe: nn.Linear, photographs: Sequence[Seen]) -> Tensor:
    """Of each category its best cell, (n, 80)."""
    with torch.no_grad():
        return torch.stack([probe(seen.map.float()).amax(0) for seen in photographs])


def openings(best: Tensor, photographs: Sequence[Seen]) -> tuple[Tensor, Tensor]:
    """(logit from which a category's unit opens, gain behind it), each (80,).

    It opens on `SURPLUS` times as many photographs as show the category, however rare that is, and the median one of
    those that show it comes out as `LOUD`.
    """
    opens, gains = torch.zeros(COUNT), torch.zeros(COUNT)
    for category in range(COUNT):
        shown = torch.tensor([category in seen.photo.categories for seen in photographs])
        ranked = best[:, category].sort(descending=True).values
        opens[category] = ranked[min(SURPLUS * int(shown.sum()), len(ranked) // 2)]
        gains[category] = LOUD / (best[shown, category].median() - opens[category]).clamp(min=1)
    return opens, gains


def start_connector(
    connector: Any, probe: nn.Linear, opens: Tensor, gains: Tensor, embed: Tensor, tokenizer: Any
) -> None:
    """First layer: one unit a category, the rest small noise; second: the category's word where its unit is open."""
    scale = float(embed.pow(2).mean().sqrt())
    with torch.no_grad():
        nn.init.normal_(connector.linear_1.weight, std=0.01)
        connector.linear_1.bias.zero_()
        connector.linear_1.weight[:COUNT] = probe.weight * gains[:, None]
        connector.linear_1.bias[:COUNT] = (probe.bias - opens) * gains
        nn.init.normal_(connector.linear_2.weight, std=0.1 * scale)
        connector.linear_2.bias.copy_(embed.mean(0))
        for category, name in enumerate(CATEGORIES):
            connector.linear_2.weight[:, category] = _word(embed, tokenizer, name) / 2


def _word(embed: Tensor, tokenizer: Any, name: str) -> Tensor:
    return embed[tokenizer(" " + name, add_special_tokens=False).input_ids].mean(0)


def told(connector: Any, cells: Tensor) -> Tensor:
    """What the connector says of labelled cells, i8 (n, 80, 49), if its first layer knew them: (n, 49, 576)."""
    hidden = torch.zeros(len(cells), CELLS, connector.linear_1.out_features)
    hidden[:, :, :COUNT] = LOUD * cells.transpose(1, 2).clamp(min=0).float()
    said: Tensor = connector.linear_2(hidden)
    return said


class Heads:
    """One group of heads of one layer, set by hand: the first looks, the second takes a mean, the rest is silent."""

    def __init__(self, language: Any, layer: int, group: int) -> None:
        config, attention = language.config, language.layers[layer].self_attn
        self.size = config.head_dim
        width = self.size * (config.num_attention_heads // config.num_key_value_heads)
        all_heads = slice(group * width, (group + 1) * width)
        shared = slice(group * self.size, (group + 1) * self.size)
        queries = attention.q_proj.weight.detach()[all_heads]
        self.key = attention.k_proj.weight.detach()[shared]
        self.value = attention.v_proj.weight.detach()[shared]
        self.out = attention.o_proj.weight.detach()[:, all_heads]
        for weight in (queries, self.key, self.value, self.out):
            weight.zero_()
        self.query = queries[: self.size]
        self.turns = config.rope_parameters["rope_theta"] ** (-torch.arange(self.size // 2) / (self.size // 2))

    def carries(self, read: Tensor, write: Tensor, write_mean: Tensor | float = 0.0) -> None:
        """The attended token's component along `read` is written along `write`, its mean over all tokens so far along
        `write_mean`."""
        self.value[0] = read
        self.out[:, 0] = write
        self.out[:, self.size] = write_mean

    def prefers_distance(self, distance: int, constant: Tensor, strength: float) -> None:
        """Adds `strength` to the score of the token that far back (less to its neighbours, next to nothing far off), by
        the pairs that turn fast. `constant` is a direction along which every token has 1."""
        scale = (abs(strength) * self.size**0.5 / SLOW) ** 0.5
        for pair in range(SLOW):
            turn = distance * self.turns[pair]
            self.query[pair] = scale * math.copysign(1, strength) * torch.cos(turn) * constant
            self.query[pair + self.size // 2] = -scale * math.copysign(1, strength) * torch.sin(turn) * constant
            self.key[pair] = scale * constant


def along_which_all_have_one(states: Tensor) -> Tensor:
    """Ridge solution c of states @ c = 1; states (n, width)."""
    penalty = 0.03 * states.pow(2).mean() * len(states) * torch.eye(states.shape[1])
    found: Tensor = torch.linalg.solve(states.T @ states + penalty, states.T @ torch.ones(len(states)))
    return found


def quietest(language: Any, tokenizer: Any) -> Tensor:
    """The direction in which the states behind the first layer are smallest, over a text of some thousand tokens."""
    text = "\n".join(said for pairs in examples("reword").values() for pair in pairs for said in pair)
    ids = torch.tensor([tokenizer(text, add_special_tokens=False).input_ids])
    layers, language.layers, norm, language.norm = language.layers, language.layers[:1], language.norm, nn.Identity()
    states = language(input_ids=ids, use_cache=False).last_hidden_state[0].float()
    language.layers, language.norm = layers, norm
    smallest: Tensor = torch.linalg.eigh(states.T @ states).eigenvectors[:, 0]
    return smallest


@torch.no_grad()
def start_matching(language: Any, words: Tokens, connector: Any, tokenizer: Any) -> Tensor:
    """Let one head of the first layer look from a noun for the cells of the image that were told to be that noun.

    Queries and keys of the head project on the directions that tell the categories' words apart, on the rotary pairs
    that hardly turn over the length of a prompt. A noun would find itself best: the fast pairs hold it off itself. The
    value says "an image's token" (a direction that no word of the vocabulary uses, in the connector's bias); its mean
    lifts Yes and No over all other words, since an answer must be among the likeliest twenty. Returns the direction
    along which it is written into the noun's state, in which texts leave nothing behind that layer.
    """
    layer, width = language.layers[0], language.config.hidden_size
    embed = language.get_input_embeddings().weight.detach().float()
    norm = layer.input_layernorm.weight.detach().float()
    nouns = torch.stack([_word(embed, tokenizer, name) for name in CATEGORIES])
    _, _, spare = torch.linalg.svd(embed.T @ embed)
    image = spare[-1]
    match = quietest(language, tokenizer)
    length = embed.norm(dim=1).mean()
    connector.linear_2.bias += image * length / 2
    seen = F.normalize(nouns, dim=1) * width**0.5 * norm
    common = torch.stack([seen.mean(0), embed.mean(0) * norm, image * norm])
    told_apart = seen - seen @ torch.linalg.pinv(common) @ common
    _, spread, basis = torch.linalg.svd(told_apart - told_apart.mean(0), full_matrices=False)
    heads = Heads(language, 0, GROUPS[0])
    slow = torch.tensor([j for half in (0, heads.size // 2) for j in range(half + SLOW, half + heads.size // 2)])
    project = basis[: len(slow)] / spread[: len(slow), None] ** WHITEN
    project -= project @ torch.linalg.pinv(common) @ common
    own = (seen @ project.T).pow(2).sum(1).mean() / heads.size**0.5
    ends = torch.stack([embed[tokenizer(" " + name, add_special_tokens=False).input_ids[-1]] for name in CATEGORIES])
    heads.prefers_distance(0, along_which_all_have_one(layer.input_layernorm(ends)), -OFF_ITSELF)
    heads.query[slow] = heads.key[slow] = project * (MATCH / own).sqrt()
    either = (embed[words.yes] + embed[words.no]) / 2 - embed.mean(0)
    lift = F.normalize(language.norm.weight.detach().float() * either, dim=0) * EITHER
    heads.carries(image / norm / width**0.5, match * length * LOUDNESS, lift)
    return match


@torch.no_grad()
def start_answering(language: Any, words: Tokens, match: Tensor, maps: Tensor, connector: Any) -> None:
    """Let one head of the second layer carry `match` from the noun to the answer's place, as Yes over No where there is
    more of it than usual."""
    norm = language.layers[1].input_layernorm
    states = norm(after_first_layer(language, words, connector(maps.float()))).float()
    constant = along_which_all_have_one(states)
    read = match / norm.weight.detach()
    nouns = states.unflatten(0, (-1, BACK_TO_NOUN + 2))[:, 1]
    heads = Heads(language, 1, GROUPS[1])
    heads.prefers_distance(BACK_TO_NOUN, constant, AT_NOUN)
    embed = language.get_input_embeddings().weight.detach().float()
    yes, no, gain = embed[words.yes], embed[words.no], language.norm.weight.detach().float()
    heads.carries(read - (nouns @ read).median() * constant, F.normalize(gain * (yes - no), dim=0) * YES)


def after_first_layer(language: Any, words: Tokens, images: Tensor) -> Tensor:
    """States of each question's end, from its noun on, about some photographs: (n, 576)."""
    kept: list[Tensor] = []
    hook = language.layers[0].register_forward_hook(lambda _, __, out: kept.append(out))
    layers, language.layers = language.layers, language.layers[:1]
    margins(language, words, images, [range(0, len(CATEGORIES), 8)] * len(images))
    language.layers = layers
    hook.remove()
    ends = torch.tensor([len(words.questions[c]) for c in range(0, len(CATEGORIES), 8)]).cumsum(0)
    start = len(words.before) + CELLS
    rows = torch.cat([torch.arange(end - BACK_TO_NOUN - 2, end) for end in ends]) + start
    return kept[0][:, rows].flatten(0, 1).float()


def main() -> None:
    torch.set_num_threads(1)
    parts = load_parts()
    probe = fit_probe(parts.train, PROBE_STEPS)
    questions = balanced_questions(parts.choose, 2, seed=5)
    best = best_logits(probe, parts.choose).numpy()
    scores, shown = np.array([best[n, c] for n, c, _ in questions]), np.array([shown for *_, shown in questions])
    print(f"probe: AUC {area_under_curve(scores, shown):.3f} on {len(questions)} questions", flush=True)
    model, processor = assemble(smollm2.model_folder())
    model.requires_grad_(False)
    language, connector = model.model.language_model, model.model.multi_modal_projector
    opens, gains = openings(best_logits(probe, parts.train), parts.train)
    embed = language.get_input_embeddings().weight
    start_connector(connector, probe, opens, gains, embed, processor.tokenizer)
    words = tokens(processor)
    match = start_matching(language, words, connector, processor.tokenizer)
    some = torch.stack([seen.map for seen in parts.train[:12]])
    start_answering(language, words, match, some, connector)
    save_file(
        {name: p.bfloat16().contiguous() for name, p in model.named_parameters() if is_trained(name)}, trained_path()
    )


def is_trained(name: str) -> bool:
    return "multi_modal_projector" in name or any(f"language_model.layers.{n}.self_attn" in name for n in (0, 1))


if __name__ == "__main__":
    main()
