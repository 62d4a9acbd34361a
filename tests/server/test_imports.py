"""Imports of folders of the server's machine: what is taken, what is refused, and how one ends."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.longrunning import operations_pb2, operations_pb2_grpc

from retrievers.lance_store import LanceStore
from retrievers.ledger import ItemState
from retrievers.memory_store import MemoryImageStore, MemoryStore
from server import folders, imports
from tests.server.fakes import Bench, make_settings, picture, serving, sha, until
from thresher import errors
from thresher.client import Client
from thresher.records import ImportOperation, ImportState
from thresher.v1 import images_pb2


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An allowed root with a folder "trip" of two photographs, and what is none."""
    trip = tmp_path / "root" / "trip"
    (trip / "day 1").mkdir(parents=True)
    (trip / ".thumbs").mkdir()
    (trip / "a.png").write_bytes(picture("red", 1))
    (trip / "day 1" / "b").write_bytes(picture("blue", 2))
    (trip / ".thumbs" / "t.png").write_bytes(picture("red", 9))
    (trip / ".hidden.png").write_bytes(picture("red", 8))
    (trip / "notes.txt").write_text("notes")
    os.mkfifo(trip / "pipe.png")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.png").write_bytes(picture("green", 7))
    (trip / "link.png").symlink_to(tmp_path / "outside" / "secret.png")
    (trip / "away").symlink_to(tmp_path / "outside")
    return tmp_path / "root"


@asynccontextmanager
async def running(tmp_path: Path, root: Path, store: Any = None) -> AsyncIterator[tuple[Bench, Client]]:
    settings = make_settings(tmp_path, {"shutdown_seconds": 10.0}, import_roots=(root,))
    async with serving(settings, store or MemoryStore()) as bench, Client(bench.address, timeout=20) as client:
        if store is None:
            await client.create_collection("c")
        yield bench, client


@pytest.fixture
async def served(tmp_path: Path, root: Path) -> AsyncIterator[tuple[Bench, Client]]:
    async with running(tmp_path, root) as served:
        yield served


async def ended(client: Client, operation: ImportOperation) -> ImportOperation:
    async with asyncio.timeout(20):
        while not operation.ended:
            operation = await client.get_operation(operation.id, wait=5)
    return operation


async def imported(client: Client, folder: Path, **options: Any) -> ImportOperation:
    return await ended(client, await client.import_folder("c", str(folder), **options))


async def stored(client: Client) -> dict[str, set[str]]:
    return {record.id: set(record.paths) async for record in client.images("c")}


async def test_a_folder_is_imported_and_what_is_no_photograph_said(served: tuple[Bench, Client], root: Path) -> None:
    _, client = served
    operation = await imported(client, root / "trip", tags=["t"])
    assert operation.error is None
    found = operation.summary
    assert (found.pending, found.done, found.skipped, found.failed) == (0, 2, 6, 0)
    assert dict(found.skips) == {"hidden": 2, "a link": 2, "not a photograph": 1, "not a file": 1}
    assert found.done_bytes == len(picture("red", 1)) + len(picture("blue", 2))
    assert (operation.collection, operation.folder, operation.tags) == ("c", str(root / "trip"), ("t",))
    assert operation.ended_at is not None and operation.ended_at >= operation.created_at
    assert await stored(client) == {sha(picture("red", 1)): {"a.png"}, sha(picture("blue", 2)): {"day 1/b"}}
    assert (await client.get_image("c", sha(picture("blue", 2)))).tags == ("day 1", "t")
    assert await client.download("c", sha(picture("red", 1))) == picture("red", 1)
    again = await imported(client, root / "trip")
    assert (again.summary.done, len(await stored(client))) == (2, 2)
    assert [each.id for each in await client.list_operations()] == [again.id, operation.id]
    assert [each.id for each in await client.list_operations(1)] == [again.id]


async def test_only_below_the_roots(tmp_path: Path, root: Path, served: tuple[Bench, Client]) -> None:
    _, client = served
    (root / "out").symlink_to(tmp_path / "outside")
    (root / "loop").symlink_to(root / "loop")
    for folder in (tmp_path / "outside", root / ".." / "outside", root / "out", tmp_path, Path("/"), Path("/nowhere")):
        with pytest.raises(errors.PermissionDenied, match="import roots") as denied:
            await client.import_folder("c", str(folder))
        assert str(root) in denied.value.hint
    for none in (root / "nowhere", root / "trip" / "a.png", "trip", "", "/a\0b"):
        with pytest.raises(errors.InvalidInput):
            await client.import_folder("c", str(none))
    with pytest.raises(errors.ThresherError):
        await client.import_folder("c", str(root / "loop"))
    with pytest.raises(errors.NotFound):
        await client.import_folder("nowhere", str(root / "trip"))
    with pytest.raises(errors.InvalidInput, match="tags"):
        await client.import_folder("c", str(root / "trip"), tags=["a\nb"])
    assert await client.list_operations() == []


async def test_a_server_without_roots_says_how_to_get_them(tmp_path: Path, root: Path) -> None:
    async with serving(make_settings(tmp_path), MemoryStore()) as bench, Client(bench.address) as client:
        await client.create_collection("c")
        with pytest.raises(errors.PermissionDenied, match="--import-root"):
            await client.import_folder("c", str(root / "trip"))


async def test_a_link_inside_a_root_to_inside_is_followed_once_at_the_beginning(
    root: Path, served: tuple[Bench, Client]
) -> None:
    _, client = served
    (root / "alias").symlink_to(root / "trip")
    operation = await imported(client, root / "alias")
    assert (operation.folder, operation.summary.done) == (str(root / "trip"), 2)


async def test_what_is_swapped_for_a_link_meanwhile_leads_nowhere(
    tmp_path: Path, root: Path, served: tuple[Bench, Client]
) -> None:
    bench, client = served
    many = root / "many"
    (many / "z").mkdir(parents=True)
    for number in range(100):
        (many / f"{number:03}.png").write_bytes(picture("red", number))
    (many / "z" / "secret.png").write_bytes(picture("blue", 1))
    (many / "z.png").write_bytes(picture("blue", 2))
    bench.encoder.hold.clear()
    operation = await client.import_folder("c", str(many))
    await until(lambda: bench.encoder.batches)
    (many / "z").rename(many / "y")
    (many / "z").symlink_to(tmp_path / "outside")
    (many / "z.png").unlink()
    (many / "z.png").symlink_to(tmp_path / "outside" / "secret.png")
    bench.encoder.hold.set()
    operation = await ended(client, operation)
    assert (operation.summary.done, operation.summary.failed) == (100, 2)
    assert [path for path, _ in operation.summary.failures] == ["z.png", "z/secret.png"]
    assert all("link" in reason or "not there" in reason for _, reason in operation.summary.failures)
    assert sha(picture("green", 7)) not in await stored(client)


async def test_failures_have_reasons_and_are_retried(root: Path, served: tuple[Bench, Client]) -> None:
    _, client = served
    trip = root / "trip"
    with pytest.raises(errors.NotFound, match="not imported"):
        await client.import_folder("c", str(trip), retry_failed=True)
    (trip / "cut.png").write_bytes(picture("red", 3, (90, 90))[:100])
    (trip / "empty.png").write_bytes(b"")
    (trip / "huge.png").write_bytes(b"\x89PNG" + b"\0" * (21 * 1024 * 1024))
    (trip / "text.jpg").write_text("no image")
    (trip / "locked.png").write_bytes(picture("red", 4))
    operation = await imported(client, trip, tags=["t"])
    reasons = dict(operation.summary.failures)
    assert set(reasons) == {"cut.png", "empty.png", "huge.png", "text.jpg"}
    assert operation.error is None and operation.summary.done == 3
    assert "22,020,100 bytes" in reasons["huge.png"]
    (trip / "cut.png").write_bytes(picture("red", 3, (90, 90)))
    (trip / "new.png").write_bytes(picture("red", 5))
    (trip / "huge.png").unlink()
    again = await imported(client, trip, retry_failed=True)
    assert (again.summary.done, again.summary.failed, again.tags) == (1, 3, ("t",))
    assert "not there" in dict(again.summary.failures)["huge.png"]
    there = await stored(client)
    assert sha(picture("red", 3, (90, 90))) in there and sha(picture("red", 5)) not in there


async def test_nothing_to_import_is_an_error(root: Path, served: tuple[Bench, Client]) -> None:
    _, client = served
    (root / "empty").mkdir()
    operation = await imported(client, root / "empty")
    assert isinstance(operation.error, errors.InvalidInput)
    assert "no photographs" in str(operation.error)


async def test_cancel_keeps_what_is_committed(root: Path, served: tuple[Bench, Client]) -> None:
    bench, client = served
    many = root / "many"
    many.mkdir()
    for number in range(200):
        (many / f"{number}.png").write_bytes(picture("red", number))
    first = await client.import_folder("c", str(many))
    second = await client.import_folder("c", str(root / "trip"))
    with pytest.raises(errors.AlreadyExists, match=first.id):
        await client.import_folder("c", str(many))
    bench.encoder.hold.clear()
    await client.cancel_operation(second.id)
    waiting = await client.get_operation(second.id, wait=5)
    assert waiting.ended and isinstance(waiting.error, errors.Cancelled) and waiting.summary.pending == 0
    with pytest.raises(errors.Conflict, match="Cancel it first"):
        await client.delete_operation(first.id)
    await client.cancel_operation(first.id)
    assert (await client.get_operation(first.id)).state in (ImportState.CANCELLING, ImportState.ENDED)
    bench.encoder.hold.set()
    done = await ended(client, first)
    assert isinstance(done.error, errors.Cancelled)
    assert done.summary.done == len(await stored(client)) < 200
    assert done.summary.done + done.summary.pending == 200
    await client.cancel_operation(first.id)
    await client.delete_operation(first.id)
    for call in (client.get_operation(first.id), client.cancel_operation(first.id), client.delete_operation(first.id)):
        with pytest.raises(errors.NotFound):
            await call
    assert (await imported(client, many)).summary.done == 200


async def test_a_stopped_server_goes_on_with_its_imports(tmp_path: Path, root: Path) -> None:
    many = root / "many"
    many.mkdir()
    for number in range(150):
        (many / f"{number}.png").write_bytes(picture("red", number))
    async with AsyncExitStack() as stack:
        store = LanceStore(tmp_path)
        stack.push_async_callback(store.close)
        async with running(tmp_path, root, store) as (bench, client):
            await client.create_collection("c")
            bench.encoder.hold.clear()
            first = await client.import_folder("c", str(many))
            second = await client.import_folder("c", str(root / "trip"))
            await until(lambda: bench.encoder.batches)
            assert (await client.get_operation(second.id)).state is ImportState.WAITING
            asyncio.get_running_loop().call_later(0.2, bench.encoder.hold.set)
        async with running(tmp_path, root, store) as (_, client):
            for operation, count in ((first, 150), (second, 2)):
                found = await ended(client, operation)
                assert found.error is None
                assert (found.summary.done, found.summary.pending) == (count, 0)
            assert len(await stored(client)) == 151  # one of the trip is among the many


async def test_a_file_that_changes_while_it_is_read_is_read_again(
    root: Path, served: tuple[Bench, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, client = served
    changes = {"a.png": 1, "restless.png": 1000}
    (root / "trip" / "restless.png").write_bytes(picture("red", 5))
    fstat = os.fstat

    def changing(descriptor: int) -> os.stat_result:
        """Each look at the file lies after one more change."""
        name = Path(f"/proc/self/fd/{descriptor}").readlink()
        if changes.get(name.name, 0) > 0:
            changes[name.name] -= 1
            name.write_bytes(picture("red", 100 + changes[name.name]))
        return fstat(descriptor)

    monkeypatch.setattr(folders.os, "fstat", changing)
    operation = await imported(client, root / "trip")
    assert dict(operation.summary.failures).keys() == {"restless.png"}
    assert "changed while it was read" in operation.summary.failures[0][1]
    assert {"a.png"} in (await stored(client)).values()


@pytest.mark.parametrize("when", ["scan", "import"])
async def test_a_collection_that_is_deleted_ends_its_import(
    root: Path, served: tuple[Bench, Client], monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    bench, client = served
    if when == "scan":
        monkeypatch.setattr(imports, "CHUNK", 1)
    else:
        bench.encoder.hold.clear()
    operation = await client.import_folder("c", str(root / "trip"))
    if when == "import":
        await until(lambda: bench.encoder.batches)
    await client.delete_collection("c")
    bench.encoder.hold.set()
    operation = await ended(client, operation)
    assert isinstance(operation.error, errors.NotFound) or operation.summary.done == 2


async def test_a_full_disk_ends_it_and_is_said(
    root: Path, served: tuple[Bench, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, client = served

    async def full(_self: Any, _rows: Any) -> None:
        raise errors.StorageFull("The disk is full.", "Make room.")

    with monkeypatch.context() as patch:
        patch.setattr(MemoryImageStore, "add", full)
        operation = await imported(client, root / "trip")
    assert isinstance(operation.error, errors.StorageFull)
    assert (operation.summary.pending, operation.summary.done) == (2, 0)
    assert (await imported(client, root / "trip")).summary.done == 2


async def test_names_that_are_no_text(root: Path, served: tuple[Bench, Client]) -> None:
    _, client = served
    odd = root / "odd"
    odd.mkdir()
    (odd / os.fsdecode(b"caf\xe9\n.png")).write_bytes(picture("red", 1))
    (odd / os.fsdecode(b"caf\xe8\n.png")).write_bytes(picture("red", 2))
    assert (await imported(client, odd)).summary.done == 2
    assert list((await stored(client)).values()) == [{"caf\ufffd\ufffd.png"}] * 2


async def test_waiting_is_bounded(root: Path, served: tuple[Bench, Client]) -> None:
    bench, client = served
    bench.encoder.hold.clear()
    operation = await client.import_folder("c", str(root / "trip"))
    assert not (await client.get_operation(operation.id, wait=0.05)).ended
    bench.encoder.hold.set()
    assert (await client.get_operation(operation.id, wait=10)).ended


async def test_the_service_as_others_call_it(root: Path, served: tuple[Bench, Client]) -> None:
    bench, client = served
    made = [(await imported(client, root / "trip")).id for _ in range(3)]
    async with grpc.aio.insecure_channel(bench.address) as channel:
        stub = operations_pb2_grpc.OperationsStub(channel)
        seen: list[str] = []
        token = ""
        while not seen or token:
            request = operations_pb2.ListOperationsRequest(name="operations", page_size=2, page_token=token)
            page = await stub.ListOperations(request)
            seen += [each.name for each in page.operations]
            token = page.next_page_token
        assert seen == [f"operations/{name}" for name in reversed(made)]
        whole = await stub.GetOperation(operations_pb2.GetOperationRequest(name=seen[0]))
        response = images_pb2.ImportImagesResponse()
        assert whole.done and whole.response.Unpack(response)
        assert (response.done, response.skipped) == (2, 6)
        for call, request in (
            (stub.ListOperations, operations_pb2.ListOperationsRequest(filter="done = true")),
            (stub.ListOperations, operations_pb2.ListOperationsRequest(page_token="x")),
            (stub.ListOperations, operations_pb2.ListOperationsRequest(page_size=-1)),
            (stub.GetOperation, operations_pb2.GetOperationRequest(name=made[0])),
            (stub.CancelOperation, operations_pb2.CancelOperationRequest(name="operations/")),
        ):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call(request)
            assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_a_deep_tree_and_what_is_not_readable(tmp_path: Path) -> None:
    deep = tmp_path
    for _ in range(105):
        deep = deep / "d"
    deep.mkdir(parents=True)
    (deep / "a.png").write_bytes(picture())
    (tmp_path / "b.png").write_bytes(picture())
    found = {item.path: item for item in folders.Folders([tmp_path]).walk(tmp_path.resolve())}
    assert found.pop(b"b.png").state is ItemState.PENDING
    [(path, item)] = found.items()
    assert (path, item.reason) == (b"/".join([b"d"] * 101), "too deep")
