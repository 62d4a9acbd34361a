"""A language model behind any OpenAI-compatible endpoint (vLLM, llama.cpp, Ollama, a hosted one).

Images go as bytes (base64 data URLs), never as addresses to fetch. Whatever the endpoint or the library does wrong
becomes one `GeneratorUnavailable`; nothing is tried again here. A cancelled call closes its HTTP stream, and with it
what vLLM was computing.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from typing import Any
from urllib.parse import urlsplit

import openai
from jsonschema import ValidationError, validate  # type: ignore[import-untyped]

from models.generators.probe import PLAN_KIND, PLAN_QUESTION, PLAN_SCHEMA, colour_questions, names_only
from thresher.errors import GeneratorUnavailable, ThresherError
from thresher.types import GeneratorSpec, Message

TOP_LOGPROBS = 20
"""The most that the API offers. A choice outside of them has no probability, and the answer none either."""

SAID = 0.9
"""Probability of what an endpoint without log-probabilities answered in words; the other choices share the rest."""

TOKENS_AN_IMAGE = 1024
"""About the most that common models make of a photograph of 768 pixels; how many an endpoint takes, no API says."""

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_UNKNOWN_CONTEXT = 4096  # tokens; only vLLM's list of models says it
_SPACE = " \t\r\n▁Ġ"  # also SentencePiece's and byte-level BPE's marks, which some servers leave in their tokens


class OpenAIGenerator:
    """`Generator` at `base_url` (with its `/v1`). `seconds` bounds the wait for each part of a response.

    `spec` None: call `probe` before use; until then the model is taken neither to see nor to plan.
    """

    def __init__(
        self,
        base_url: str,
        *,
        model: str = "",
        api_key: str = "",
        spec: GeneratorSpec | None = None,
        seconds: float = 60.0,
    ) -> None:
        self._address = base_url
        self._wanted = model
        self._spec = spec or GeneratorSpec(model=model, sees=False, plans=False, context=_UNKNOWN_CONTEXT)
        self._logprobs = True
        self._client = openai.AsyncOpenAI(
            base_url=base_url,
            api_key=api_key or "none",
            max_retries=0,
            http_client=openai.DefaultAsyncHttpxClient(
                timeout=openai.Timeout(seconds, connect=min(5.0, seconds)),
                trust_env=urlsplit(base_url).hostname not in _LOOPBACK,  # a proxy does not lead to this machine
            ),
        )

    @property
    def spec(self) -> GeneratorSpec:
        return self._spec

    async def aclose(self) -> None:
        await self._client.close()

    async def choose(self, messages: Sequence[Message], choices: Sequence[str]) -> Mapping[str, float]:
        """Probabilities of the choices as the next token, renormalised over them; {} where one is not among the
        20 likeliest tokens. Case and space around tokens are ignored, so choices must differ in more than that.

        An endpoint that gives no log-probabilities is asked for words: the choice it names first gets `SAID`.
        """
        if self._logprobs:
            with self._translated():
                try:
                    response = await self._create(
                        messages, max_tokens=1, logprobs=True, top_logprobs=TOP_LOGPROBS, stream=False
                    )
                except openai.BadRequestError as error:
                    if "logprob" not in str(error).lower():
                        raise
                else:
                    if logprobs := response.choices[0].logprobs:
                        return _by_tokens(
                            ((top.token, top.logprob) for top in logprobs.content[0].top_logprobs), choices
                        )
            self._logprobs = False
        return _by_words(await self._words(messages, max_tokens=8), choices)

    async def json(self, messages: Sequence[Message], schema: Mapping[str, object]) -> Mapping[str, object]:
        """One object that is valid by `schema`, which the endpoint is told to keep to."""
        form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": dict(schema), "strict": True}}
        text = await self._words(messages, max_tokens=512, response_format=form)
        try:
            value = json.loads(text)
            validate(value, {**schema, "type": "object"})
        except (ValueError, ValidationError) as error:
            raise self._unavailable(f"did not keep to the schema: {str(error).splitlines()[0]}") from error
        answer: dict[str, object] = value
        return answer

    async def stream(self, messages: Sequence[Message], max_tokens: int = 120) -> AsyncGenerator[str, None]:
        """Pieces of text as they come. Close the iterator (`contextlib.aclosing`) to stop early."""
        with self._translated():
            response = await self._create(messages, max_tokens=max_tokens, stream=True)
            finished = False
            async with aclosing(response):
                async for chunk in response:
                    for choice in chunk.choices[:1]:
                        finished = finished or choice.finish_reason is not None
                        if choice.delta.content:
                            yield choice.delta.content
            if not finished:
                raise self._unavailable("broke off in the middle of an answer")

    async def probe(self) -> GeneratorSpec:
        """Find out what the model is called and can do, and remember it as `spec`.

        It sees if it names the colours of two plain pictures; it plans if it keeps to a small schema and
        reads "How many ..." as counting.
        """
        model, context = await self._model()
        self._spec = GeneratorSpec(model=model, sees=False, plans=False, context=context)
        sees, plans = await self._sees(), await self._plans()
        self._spec = GeneratorSpec(model, sees, plans, context, max(1, context // TOKENS_AN_IMAGE) if sees else 1)
        return self._spec

    async def alive(self) -> None:
        """Raises `GeneratorUnavailable` unless the endpoint answers."""
        await self._model()

    async def _model(self) -> tuple[str, int]:
        """Name and context of the model that was asked for, or of the first that is served."""
        with self._translated():
            models = (await self._client.models.list()).data
            found = next((model for model in models if self._wanted in ("", model.id)), None)
            if not self._wanted and not found:
                raise self._unavailable("serves no model")
            context = (found.model_extra or {}).get("max_model_len") if found else None
            return (found.id if found else self._wanted), int(context or _UNKNOWN_CONTEXT)

    async def _sees(self) -> bool:
        for message, right, wrong in colour_questions():
            try:
                text = await self._words([message], max_tokens=16)
            except GeneratorUnavailable as error:
                if refused(error):
                    return False
                raise
            if not names_only(text, right, wrong):
                return False
        return True

    async def _plans(self) -> bool:
        try:
            plan = await self.json([PLAN_QUESTION], PLAN_SCHEMA)
        except GeneratorUnavailable as error:
            if isinstance(error.__cause__, openai.APIConnectionError):
                raise
            return False
        return plan["kind"] == PLAN_KIND

    async def _words(self, messages: Sequence[Message], **options: Any) -> str:
        with self._translated():
            response = await self._create(messages, stream=False, **options)
            choice = response.choices[0]
            if choice.finish_reason == "length" and "response_format" in options:
                raise self._unavailable("did not finish its JSON")
            return str(choice.message.content or "")

    async def _create(self, messages: Sequence[Message], **options: Any) -> Any:
        chat: list[Any] = [_as_openai(message) for message in messages]
        return await self._client.chat.completions.create(
            model=self._spec.model, messages=chat, temperature=0, **options
        )

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Every exception of the library, the connection or a malformed response as `GeneratorUnavailable`.

        Cancellation is no `Exception` and passes.
        """
        try:
            yield
        except ThresherError:
            raise
        except openai.APITimeoutError as error:
            raise self._unavailable("did not answer in time") from error
        except openai.APIConnectionError as error:
            hint = "Is it running? Check THRESHER_GENERATION__BASE_URL."
            raise self._unavailable("cannot be reached", hint) from error
        except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
            raise self._unavailable("refuses the key", "Check THRESHER_GENERATION__API_KEY.") from error
        except openai.NotFoundError as error:
            hint = "Check THRESHER_GENERATION__BASE_URL (with /v1) and THRESHER_GENERATION__MODEL."
            raise self._unavailable("does not know the model or address", hint) from error
        except openai.APIError as error:
            raise self._unavailable(f"failed: {error.message[:300]}") from error
        except Exception as error:
            raise self._unavailable(f"answered what is no completion: {error}"[:300]) from error

    def _unavailable(self, what: str, hint: str = "") -> GeneratorUnavailable:
        return GeneratorUnavailable(f"The language model at {self._address} {what}.", hint)


def refused(error: GeneratorUnavailable) -> bool:
    """Whether the endpoint understood the request and declined it (and will decline it again)."""
    cause = error.__cause__
    return isinstance(cause, openai.APIStatusError) and cause.status_code not in (401, 403, 404, 429, 502, 503, 504)


def _as_openai(message: Message) -> dict[str, Any]:
    if not message.images:
        return {"role": message.role, "content": message.text}
    parts: list[dict[str, Any]] = [{"type": "text", "text": message.text}]
    for image in message.images:
        kind = "png" if image.startswith(b"\x89PNG") else "jpeg"
        url = f"data:image/{kind};base64,{base64.b64encode(image).decode('ascii')}"
        parts.append({"type": "image_url", "image_url": {"url": url}})
    return {"role": message.role, "content": parts}


def _by_tokens(tokens: Iterable[tuple[str, float]], choices: Sequence[str]) -> dict[str, float]:
    mass = dict.fromkeys(choices, 0.0)
    names = {choice.strip(_SPACE).casefold(): choice for choice in choices}
    for token, logprob in tokens:
        if choice := names.get(token.strip(_SPACE).casefold()):
            mass[choice] += math.exp(logprob)
    if not all(mass.values()):
        return {}
    total = sum(mass.values())
    return {choice: value / total for choice, value in mass.items()}


def _by_words(text: str, choices: Sequence[str]) -> dict[str, float]:
    found = {choice: re.search(rf"(?<!\w){re.escape(choice.strip())}(?!\w)", text, re.IGNORECASE) for choice in choices}
    starts = {choice: match.start() for choice, match in found.items() if match}
    if not starts:
        return {}
    said = min(starts, key=starts.__getitem__)
    rest = (1 - SAID) / max(1, len(choices) - 1)
    return {choice: SAID if choice == said else rest for choice in choices}
