"""How many wordings pass the check: `python -m benchmarks.wording [--verdicts 234] [--seed 7] [--at-once 4] [--all]`.

Random verdicts of every kind, by nouns that no example in prompts/reword.md has, are worded by the offline profile's
language model as agents/write.py asks it. Prints each that the check rejected (`--all`: every one), then, a set of
examples a line and together, how many passed and how many of those differ from the plain sentence; seconds a wording.
Half of the things are nouns alone; the others have a relation, an attribute, a number, or are joined by and / or.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import re
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from agents.kinds.base import Ruling
from agents.prompts import examples
from agents.write import CITED, frame, plain, reworded
from models.encoders.coco import CATEGORIES
from models.generators.vllm_server import VllmGenerator, smollm2_command
from models.protocols import Generator
from thresher.types import And, Expr, Kind, Message, Or, Plan, Predicate, Verdict

OTHER_NOUNS = (
    "accordion", "acorn", "anchor", "aquarium", "balloon", "barrel", "beach", "bridge", "bucket", "butterfly", "cactus",
    "camel", "candle", "castle", "child", "crab", "crane", "drum", "dragonfly", "elevator", "eyeglasses", "feather",
    "flag", "fox", "garden gnome", "goose", "guitar", "hammer", "hat", "helicopter", "iguana", "ink bottle",
    "jellyfish", "kangaroo", "ladder", "lighthouse", "lion", "mailbox", "microscope", "mushroom", "octopus", "owl",
    "pumpkin", "rocket", "saxophone", "scarf", "shoe", "snow", "statue", "submarine", "tower", "tractor", "violin",
    "waterfall", "wheelbarrow", "wind turbine", "woman", "x-ray machine", "yacht",
)  # fmt: skip
SHAPES = ("plain",) * 6 + ("relation",) * 2 + ("attribute", "two", "and", "or")
RELATIONS = ("on", "under", "next to", "in")
COUNTS = (1, 1, 2, 3, 4, 5, 7, 12, 38, 57, 140)
KINDS = ("count", "which", "exists", "one", "all", "any", "only", "compare", "objects")


def nouns() -> list[str]:
    """COCO's and others, less those of the examples."""
    shots = " ".join(said for pairs in examples("reword").values() for said, _ in pairs)
    return [noun for noun in (*CATEGORIES, *OTHER_NOUNS) if not re.search(rf"\b{noun}s?\b", shots)]


def thing(draw: random.Random, names: Sequence[str]) -> Expr:
    """Mostly a noun alone."""
    one, other = draw.sample(names, 2)
    match draw.choice(SHAPES):
        case "relation":
            return Predicate(one, relation=draw.choice(RELATIONS), object=other)
        case "attribute":
            return Predicate(one, attribute=draw.choice(("red", "small", "old")))
        case "two":
            return Predicate(one, min_count=2)
        case "and":
            return And((Predicate(one), Predicate(other)))
        case "or":
            return Or((Predicate(one), Predicate(other)))
        case _:
            return Predicate(one)


def case(kind: str, yes: bool, draw: random.Random) -> tuple[Plan, Ruling]:
    """A plan and a ruling of that kind and polarity, with as many images as it speaks of."""
    names = nouns()
    draw.shuffle(names)
    half = len(names) // 2
    target, other = thing(draw, names[:half]), thing(draw, names[half:])
    many = draw.choice(COUNTS)
    match kind:
        case "count" | "which":
            return ruled(Plan(Kind(kind), target), many * yes, many * yes)
        case "exists":
            return ruled(Plan(Kind.EXISTS, target), yes, many * yes)
        case "one":
            return ruled(Plan(Kind.EXISTS, target, other), yes, 1)
        case "only":
            return ruled(Plan(draw.choice((Kind.ALL, Kind.ANY)), target, other), yes, 1, (1, int(yes)))
        case "all":
            total = many + 1
            lacking = draw.randint(1, total)
            counts = (total, total if yes else total - lacking)
            return ruled(Plan(Kind.ALL, target, other), yes, total if yes else lacking, counts)
        case "any":
            having = draw.randint(1, many + 1)
            return ruled(Plan(Kind.ANY, target, other), yes, having if yes else many + 1, (many + 1, having * yes))
        case "compare":
            low, high = sorted(draw.sample(range(60), 2))
            more = draw.random() < 0.5
            counts = (high, low) if more == yes else (low, high)
            plan = Plan(Kind.COMPARE, target, None, other, "more" if more else "fewer")
            return ruled(plan, yes, sum(counts), counts)
        case _:
            objects = Predicate(draw.choice(names))
            return ruled(
                Plan(Kind.COUNT_OBJECTS, objects), (many + draw.randint(0, 9)) * yes, many * yes, (many * yes,)
            )


def ruled(plan: Plan, value: bool | int, images: int, counts: tuple[int, ...] = ()) -> tuple[Plan, Ruling]:
    return plan, Ruling(Verdict(plan.kind, value, tuple(f"{i:064x}" for i in range(images))), counts)


class Listening:
    """A generator that keeps what was said."""

    def __init__(self, model: Generator) -> None:
        self._model = model
        self.spec = model.spec
        self.choose, self.json = model.choose, model.json
        self.said = ""

    async def stream(self, messages: Sequence[Message], max_tokens: int = 120) -> AsyncIterator[str]:
        async for piece in self._model.stream(messages, max_tokens):
            self.said += piece
            yield piece


@dataclass
class Tally:
    asked: int = 0
    passed: int = 0
    differ: int = 0
    by_rule: int = 0

    def __str__(self) -> str:
        share = f"{self.passed / self.asked:4.0%}" if self.asked else "   -"
        return f"{self.passed:4} of {self.asked:3} passed {share}, {self.differ:3} differ, {self.by_rule:3} by rule"


async def measure(model: Generator, arguments: argparse.Namespace) -> None:
    draw = random.Random(arguments.seed)
    cases = [case(KINDS[i % len(KINDS)], i // len(KINDS) % 2 == 0, draw) for i in range(arguments.verdicts)]
    tallies: defaultdict[str, Tally] = defaultdict(Tally)
    seconds: list[float] = []
    places = asyncio.Semaphore(arguments.at_once)

    async def one(plan: Plan, ruling: Ruling) -> None:
        names = [f"photos/{i:06}.jpg" for i, _ in enumerate(ruling.verdict.images[:CITED])]
        said = plain(plan, ruling, names)
        async with places:
            listening, began = Listening(model), time.perf_counter()
            text, problems = await reworded(plan, ruling, names, listening)
        bare = all(
            expr is None or expr == Predicate(getattr(expr, "noun", ""))
            for expr in (plan.target, plan.condition, plan.compare_with)
        )
        for name in (frame(plan, ruling), "= nouns alone" if bare else "= involved things", "= all"):
            tallies[name].by_rule += not text and not problems
            tallies[name].asked += bool(text or problems)
            tallies[name].passed += bool(text)
            tallies[name].differ += bool(text) and text != said
        if text or problems:
            seconds.append(time.perf_counter() - began)
        if problems or (text and arguments.all):
            print(f"{'rejected' if problems else 'passed'}: {said}\n    -> {listening.said!r}", *problems, flush=True)

    await asyncio.gather(*(one(plan, ruling) for plan, ruling in cases))
    for name, tally in sorted(tallies.items(), key=lambda pair: (pair[0][0] == "=", pair[0])):
        print(f"{name:18}{tally}")
    median, load = statistics.median(seconds), os.getloadavg()[0]
    print(
        f"seconds each, {arguments.at_once} at once: median {median:.2f}, longest {max(seconds):.2f}; load {load:.1f}"
    )


async def run(arguments: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        model = VllmGenerator(smollm2_command(), Path(folder) / "vllm.log")
        await model.start()
        try:
            await model.wait_ready(VllmGenerator.START_SECONDS)
            await measure(model, arguments)
        finally:
            await model.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--verdicts", type=int, default=234, help="those that are said by rule among them")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--at-once", type=int, default=4)
    parser.add_argument("--all", action="store_true", help="print every wording")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
