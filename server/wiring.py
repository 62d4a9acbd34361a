"""Concrete parts out of settings. No other file of the server knows which classes these are."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from threadpoolctl import threadpool_limits

from agents import graph
from agents.params import Deps, JudgeParams
from models.generators.managed import EndpointGenerator, ManagedGenerator
from models.generators.vllm_server import VllmGenerator, fastvlm_command, smollm2_command
from models.protocols import Encoder, Grounder, Ocr
from retrievers.data_dir import open_data_dir
from retrievers.exemplars import ExemplarStore
from retrievers.images import ImageLimits, read_image
from retrievers.lance_store import LanceStore
from retrievers.ledger import Ledger
from retrievers.protocols import ImageStore
from retrievers.schema import SCHEMA_VERSION
from server.judge import load_judge
from server.parts import GeneratorState, Parts, ReadImage
from server.photographs import Photographs
from server.settings import EncoderSettings, GenerationSettings, OcrSettings, Settings
from thresher.errors import InvalidSetting
from thresher.records import ModelInfo
from thresher.types import AskEvent, AskOptions

TENANT = "default"
OFFLINE_WEIGHTS = Path(__file__).resolve().parents[1] / "models" / "offline"

# Nothing is fetched, and transformers keeps its progress bars and load reports to itself.
_QUIET = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}


@asynccontextmanager
async def open_parts(settings: Settings, say: Callable[[str], None]) -> AsyncIterator[Parts]:
    """Everything that the services need, ready; only the language model may still be starting.

    DataDirInUse, SchemaMismatch, InvalidSetting, StorageFull.
    """
    async with AsyncExitStack() as stack:
        data = stack.enter_context(open_data_dir(settings.data_dir))
        say(f"Data directory: {data.path}")
        store = LanceStore(data.path, TENANT)
        stack.push_async_callback(store.close)
        ledger = Ledger(data.path, TENANT)
        stack.push_async_callback(ledger.close)
        exemplars = ExemplarStore(data.path, TENANT)
        stack.push_async_callback(exemplars.close)
        say(f"Loading the models of profile {settings.profile}")
        started = time.monotonic()
        encoder, grounder, grounder_model = await asyncio.to_thread(_load_models, settings.encoder)
        reader = await asyncio.to_thread(_load_reader, settings.ocr)
        await asyncio.to_thread(graph.warm_up)
        say(f"Encoder and grounder ready after {time.monotonic() - started:.1f} s")
        generator = _generator(settings.generation, data.path / "language-model.log")
        shipped = (settings.encoder.weights or OFFLINE_WEIGHTS) / "judge.json"
        looking = generator.spec.model if generator is not None else ""
        judge, judge_file = load_judge(shipped, settings.judge, encoder, looking)
        say(f"Judge: {judge_file.id}")
        if generator is not None:
            await generator.start()
            stack.push_async_callback(generator.stop)
            say("The language model starts in the background; until it is there, answers are the plain sentences")
        limits = ImageLimits(settings.limits.max_image_bytes, settings.limits.max_image_pixels)
        read = partial(read_image, limits=limits)
        yield Parts(
            encoder=encoder,
            grounder=grounder,
            grounder_model=grounder_model,
            store=store,
            ledger=ledger,
            exemplars=exemplars,
            schema_version=SCHEMA_VERSION,
            read_image=read,
            ask=partial(_ask, encoder, grounder, generator, judge, read, exemplars),
            generator=partial(_state, generator),
            judge=judge_file,
            judging=judge,
            reader=reader,
        )


def _load_models(settings: EncoderSettings) -> tuple[Encoder, Grounder, ModelInfo]:
    """Called in a thread: importing torch alone takes seconds."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    from models.encoders.offline import load_offline

    threadpool_limits(settings.threads, user_api="blas")  # scoring competes with the encoder for the same cores

    folder = settings.weights or OFFLINE_WEIGHTS
    encoder, grounder = load_offline(folder, settings.threads)
    digest = hashlib.sha256((folder / "masks.safetensors").read_bytes()).hexdigest()
    return encoder, grounder, ModelInfo("offline-box-to-mask", digest)


def _load_reader(settings: OcrSettings) -> Ocr | None:
    """Called in a thread. InvalidSetting where it is to be there and is not installed."""
    if not settings.enabled:
        return None
    try:
        from models.readers.rapid import RapidOcr

        return RapidOcr(settings.threads)
    except ImportError as error:
        raise InvalidSetting(
            f"The words in photographs cannot be read: {error}.",
            "Install rapidocr and onnxruntime (the extra `offline`), or set THRESHER_OCR__ENABLED=false.",
        ) from error


def _generator(settings: GenerationSettings, log: Path) -> ManagedGenerator | None:
    if settings.kind == "vllm":
        return VllmGenerator(fastvlm_command() if settings.model == "fastvlm" else smollm2_command(), log)
    if settings.kind == "endpoint":
        return EndpointGenerator(settings.base_url, model=settings.model, api_key=settings.api_key.get_secret_value())
    return None


def _state(generator: ManagedGenerator | None) -> GeneratorState:
    if generator is None:
        return GeneratorState(ModelInfo(""), detail="generation is set to none")
    spec = generator.spec
    return GeneratorState(
        ModelInfo(spec.model), generator.ready, generator.detail, spec.sees, spec.plans, generator.failed
    )


def _ask(
    encoder: Encoder,
    grounder: Grounder,
    generator: ManagedGenerator | None,
    judge: JudgeParams,
    read: ReadImage,
    exemplars: ExemplarStore,
    question: str,
    options: AskOptions,
    images: ImageStore,
    seconds: float | None,
) -> AsyncGenerator[AskEvent, None]:
    photographs = Photographs(images, read)
    deps = Deps(
        store=images,
        encoder=encoder,
        load_pixels=photographs.pixels,
        decode=photographs.decoded,
        exemplars=partial(exemplars.lessons, images.collection),
        taught_names=partial(exemplars.names, images.collection),
        grounder=grounder,
        generator=generator,
        load_jpeg=photographs.jpeg,
        judge=judge,
        deadline=None if seconds is None else time.monotonic() + seconds,
    )
    return graph.ask(question, options, deps)
