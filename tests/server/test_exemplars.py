"""Teaching names, searching for them, for regions and for sketches, through the socket."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from dataclasses import replace

import grpc
import numpy as np
import pytest
from PIL import Image

from tests.server.fakes import Bench, sha
from thresher import errors
from thresher.client import CONTENT_BYTES, Client
from thresher.records import UploadItem
from thresher.types import Box, Filter, Medium, Point, Query
from thresher.v1 import exemplars_pb2, exemplars_pb2_grpc


def png(left: str, right: str) -> bytes:
    """Two colours side by side, 16 x 12."""
    colors = {"red": (250, 0, 0), "green": (0, 250, 0), "blue": (0, 0, 250), "white": (255, 255, 255)}
    pixels = np.zeros((12, 16, 3), np.uint8)
    pixels[:, :8], pixels[:, 8:] = colors[left], colors[right]
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


PHOTOS = {f"{a}-{b}": png(a, b) for a, b in (("red", "blue"), ("green", "red"), ("green", "green"), ("blue", "green"))}
LEFT, RIGHT = Box(0, 0, 8, 12), Box(8, 0, 16, 12)


@pytest.fixture
async def filled(client: Client) -> Client:
    await client.create_collection("c")

    async def items() -> AsyncIterator[UploadItem]:
        for path, content in PHOTOS.items():
            yield UploadItem(path, content)

    assert all(result.error is None for result in [each async for each in client.upload("c", items())])
    return client


async def found(client: Client, query: Query, **more: object) -> list[str]:
    result = await client.search("c", query, **more)  # type: ignore[arg-type]
    return [hit.record.path for hit in result.hits]


async def test_a_taught_name_is_found(filled: Client) -> None:
    taught = await filled.teach("c", "Our Mascot", image=sha(PHOTOS["red-blue"]), box=LEFT)
    assert (taught.name, taught.examples[0].box) == ("Our Mascot", LEFT)
    assert set((await found(filled, Query(exemplar="our MASCOT")))[:2]) == {"red-blue", "green-red"}
    result = await filled.search("c", Query(exemplar="our mascot"), where=Filter(ids=(sha(PHOTOS["green-red"]),)))
    [hit] = result.hits
    assert hit.regions[0].box == RIGHT and hit.score > 0.99
    more = await filled.teach("c", "our mascot", content=png("blue", "blue"))
    assert [each.image for each in more.examples] == [sha(PHOTOS["red-blue"]), sha(png("blue", "blue"))]
    assert set((await found(filled, Query(exemplar="our mascot")))[:3]) == {"red-blue", "green-red", "blue-green"}
    assert await filled.exemplars("c") == [more]
    await filled.forget("c", "OUR mascot")
    assert await filled.exemplars("c") == []
    with pytest.raises(errors.NotFound, match="thresher teach"):
        await found(filled, Query(exemplar="our mascot"))


async def test_an_unknown_name_says_what_was_taught(filled: Client) -> None:
    await filled.teach("c", "Rex / dog?", content=PHOTOS["red-blue"])
    for call in (filled.forget("c", "bob"), found(filled, Query(exemplar="bob"))):
        with pytest.raises(errors.NotFound, match="Rex / dog"):
            await call
    await filled.forget("c", "rex / DOG?")


async def test_bad_lessons(filled: Client) -> None:
    image = sha(PHOTOS["red-blue"])
    wrong = [
        filled.teach("c", "x"),
        filled.teach("c", "x", image=image, content=b"x"),
        filled.teach("c", " ", image=image),
        filled.teach("c", "x" * 101, image=image),
        filled.teach("c", "x", image=image, box=Box(3, 3, 3, 5)),
        filled.teach("c", "x", content=b"no image"),
        filled.teach("c", "x", content=b"\0" * (CONTENT_BYTES + 1)),
    ]
    for call in wrong:
        with pytest.raises(errors.InvalidInput):
            await call
    with pytest.raises(errors.InvalidInput, match="16 x 12"):
        await filled.teach("c", "x", image=image, box=Box(20, 0, 30, 5))
    with pytest.raises(errors.NotFound):
        await filled.teach("c", "x", image="f" * 64)
    with pytest.raises(errors.NotFound):
        await filled.teach("d", "x", image=image)
    assert await filled.exemplars("c") == []


async def test_pages(filled: Client, bench: Bench) -> None:
    for name in ("c", "A", "b"):
        await filled.teach("c", name, content=PHOTOS["red-blue"])
    async with grpc.aio.insecure_channel(bench.address) as channel:
        stub = exemplars_pb2_grpc.ExemplarServiceStub(channel)
        request = exemplars_pb2.ListExemplarsRequest(parent="collections/c", page_size=2)
        page = await stub.ListExemplars(request)
        assert [(each.name, each.display_name) for each in page.exemplars] == [
            ("collections/c/exemplars/a", "A"),
            ("collections/c/exemplars/b", "b"),
        ]
        request.page_token = page.next_page_token
        page = await stub.ListExemplars(request)
        assert ([each.display_name for each in page.exemplars], page.next_page_token) == (["c"], "")
        foreign = exemplars_pb2.CreateExemplarRequest(parent="collections/c", display_name="x")
        foreign.image = f"collections/d/images/{sha(PHOTOS['red-blue'])}"
        bad = [
            stub.CreateExemplar(foreign),
            stub.DeleteExemplar(exemplars_pb2.DeleteExemplarRequest(name="collections/c/exemplars/")),
        ]
        for call in bad:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call
            assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_deleted_collection_takes_its_exemplars_along(filled: Client) -> None:
    await filled.teach("c", "rex", content=PHOTOS["red-blue"])
    await filled.delete_collection("c")
    await filled.create_collection("c")
    assert await filled.exemplars("c") == []


async def test_what_another_encoder_was_taught_is_refused(filled: Client, bench: Bench) -> None:
    spec = bench.encoder.spec
    other = replace(await bench.store.get("c"), encoder=replace(spec, weights="1" * 64))
    await filled.teach("c", "rex", content=PHOTOS["red-blue"])
    with pytest.raises(errors.EncoderMismatch):
        await bench.exemplars.lessons(other, "rex")


async def test_regions(filled: Client) -> None:
    stored = sha(PHOTOS["red-blue"])
    assert (await found(filled, Query(image=stored, regions=(LEFT,))))[0] == "green-red"
    result = await filled.search("c", Query(content=PHOTOS["red-blue"], regions=(RIGHT, LEFT)))
    assert result.hits[0].record.path == "red-blue"
    assert [region.box for region in result.hits[0].regions] == [RIGHT, LEFT]
    assert result.hits[0].score > result.hits[1].score + 0.3
    assert stored not in {
        hit.record.id for hit in (await filled.search("c", Query(image=stored, regions=(LEFT,)))).hits
    }


@pytest.mark.parametrize(
    ("region", "why"),
    [
        (Box(16, 0, 20, 5), "outside the picture of 16 x 12"),
        (Point(-1, 3), "outside the picture of 16 x 12"),
        (Point(3, 12), "outside the picture of 16 x 12"),
        (Point(3, 3), "Nothing stands out.*16 x 12"),
        (Box(3.2, 3.2, 3.4, 3.4), "Nothing stands out.*16 x 12"),
    ],
)
async def test_regions_that_are_not_there(filled: Client, region: Point | Box, why: str) -> None:
    with pytest.raises(errors.InvalidInput, match=why):
        await found(filled, Query(content=PHOTOS["red-blue"], regions=(LEFT, region)))


async def test_a_sketch_is_adapted_before_it_is_compared(filled: Client) -> None:
    """The fake encoder takes a sketch for the complement of its colours: the one of this is green."""
    drawing = io.BytesIO()
    pixels = np.full((12, 16, 3), (255, 0, 255), np.uint8)
    pixels[0, 0] = 0
    Image.fromarray(pixels).save(drawing, "PNG")
    assert (await found(filled, Query(content=drawing.getvalue(), medium=Medium.SKETCH)))[0] == "green-green"
    assert (await found(filled, Query(content=drawing.getvalue())))[0] == "red-blue"


@pytest.mark.parametrize("medium", [Medium.SKETCH, Medium.LINE_ART, Medium.LOW_RESOLUTION])
async def test_an_empty_page_is_no_sketch(filled: Client, medium: Medium) -> None:
    page = io.BytesIO()
    Image.new("RGB", (30, 20), (255, 255, 255)).save(page, "PNG")
    with pytest.raises(errors.InvalidInput, match="30 x 20 pixels is empty"):
        await found(filled, Query(content=page.getvalue(), medium=medium))
