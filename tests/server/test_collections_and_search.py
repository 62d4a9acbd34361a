"""Collections, lists with pages, search and grounding."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from dataclasses import replace

import grpc
import pytest

from tests.server.fakes import Bench, picture, sha
from thresher import errors
from thresher.client import Client
from thresher.records import UploadItem
from thresher.types import Box, Filter, Point, Query
from thresher.v1 import collections_pb2, collections_pb2_grpc, images_pb2, images_pb2_grpc, search_pb2, search_pb2_grpc


@pytest.fixture
async def channel(bench: Bench) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(bench.address) as channel:
        yield channel


async def fill(client: Client, colors: str = "red red red blue green") -> dict[str, str]:
    """Path -> id."""
    await client.create_collection("c")

    async def items() -> AsyncIterator[UploadItem]:
        for number, color in enumerate(colors.split()):
            yield UploadItem(f"{color}/{number}.png", picture(color, number), (color,))

    return {result.path: result.sha256 async for result in client.upload("c", items())}


async def test_server_info(client: Client, bench: Bench) -> None:
    info = await client.server_info()
    assert info.encoder.id == bench.encoder.spec.id
    assert info.profile == "test"
    assert (info.generator.id, info.generator_ready, info.generator_detail) == ("fake-model", False, "starting")
    assert info.limits.max_concurrent_asks == 4
    assert not info.generator_failed
    bench.generator["now"] = replace(bench.generator["now"], failed=True)
    assert (await client.server_info()).generator_failed


async def test_collections(client: Client) -> None:
    made = await client.create_collection("holiday-2020", "Holiday")
    assert (made.name, made.display_name, made.image_count) == ("holiday-2020", "Holiday", 0)
    with pytest.raises(errors.AlreadyExists):
        await client.create_collection("holiday-2020")
    assert await client.get_collection("holiday-2020") == made
    await client.delete_collection("holiday-2020")
    assert await client.list_collections() == []
    for call in (client.delete_collection, client.get_collection):
        with pytest.raises(errors.NotFound):
            await call("holiday-2020")


@pytest.mark.parametrize("name", ["", "A", "1a", "a-", "a_b", "a/b", "..", "a" * 64, "é"])
async def test_bad_collection_names(client: Client, channel: grpc.aio.Channel, name: str) -> None:
    with pytest.raises(errors.InvalidInput):
        await client.create_collection(name)
    stub = collections_pb2_grpc.CollectionServiceStub(channel)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.CreateCollection(collections_pb2.CreateCollectionRequest(collection_id=name))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_pages_of_collections(client: Client, channel: grpc.aio.Channel) -> None:
    for name in "edcba":
        await client.create_collection(name)
    stub = collections_pb2_grpc.CollectionServiceStub(channel)
    seen, token = [], ""
    while True:
        request = collections_pb2.ListCollectionsRequest(page_size=2, page_token=token)
        page = await stub.ListCollections(request)
        seen.append([each.name.split("/")[1] for each in page.collections])
        token = page.next_page_token
        if not token:
            break
    assert seen == [["a", "b"], ["c", "d"], ["e"]]


async def test_pages_of_images(client: Client, channel: grpc.aio.Channel) -> None:
    ids = await fill(client)
    stub = images_pb2_grpc.ImageServiceStub(channel)
    seen, token, pages = [], "", 0
    while True:
        page = await stub.ListImages(
            images_pb2.ListImagesRequest(parent="collections/c", page_size=2, page_token=token)
        )
        seen += [image.name.rsplit("/", 1)[1] for image in page.images]
        token, pages = page.next_page_token, pages + 1
        if not token:
            break
    assert (seen, pages) == (sorted(ids.values()), 3)
    first = [record.id async for record in client.images("c", Filter(tags=("red",)), limit=2)]
    assert first == sorted(ids[path] for path in ids if path.startswith("red"))[:2]


async def test_page_tokens_are_checked(client: Client, channel: grpc.aio.Channel) -> None:
    await fill(client)
    stub = images_pb2_grpc.ImageServiceStub(channel)
    page = await stub.ListImages(images_pb2.ListImagesRequest(parent="collections/c", page_size=2))
    forged = base64.urlsafe_b64encode(json.dumps(["x", "y"]).encode()).decode()
    filtered = images_pb2.ListImagesRequest(parent="collections/c", page_token=page.next_page_token)
    filtered.filter.tags.append("red")
    bad = [
        images_pb2.ListImagesRequest(parent="collections/c", page_token=token) for token in ("x", "é", "####", forged)
    ]
    bad += [filtered, images_pb2.ListImagesRequest(parent="collections/c", page_size=-1)]
    for request in bad:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.ListImages(request)
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_missing_get_and_delete(client: Client, channel: grpc.aio.Channel) -> None:
    ids = list((await fill(client)).values())
    absent = "f" * 64
    assert await client.missing("c", [absent, *ids]) == [absent]
    await client.delete_image("c", ids[0])
    assert await client.missing("c", ids) == [ids[0]]
    for call in (client.get_image, client.delete_image, client.download):
        with pytest.raises(errors.NotFound):
            await call("c", ids[0])
        with pytest.raises(errors.InvalidInput):
            await call("c", "short")
    stub = images_pb2_grpc.ImageServiceStub(channel)
    for hashes in (["nonsense"], [absent] * 10_001):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.FindMissingImages(images_pb2.FindMissingImagesRequest(parent="collections/c", sha256=hashes))
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_search_by_text_stored_image_and_content(client: Client) -> None:
    ids = await fill(client)
    found = await client.search("c", "blue", limit=1)
    assert [hit.record.id for hit in found.hits] == [ids["blue/3.png"]]
    like_red = Query(image=ids["red/0.png"])
    found = await client.search("c", like_red, limit=2, separate_duplicates=True)
    assert {hit.record.path for hit in found.hits} == {"red/1.png", "red/2.png"}
    first, second = (await client.search("c", like_red, limit=2)).hits
    assert {first.record.id, *first.duplicates} == {ids["red/1.png"], ids["red/2.png"]}
    assert not second.record.path.startswith("red")
    content = picture("green", 4)
    found = await client.search("c", Query(content=content), limit=1)
    assert [hit.record.id for hit in found.hits] == [sha(content)]
    found = await client.search("c", "red", where=Filter(tags=("green",)))
    assert [hit.record.path for hit in found.hits] == ["green/4.png"]


async def test_filter_expressions(client: Client) -> None:
    ids = await fill(client)
    where = Filter(expression="path = red/* AND tag:red")
    assert {record.path for record in [each async for each in client.images("c", where)]} == {
        path for path in ids if path.startswith("red")
    }
    found = await client.search("c", "red", where=Filter(expression="-path:red -path:blue"))
    assert [hit.record.path for hit in found.hits] == ["green/4.png"]
    for expression in ("widht > 3", "a" * 100_000, 'tag:"', "width > x", "\0"):
        wrong = Filter(expression=expression)
        with pytest.raises(errors.InvalidInput, match="The filter is wrong") as caught:
            await client.search("c", "red", where=wrong)
        assert caught.value.hint
        with pytest.raises(errors.InvalidInput, match="The filter is wrong"):
            await anext(client.images("c", wrong))


async def test_search_for_an_unknown_word(client: Client) -> None:
    await fill(client)
    found = await client.search("c", "flibbertigibbet")
    assert (found.hits, found.unknown_concept, found.nearest) == ((), True, ("red", "green"))


async def test_bad_searches(client: Client, channel: grpc.aio.Channel) -> None:
    ids = await fill(client)
    with pytest.raises(errors.InvalidInput):
        await client.search("c", "")
    with pytest.raises(errors.InvalidInput):
        await client.search("c", Query("red", image=ids["red/0.png"], exemplar="x"))
    with pytest.raises(errors.InvalidInput):
        await client.search("c", "red", limit=1_001)
    with pytest.raises(errors.InvalidInput):
        await client.search("c", "x" * 3_000)
    with pytest.raises(errors.InvalidImage):
        await client.search("c", Query(content=b"no image"))
    with pytest.raises(errors.NotFound):
        await client.search("c", Query(image="f" * 64))
    with pytest.raises(errors.InvalidInput):
        await client.search("c", Query(content=b"\0" * (7 * 1024 * 1024 + 1)))
    with pytest.raises(errors.InvalidInput):
        await client.search("c", Query(content=b"\0" * (9 * 1024 * 1024)))  # gRPC's own limit
    stub = search_pb2_grpc.SearchServiceStub(channel)
    other = search_pb2.SearchRequest(
        parent="collections/c", query=search_pb2.Query(image=f"collections/d/images/{ids['red/0.png']}")
    )
    for request in (search_pb2.SearchRequest(parent="collections/c"), other):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.Search(request)
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_ground(client: Client) -> None:
    image = (await fill(client))["red/0.png"]
    found = await client.ground("c", image, ["red", Point(1, 2), Box(0, 0, 3, 3)])
    assert [len(regions) for regions in found] == [1, 0, 1]
    assert found[0][0].mask is not None
    for prompts in ([], ["x"] * 101, [""], [Box(3, 3, 3, 9)]):
        with pytest.raises(errors.InvalidInput):
            await client.ground("c", image, prompts)
    with pytest.raises(errors.NotFound):
        await client.ground("c", "f" * 64, ["red"])
