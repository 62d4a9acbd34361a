"""How many wordings pass the check: `python -m benchmarks.wording [--verdicts 234] [--seed 7] [--all]`.

Random verdicts of every kind, by nouns that no example in prompts/reword.md has, are worded by the offline profile's
language model as agents/write.py asks it. Prints each that the check rejected (`--all`: every one), then a table:
a set of examples a line, how many passed, how many of those differ from the plain sentence; and seconds a wording.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import re
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from agents.kinds.base import Ruling
from agents.prompts import examples
from agents.write import frame, plain, reworded
from models.encoders.coco import CATEGORIES
from models.generators.vllm_server import VllmGenerator, smollm2_command
from models.protocols import Generator
from thresher.types import And, Expr, Kind, Message, Or, Plan, Predicate, Verdict

OTHER_NOUNS = (
    "accordion", "acorn", "anchor", "aquarium", "balloon", "barrel", "beach", "bridge", "bucket", "butterfly", "cactus",
    "camel", "candle", "castle", "child", "crab", "crane", "drum", "dragonfly", "elevator", "eyeglasses", "feather",
    "flag", "fox", "garden gnome", "goose", "guitar", "hammer", "hat", "helicopter", "iguana", "ink bottle", "jellyfish",
    "kangaroo", "ladder", "lighthouse", "lion", "mailbox", "microscope", "mushroom", "octopus", "owl", "pumpkin",
    "rocket", "saxophone", "scarf", "shoe", "snow", "statue", "submarine", "tower", "tractor", "violin", "waterfall",
    "wheelbarrow", "wind turbine", "woman", "x-ray machine", "yacht",
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
    """A generator that keeps what the last wording was."""

    def __init__(self, model: Generator) -> None:
        self._model = model
        self.spec = model.spec
        self.choose, self.json = model.choose, model.json
        self.said = ""

    async def stream(self, messages: Sequence[Message], max_tokens: int = 120) -> AsyncIterator[str]:
        self.said = ""
        async for piece in self._model.stream(messages, max_tokens):
            self.said += piece
            yield piece


@dataclass
class Tally:
    asked: int = 0
    passed: int = 0
    differ: int = 0
    by_rule: int = 0


async def measure(model: Generator, verdicts: int, seed: int, show_all: bool) -> None:
    draw, listening = random.Random(seed), Listening(model)
    tallies: dict[str, Tally] = {}
    seconds: list[float] = []
    for number in range(verdicts):
        plan, ruling = case(KINDS[number % len(KINDS)], number // len(KINDS) % 2 == 0, draw)
        names = [f"photos/{draw.randrange(10**6):06}.jpg" for _ in ruling.verdict.images[:5]]
        tally = tallies.setdefault(frame(plan, ruling), Tally())
        began = time.perf_counter()
        text, problems = await reworded(plan, ruling, names, listening)
        if not text and not problems:
            tally.by_rule += 1
            continue
        seconds.append(time.perf_counter() - began)
        tally.asked += 1
        tally.passed += bool(text)
        tally.differ += bool(text) and text != plain(plan, ruling, names)
        if problems or show_all:
            print(
                f"{'rejected' if problems else 'passed'}: {plain(plan, ruling, names)}\n    -> {listening.said!r}",
                *problems,
            )
    for name, tally in sorted(tallies.items()):
        print(f"{name:14}{tally.passed:4}/{tally.asked:<4} passed, {tally.differ:4} differ, {tally.by_rule:3} by rule")
    asked, passed, differ, by_rule = (sum(getattr(t, f) for t in tallies.values()) for f in Tally.__annotations__)
    print(f"{'all':14}{passed:4}/{asked:<4} passed ({passed / asked:.1%}), {differ:4} differ, {by_rule:3} by rule")
    print(f"seconds each: median {statistics.median(seconds):.2f}, longest {max(seconds):.2f}")


async def run(arguments: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        model = VllmGenerator(smollm2_command(), Path(folder) / "vllm.log")
        await model.start()
        try:
            await model.wait_ready(VllmGenerator.START_SECONDS)
            await measure(model, arguments.verdicts, arguments.seed, arguments.all)
        finally:
            await model.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--verdicts", type=int, default=234, help="those that are said by rule among them")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--all", action="store_true", help="print every wording")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
