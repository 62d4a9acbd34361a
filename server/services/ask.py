"""AskService: admission, the question's form, the stream of events, and what the judge is given."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import fields
from typing import Any

from agents.witnesses import witnesses
from agents.words import describe_expr
from retrievers.protocols import ImageStore
from server.calls import MARGIN_SECONDS, time_limit
from server.gate import Gate
from server.parts import Parts
from server.searching import search_parts
from server.settings import Settings
from thresher.convert import filter_from_proto
from thresher.convert_ask import event_to_proto, options_from_proto, witnesses_to_proto
from thresher.errors import InvalidInput, InvalidQuestion
from thresher.names import parse_collection
from thresher.records import ReadPlan, Reply
from thresher.types import Answer, Plan

MAX_PHRASES = 100
MAX_PAIRS = 200_000


class AskService:
    def __init__(self, parts: Parts, settings: Settings) -> None:
        self._parts = parts
        self._limits = settings.limits
        self._gate = Gate(settings.limits.max_concurrent_asks, "questions")

    async def Ask(self, request: Any, context: Any) -> AsyncGenerator[Any, None]:
        started = time.monotonic()
        collection = parse_collection(request.parent)
        question = check_question(request.question, self._limits.max_question_characters)
        options = options_from_proto(collection, request.options)
        with self._gate.hold():
            images = await self._parts.store.open(collection, self._parts.encoder.spec)
            seconds = time_limit(context, self._limits.max_ask_seconds, 2 * MARGIN_SECONDS)
            async with aclosing(self._parts.ask(question, options, images, seconds)) as events:
                sequence = 0
                async for event in events:
                    if isinstance(event, Answer):
                        event = await _reply(event, images, time.monotonic() - started)
                    elif isinstance(event, Plan):
                        event = _read_plan(event)
                    yield event_to_proto(collection, sequence, event)
                    sequence += 1

    async def GetWitnesses(self, request: Any, _context: Any) -> Any:
        collection = parse_collection(request.parent)
        phrases, scope = list(request.phrases), filter_from_proto(collection, request.scope)
        check_phrases(phrases)
        with self._gate.hold():
            images = await self._parts.store.open(collection, self._parts.encoder.spec)
            pairs = len(phrases) * await images.count(scope)
            if pairs > MAX_PAIRS:
                raise InvalidInput(f"These are {pairs:,} pairs.", f"Ask for {MAX_PAIRS:,} at most.", "scope")
            ids, found = await witnesses(phrases, scope, search_parts(self._parts, images))
            return witnesses_to_proto(collection, ids, found)


def check_phrases(phrases: Sequence[str]) -> None:
    if not 1 <= len(phrases) <= MAX_PHRASES or not all(phrase.strip() and len(phrase) <= 100 for phrase in phrases):
        raise InvalidInput(f"Give 1 to {MAX_PHRASES} nouns of at most 100 characters.", 'For example "dog".', "phrases")


def check_question(question: str, most: int) -> str:
    """The question without white space around it. InvalidQuestion where it is empty, too long or no text."""
    if len(question) > most:
        raise InvalidQuestion(f"The question has {len(question):,} characters.", f"Use {most:,} at most.", "question")
    stripped = " ".join(question.split())
    if not stripped:
        raise InvalidQuestion("The question is empty.", 'Ask for example "How many photos show a dog?"', "question")
    control = any(unicodedata.category(character) == "Cc" for character in stripped)
    if control or not any(character.isalpha() for character in stripped):
        raise InvalidQuestion("The question is not text.", 'Ask for example "How many photos show a dog?"', "question")
    return stripped


def _read_plan(plan: Plan) -> ReadPlan:
    """The plan with its expressions in words."""
    words: dict[str, Any] = {
        f"{name}_words": describe_expr(expr)
        for name in ("target", "condition", "compare_with")
        if (expr := getattr(plan, name)) is not None
    }
    return ReadPlan(**_values(plan, Plan), **words)


async def _reply(answer: Answer, images: ImageStore, seconds: float) -> Reply:
    """The answer with the paths of all its images."""
    records = await images.get(answer.verdict.images)
    paths = tuple(records[image].path if image in records else image[:12] for image in answer.verdict.images)
    return Reply(**_values(answer, Answer), paths=paths, seconds=seconds)


def _values(value: Any, kind: type[Any]) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in fields(kind)}
