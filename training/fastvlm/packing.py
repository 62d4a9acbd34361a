"""Many yes/no questions about one photograph in one sequence, as FastVLM's language model reads them.

Each question sees the words before the image, the image, and itself; its positions go on from the image, so it is
answered as if it stood alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from agents.prompts import prompt
from models.encoders.coco import CATEGORIES
from models.generators.fastvlm import CELLS, IMAGE_TOKEN

PLURAL_ONLY = ("skis", "scissors")


def noun(category: int) -> str:
    """With its article, as agents.words says it."""
    name = CATEGORIES[category]
    if name in PLURAL_ONLY:
        return name
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"


@dataclass(frozen=True, slots=True)
class Tokens:
    """Ids before the image, ids of each category's question after it, and of the two answers."""

    before: list[int]
    questions: list[list[int]]
    yes: int
    no: int


def tokens(processor: Any) -> Tokens:
    """By the served chat template and the prompt with which agents.look asks."""
    tokenizer = processor.tokenizer

    def ids(text: str) -> list[int]:
        found: list[int] = tokenizer(text, add_special_tokens=False).input_ids
        return found

    before, questions = "", []
    for category in range(len(CATEGORIES)):
        chat = [
            {"role": m.role, "content": [{"type": "text", "text": m.text}, *({"type": "image"} for _ in m.images)]}
            for m in prompt("look", images=[b""], what=noun(category))
        ]
        text: str = tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=False)
        before, _, after = text.partition(IMAGE_TOKEN)
        questions.append(ids(after))
    return Tokens(ids(before), questions, ids("Yes")[0], ids("No")[0])


def margins(language: Any, words: Tokens, images: Tensor, asked: Sequence[Sequence[int]]) -> Tensor:
    """logit Yes - logit No of every question, f32, photographs in order.

    `language`: transformers' LlamaModel, as it is or cut to its first layers. `images` (n, 49, 576): the connector's
    output. `asked[i]`: categories asked about photograph i.
    """
    embed = language.get_input_embeddings().weight
    start = len(words.before) + CELLS
    length = start + max(sum(len(words.questions[c]) for c in categories) for categories in asked)
    ids = torch.zeros(len(asked), length - start, dtype=torch.long)
    positions = torch.zeros(len(asked), length, dtype=torch.long)
    positions[:, :start] = torch.arange(start)
    block = torch.full((len(asked), length), -1)  # 0: seen by all; -1: padding
    block[:, :start] = 0
    rows, ends = [], []
    for row, categories in enumerate(asked):
        at = start
        for number, category in enumerate(categories):
            question = words.questions[category]
            part = slice(at, at + len(question))
            ids[row, at - start : part.stop - start] = torch.tensor(question)
            positions[row, part] = torch.arange(start, start + len(question))
            block[row, part] = number + 1
            at = part.stop
            rows.append(row)
            ends.append(at - 1)
    sees = (block[:, :, None] == block[:, None, :]) | (block[:, None, :] == 0)
    sees &= torch.ones(length, length, dtype=torch.bool).tril()
    before = F.embedding(torch.tensor(words.before), embed).expand(len(asked), -1, -1)
    inputs = torch.cat([before, images.to(embed.dtype), F.embedding(ids, embed)], 1)
    with torch.autocast("cpu", torch.bfloat16):
        hidden = language(
            inputs_embeds=inputs, attention_mask=sees[:, None], position_ids=positions, use_cache=False
        ).last_hidden_state
    return F.linear(hidden[rows, ends].float(), (embed[words.yes] - embed[words.no])[None])[:, 0]
