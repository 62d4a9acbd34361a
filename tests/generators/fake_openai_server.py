"""A fake of an OpenAI-compatible endpoint, over a real socket: what it says and how it fails is set by attributes."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import math
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import uvicorn
from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

Fault = Literal["", "400", "401", "500", "silent", "garbage", "shape", "cut"]
"""`silent` never answers, `garbage` is no JSON, `shape` is JSON of another kind, `cut` ends a stream in the middle."""


def colour_or_sentence(text: str, images: Sequence[bytes]) -> str:
    """Names the colour of the last picture, red or blue; without one, a sentence."""
    del text
    if not images:
        return "There is a dog in 3 photos."
    red, _, blue = Image.open(io.BytesIO(images[-1])).convert("RGB").resize((1, 1)).tobytes()
    return "Red." if red > blue else "Blue."


def always(value: Any) -> Callable[..., Any]:
    return lambda *_: value


A_COUNT = always({"kind": "count", "noun": "bus"})
MOSTLY_YES = always({"Yes": 0.6, " no": 0.2})


@dataclass
class FakeOpenAIServer:
    """`with FakeOpenAIServer() as fake: fake.base_url`. All attributes may change while it runs.

    `tokens`: the likeliest next tokens and their probabilities, where logprobs are asked for.
    """

    model: str = "fake-vlm"
    sees: bool = True
    gives_logprobs: bool = True
    refuses_logprobs: bool = False
    fault: Fault = ""
    piece_seconds: float = 0.0
    say: Callable[[str, Sequence[bytes]], str] = colour_or_sentence
    make: Callable[[str, Mapping[str, Any]], object] = A_COUNT
    tokens: Callable[[str, Sequence[bytes]], Mapping[str, float]] = MOSTLY_YES
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    disconnects: int = 0

    def __enter__(self) -> FakeOpenAIServer:
        self._socket = socket.create_server(("127.0.0.1", 0))
        routes = [
            Route("/v1/models", self._models),
            Route("/v1/chat/completions", self._chat, methods=["POST"]),
        ]
        config = uvicorn.Config(Starlette(routes=routes), log_level="error", timeout_graceful_shutdown=0)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.005)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(timeout=5)
        self._socket.close()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}/v1"

    async def _models(self, request: Request) -> Response:
        del request
        if self.fault in ("401", "500"):
            return self._error(int(self.fault), "no")
        return JSONResponse({"object": "list", "data": [{"id": self.model, "object": "model", "max_model_len": 8192}]})

    async def _chat(self, request: Request) -> Response:
        body = await request.json()
        self.requests.append(body)
        self.headers.append(dict(request.headers))
        text, images = _last(body["messages"])
        if self.fault in ("400", "401", "500"):
            return self._error(int(self.fault), "this server fails on purpose")
        if self.fault == "silent":
            await self._gone(request)
            self.disconnects += 1
            return Response()
        if self.fault == "garbage":
            return PlainTextResponse("<html>It works!</html>")
        if self.fault == "shape":
            return JSONResponse({"choices": []})
        if images and not self.sees:
            return self._error(400, f"{self.model} is not a multimodal model.")
        if body.get("logprobs") and self.refuses_logprobs:
            return self._error(400, "logprobs are not supported")
        form = body.get("response_format")
        said = json.dumps(self.make(text, form["json_schema"]["schema"])) if form else self.say(text, images)
        if body.get("stream"):
            return StreamingResponse(self._stream(said), media_type="text/event-stream")
        choice: dict[str, Any] = {
            "index": 0,
            "finish_reason": "stop",
            "message": {"role": "assistant", "content": said},
        }
        if body.get("logprobs") and self.gives_logprobs:
            tops = [{"token": t, "logprob": math.log(p), "bytes": None} for t, p in self.tokens(text, images).items()]
            choice["logprobs"] = {"content": [{**tops[0], "top_logprobs": tops}], "refusal": None}
        return JSONResponse(
            {"id": "1", "object": "chat.completion", "created": 0, "model": self.model, "choices": [choice]}
        )

    async def _gone(self, request: Request) -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    async def _stream(self, said: str) -> AsyncIterator[str]:
        def event(delta: dict[str, str], finish: str | None = None) -> str:
            choice = {"index": 0, "delta": delta, "finish_reason": finish}
            chunk = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": self.model}
            return f"data: {json.dumps({**chunk, 'choices': [choice]})}\n\n"

        done = False
        try:
            words = said.split(" ")
            for i, word in enumerate(words):
                if self.fault == "cut" and i == len(words) // 2:
                    done = True
                    return
                yield event({"content": word if i == 0 else f" {word}"})
                await asyncio.sleep(self.piece_seconds)
            yield event({}, "stop")
            yield "data: [DONE]\n\n"
            done = True
        finally:
            self.disconnects += not done

    def _error(self, status: int, message: str) -> Response:
        return JSONResponse({"error": {"message": message, "type": "fake", "code": status}}, status_code=status)


def _last(messages: Sequence[Mapping[str, Any]]) -> tuple[str, list[bytes]]:
    """Text and pictures of the last message."""
    content = messages[-1]["content"]
    if isinstance(content, str):
        return content, []
    text = " ".join(part["text"] for part in content if part["type"] == "text")
    urls = [part["image_url"]["url"] for part in content if part["type"] == "image_url"]
    return text, [base64.b64decode(url.partition("base64,")[2]) for url in urls]
