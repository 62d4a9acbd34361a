"""Uploads: what is verified, when it is acknowledged, and what a broken one leaves."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from PIL import Image

from retrievers.lance_store import LanceStore
from retrievers.memory_store import MemoryImageStore, MemoryStore
from tests.server.fakes import Bench, FakeEncoder, make_settings, picture, serving, sha, until
from thresher import errors
from thresher.client import Client
from thresher.records import Outcome, UploadItem, UploadResult
from thresher.types import ImageChange
from thresher.v1 import images_pb2, images_pb2_grpc

Request = images_pb2.UploadImagesRequest


async def upload(client: Client, items: Iterable[UploadItem], collection: str = "c") -> list[UploadResult]:
    async def stream() -> AsyncIterator[UploadItem]:
        for item in items:
            yield item

    return [result async for result in client.upload(collection, stream())]


async def raw(bench: Bench, messages: Iterable[Any]) -> list[Any]:
    async def stream() -> AsyncIterator[Any]:
        for message in messages:
            yield message

    async with grpc.aio.insecure_channel(bench.address) as channel:
        return [result async for result in images_pb2_grpc.ImageServiceStub(channel).UploadImages(stream())]


def header(content: bytes, **other: Any) -> Any:
    values = {"sha256": sha(content), "size_bytes": len(content), "path": "a.png", **other}
    return Request(header=images_pb2.UploadHeader(**values))


async def stored(client: Client) -> dict[str, tuple[str, ...]]:
    return {record.id: record.paths async for record in client.images("c")}


async def test_what_is_stored(client: Client) -> None:
    await client.create_collection("c")
    content = picture("red", 1, (20, 10))
    [result] = await upload(client, [UploadItem("a/b.png", content, ("a", "x"))])
    assert result == UploadResult(sha(content), "a/b.png", Outcome.CREATED)
    record = await client.get_image("c", sha(content))
    assert (record.paths, record.tags, record.width, record.height) == (("a/b.png",), ("a", "x"), 20, 10)
    assert (record.mime_type, record.size_bytes) == ("image/png", len(content))
    assert await client.download("c", sha(content)) == content


async def test_a_large_file_comes_in_chunks_and_back(client: Client) -> None:
    stream = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (700, 600, 3), np.uint8)).save(stream, "PNG")
    content = stream.getvalue()
    assert len(content) > 4 * 256 * 1024
    await client.create_collection("c")
    [result] = await upload(client, [UploadItem("big.png", content)])
    assert result.outcome is Outcome.CREATED
    assert await client.download("c", sha(content)) == content


async def test_one_bad_photograph_does_not_stop_the_others(client: Client) -> None:
    await client.create_collection("c")
    good, late = picture("red", 1), picture("red", 2)
    results = await upload(
        client,
        [
            UploadItem("1.png", good),
            UploadItem("sha.png", picture("red", 3), sha256="0" * 64),
            UploadItem("no-sha.png", picture("red", 3), sha256="XYZ"),
            UploadItem("short.png", picture("red", 4), size=5_000),
            UploadItem("long.png", picture("red", 5), size=10),
            UploadItem("text.png", b"this is no image"),
            UploadItem("cut.png", picture("red", 6, (200, 200))[:100]),
            UploadItem("empty.png", b""),
            UploadItem("", picture("red", 7)),
            UploadItem("line\nbreak.png", picture("red", 8)),
            UploadItem("tags.png", picture("red", 9), ("",)),
            UploadItem("unknown.png", None, sha256="a" * 64),
            UploadItem("2.jpg", late),  # of a wrong extension
        ],
    )
    by_path = {result.path: result for result in results}
    assert len(by_path) == 13
    assert {path for path, result in by_path.items() if result.outcome is Outcome.CREATED} == {"1.png", "2.jpg"}
    kinds = {path: type(result.error) for path, result in by_path.items() if result.error is not None}
    assert kinds == {
        "sha.png": errors.InvalidUpload,
        "no-sha.png": errors.InvalidUpload,
        "short.png": errors.InvalidUpload,
        "long.png": errors.InvalidUpload,
        "text.png": errors.InvalidImage,
        "cut.png": errors.InvalidImage,
        "empty.png": errors.InvalidImage,
        "": errors.InvalidUpload,
        "line\nbreak.png": errors.InvalidUpload,
        "tags.png": errors.InvalidUpload,
        "unknown.png": errors.NotFound,
    }
    assert all(result.error.hint for result in results if result.error)
    assert set(await stored(client)) == {sha(good), sha(late)}


async def test_the_same_photograph_twice_is_one_with_two_paths(client: Client) -> None:
    await client.create_collection("c")
    content = picture("green")
    results = await upload(client, [UploadItem("a.png", content), UploadItem("b.png", content, ("t",))])
    assert [result.outcome for result in results] == [Outcome.CREATED, Outcome.EXISTED]
    [again, known] = await upload(client, [UploadItem("c.png", content), UploadItem("d.png", None, (), sha(content))])
    assert {again.outcome, known.outcome} == {Outcome.EXISTED}
    record = await client.get_image("c", sha(content))
    assert set(record.paths) == {"a.png", "b.png", "c.png", "d.png"}
    assert record.tags == ("t",)


async def test_limits(tmp_path: Path) -> None:
    settings = make_settings(tmp_path, {"max_image_bytes": 2_000, "max_image_pixels": 1_000})
    async with serving(settings, MemoryStore()) as bench, Client(bench.address) as client:
        await client.create_collection("c")
        heavy = picture() + b"\0" * 300_000
        results = await upload(
            client, [UploadItem("heavy.png", heavy), UploadItem("wide.png", picture("red", 0, (90, 90)))]
        )
        assert [type(result.error) for result in results] == [errors.InvalidImage] * 2


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [Request(chunk=b"x")],
        [header(b"x")],
        [Request(parent="collections/c"), Request(chunk=b"x")],
        [Request(parent="collections/c"), Request(parent="collections/c")],
        [Request(parent="collections/c"), header(b"x"), Request(chunk=b"x" * (256 * 1024 + 1))],
        [Request(parent="collections/c"), Request()],
    ],
)
async def test_messages_out_of_order(bench: Bench, client: Client, messages: list[Any]) -> None:
    await client.create_collection("c")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await raw(bench, messages)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert await stored(client) == {}


async def test_unknown_collection(client: Client) -> None:
    with pytest.raises(errors.NotFound):
        await upload(client, [UploadItem("a.png", picture())], "nowhere")


async def test_a_stream_that_ends_inside_a_photograph(bench: Bench, client: Client) -> None:
    await client.create_collection("c")
    whole, half = picture("red", 1), picture("red", 2)
    messages = [
        Request(parent="collections/c"),
        header(whole),
        Request(chunk=whole),
        header(half),
        Request(chunk=half[:9]),
    ]
    results = await raw(bench, messages)
    assert sorted(result.error.code for result in results) == ["", "INVALID_UPLOAD"]
    assert set(await stored(client)) == {sha(whole)}


async def test_a_stream_that_is_cut_leaves_nothing_half(client: Client) -> None:
    await client.create_collection("c")

    async def items() -> AsyncIterator[UploadItem]:
        for number in range(40):
            yield UploadItem(f"{number}.png", picture("red", number))
            await asyncio.sleep(0.01)
        raise AssertionError("not cut")

    acknowledged = []
    async with aclosing(client.upload("c", items())) as results:
        async for result in results:
            acknowledged.append(result.sha256)
            if len(acknowledged) == 5:
                break
    await asyncio.sleep(0.3)
    there = await stored(client)
    assert set(acknowledged) <= set(there)
    for image in there:
        assert sha(await client.download("c", image)) == image


async def test_an_exception_of_the_items_is_raised_after_the_results(client: Client) -> None:
    await client.create_collection("c")

    async def items() -> AsyncIterator[UploadItem]:
        yield UploadItem("a.png", picture())
        raise OSError("disk gone")

    seen = []
    with pytest.raises(OSError, match="disk gone"):
        async for result in client.upload("c", items()):
            seen.append(result.outcome)
    assert seen == [Outcome.CREATED]


async def test_a_result_comes_only_after_its_commit_and_soon(tmp_path: Path) -> None:
    """Photographs trickle in: each is acknowledged within the commit time though no group is full."""
    store = LanceStore(tmp_path)
    async with serving(make_settings(tmp_path), store) as bench, Client(bench.address) as client:
        await client.create_collection("c")

        async def items() -> AsyncIterator[UploadItem]:
            yield UploadItem("a.png", picture("red", 1))
            await asyncio.sleep(1.0)
            yield UploadItem("b.png", picture("red", 2))

        async with aclosing(client.upload("c", items())) as results:
            async with asyncio.timeout(0.9):
                first = await anext(results)
            assert first.sha256 in await stored(client)
            assert [result.path async for result in results] == ["b.png"]
        assert max(bench.encoder.batches) <= 4
    await store.close()


async def test_memory_is_bounded_by_holding_the_sender_back(bench: Bench, client: Client) -> None:
    await client.create_collection("c")
    bench.encoder.hold.clear()
    sent = 0
    noise = b"\0" * 200_000

    async def items() -> AsyncIterator[UploadItem]:
        nonlocal sent
        for number in range(300):
            yield UploadItem(f"{number}.png", picture("red", number) + noise)
            sent += 1

    async def drain() -> int:
        return len([result async for result in client.upload("c", items())])

    task = asyncio.create_task(drain())
    await asyncio.sleep(1.0)
    assert sent < 100
    bench.encoder.hold.set()
    assert await task == 300


async def test_what_is_decoded_ahead_is_bounded(tmp_path: Path) -> None:
    """A photograph of 400 x 400 takes 480 kB decoded, so two fit; one that is too large by itself comes alone."""
    settings = make_settings(tmp_path, ingest={"memory_bytes": 1_000_000})
    async with serving(settings, MemoryStore()) as bench, Client(bench.address) as client:
        await client.create_collection("c")
        bench.encoder.hold.clear()
        items = [UploadItem(f"{number}.png", picture("red", number, (400, 400))) for number in range(8)]
        items.insert(4, UploadItem("large.png", picture("blue", 9, (1000, 1000))))
        task = asyncio.create_task(upload(client, items))
        await until(lambda: len(bench.decoded) == 2)
        await asyncio.sleep(0.5)
        assert len(bench.decoded) == 2
        bench.encoder.hold.set()
        assert [result.outcome for result in await task] == [Outcome.CREATED] * 9


async def test_the_encoder_does_not_wait_for_the_store(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    slow, add = asyncio.Event(), MemoryImageStore.add
    encoded: list[int] = []

    async def waiting(self: MemoryImageStore, rows: Any) -> None:
        await slow.wait()
        await add(self, rows)

    await client.create_collection("c")
    monkeypatch.setattr(MemoryImageStore, "add", waiting)
    monkeypatch.setattr(FakeEncoder, "images", counting(FakeEncoder.images, encoded))
    task = asyncio.create_task(
        upload(client, [UploadItem(f"{number}.png", picture("red", number)) for number in range(48)])
    )
    await until(lambda: len(encoded) == 48)
    slow.set()
    assert len(await task) == 48


def counting(images: Any, encoded: list[int]) -> Any:
    async def counted(self: FakeEncoder, batch: Any) -> Any:
        encoded.append(len(batch))
        return await images(self, batch)

    return counted


async def test_an_encoder_that_fails_ends_the_upload(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(_self: Any, _batch: Any) -> Any:
        raise RuntimeError("out of memory")

    await client.create_collection("c")
    with monkeypatch.context() as patch:
        patch.setattr(FakeEncoder, "images", broken)
        async with asyncio.timeout(10):
            with pytest.raises(errors.InternalError):
                await upload(client, [UploadItem(f"{number}.png", picture("red", number)) for number in range(9)])
    assert len(await upload(client, [UploadItem("a.png", picture())])) == 1


async def test_a_bad_photograph_at_two_paths_is_refused_twice(client: Client) -> None:
    await client.create_collection("c")
    bad = picture("red", 6, (200, 200))[:100]
    results = await upload(
        client, [UploadItem("1.png", bad), UploadItem("2.png", bad), UploadItem("3.png", None, (), sha(bad))]
    )
    assert [type(result.error) for result in results] == [errors.InvalidImage] * 3


async def test_changes_of_paths_and_tags(client: Client) -> None:
    await client.create_collection("c")
    await upload(client, [UploadItem("old.png", picture("red"), ("a",)), UploadItem("kept.png", picture("blue"))])
    red, blue = sha(picture("red")), sha(picture("blue"))
    changes = [
        ImageChange(red, ("new.png",), ("old.png",), ("b",), ("a",)),
        ImageChange("0" * 64, ("nowhere.png",)),
    ]
    assert await client.change_images("c", changes) == ["0" * 64]
    assert await stored(client) == {red: ("new.png",), blue: ("kept.png",)}
    assert (await client.get_image("c", red)).tags == ("b",)
    for bad in (
        ImageChange(blue, remove_paths=("kept.png",)),
        ImageChange(blue, ("",)),
        ImageChange(blue, ("a\nb",)),
        ImageChange(blue, add_tags=("x" * 65,)),
        ImageChange("no hash", ("a",)),
    ):
        with pytest.raises(errors.InvalidInput) as refused:
            await client.change_images("c", [ImageChange(red, ("third.png",)), bad])
        assert refused.value.hint
    with pytest.raises(errors.NotFound):
        await client.change_images("nowhere", changes)
    assert await stored(client) == {red: ("new.png",), blue: ("kept.png",)}


async def test_too_many_uploads(tmp_path: Path) -> None:
    settings = make_settings(tmp_path, {"max_concurrent_uploads": 1})
    async with serving(settings, MemoryStore()) as bench, Client(bench.address) as client:
        await client.create_collection("c")
        bench.encoder.hold.clear()
        first = asyncio.create_task(upload(client, [UploadItem("a.png", picture())]))
        await until(lambda: bench.encoder.batches)
        with pytest.raises(errors.Overloaded):
            await upload(client, [UploadItem("b.png", picture("blue"))])
        bench.encoder.hold.set()
        assert len(await first) == 1


async def test_a_full_disk_is_said(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(_self: Any, _rows: Any) -> None:
        raise errors.StorageFull("The disk is full.", "Make room.")

    await client.create_collection("c")
    monkeypatch.setattr(MemoryImageStore, "add", full)
    with pytest.raises(errors.StorageFull):
        await upload(client, [UploadItem("a.png", picture())])


async def test_why_an_upload_was_refused_is_known_although_it_was_still_sending(client: Client) -> None:
    """grpc.aio itself says INTERNAL here as a rule: the write that follows the refusal fails."""
    for _ in range(10):
        with pytest.raises(errors.NotFound):
            await upload(client, [UploadItem(f"{number}.png", b"x" * 100_000) for number in range(50)], "nowhere")
