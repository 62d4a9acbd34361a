"""What the offline profile's language model costs: `python -m benchmarks.generator [--cache DIR] [--cold]`.

Prints one JSON object: seconds to convert and to start, seconds to the first token, tokens a second alone and four
at a time, seconds of a wording, a choice and a schema answer (medians), and MiB of memory (proportional set size).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import psutil

from models.generators import smollm2
from models.generators.vllm_server import VllmGenerator, smollm2_command
from thresher.types import Message

STORY = "Write a long story about the number {}."
WORDING = (
    Message("system", "Say the answer in other words, in one short sentence. Keep every number and every thing."),
    Message("user", "Yes, 2 photos show a horse."),
    Message("assistant", "Yes, there is a horse in 2 photos."),
    Message("user", "Yes, 41 photos show a vase on a table."),
    Message("assistant", "Yes, there is a vase on a table in 41 photos."),
    Message("user", "Yes, 3 photos show a dog."),
)
SCHEMA = {
    "type": "object",
    "properties": {"kind": {"type": "string", "enum": ["find", "count"]}, "noun": {"type": "string", "maxLength": 20}},
    "required": ["kind", "noun"],
    "additionalProperties": False,
}


async def streamed(model: VllmGenerator, messages: Sequence[Message], tokens: int) -> tuple[float, float, int]:
    """Seconds to the first piece, seconds to the last, pieces (about one a token)."""
    began, first, pieces = time.perf_counter(), 0.0, 0
    async for _ in model.stream(messages, tokens):
        first = first or time.perf_counter() - began
        pieces += 1
    return first, time.perf_counter() - began, pieces


async def median_seconds(work: Callable[[], Awaitable[object]], times: int = 5) -> float:
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        await work()
        seconds.append(time.perf_counter() - began)
    return round(statistics.median(seconds), 3)


async def speed(model: VllmGenerator, concurrent: int) -> dict[str, float]:
    prompts = [[Message("user", STORY.format(number))] for number in range(concurrent)]
    began = time.perf_counter()
    runs = await asyncio.gather(*(streamed(model, prompt, 64) for prompt in prompts))
    seconds = time.perf_counter() - began
    return {
        "first_token_seconds": round(statistics.median(first for first, _, _ in runs), 3),
        "tokens_per_second": round(sum(pieces for _, _, pieces in runs) / seconds, 1),
    }


def memory(pid: int) -> dict[str, int]:
    process = psutil.Process(pid)
    return {part.name(): part.memory_full_info().pss // 2**20 for part in (process, *process.children(recursive=True))}


async def measure(cache: Path | None) -> dict[str, object]:
    began = time.perf_counter()
    smollm2.model_folder(cache)
    report: dict[str, object] = {"load_average": os.getloadavg()[0]}
    report["convert_seconds"] = round(time.perf_counter() - began, 2)
    with tempfile.TemporaryDirectory() as folder:
        model = VllmGenerator(smollm2_command(cache), Path(folder) / "vllm.log")
        began = time.perf_counter()
        await model.start()
        try:
            await model.wait_ready(VllmGenerator.START_SECONDS)
            report["start_seconds"] = round(time.perf_counter() - began, 1)
            report["first_wording_seconds"] = round((await streamed(model, WORDING, 30))[1], 3)
            report["wording_seconds"] = await median_seconds(lambda: streamed(model, WORDING, 30))
            report["thirty_tokens_seconds"] = await median_seconds(
                lambda: streamed(model, [Message("user", STORY.format("seven"))], 30)
            )
            report["choice_seconds"] = await median_seconds(lambda: model.choose(WORDING, ["yes", "there"]))
            report["json_seconds"] = await median_seconds(lambda: model.json(WORDING, SCHEMA))
            report["alone"] = await speed(model, 1)
            report["four_at_a_time"] = await speed(model, 4)
            assert model.pid is not None
            report["memory_mib"] = memory(model.pid)
        finally:
            began = time.perf_counter()
            await model.stop()
            report["stop_seconds"] = round(time.perf_counter() - began, 2)
    return report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, help="where the converted model is kept (default: the user's cache)")
    parser.add_argument("--cold", action="store_true", help="convert anew, into a folder that is thrown away")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder) if arguments.cold else arguments.cache
        print(json.dumps(asyncio.run(measure(cache)), indent=1))


if __name__ == "__main__":
    main()
