"""The client: typed, asynchronous, one class.

    async with Client() as client:
        async for event in client.ask("holiday", "How many photos show a dog?"):
            ...

Every method raises the errors of `thresher.errors`: `Unavailable` where no server answers, `DeadlineExceeded` after
`timeout` seconds, otherwise what the server says.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, AsyncIterable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any

import grpc
from google.longrunning import operations_pb2, operations_pb2_grpc

from thresher.convert import (
    collection_from_proto,
    filter_to_proto,
    image_from_proto,
    prompt_to_proto,
    region_from_proto,
)
from thresher.convert_ask import event_from_proto, options_to_proto, witnesses_from_proto
from thresher.convert_operations import change_to_proto, operation_from_proto
from thresher.convert_search import hit_from_proto, query_to_proto, ranker_to_proto
from thresher.errors import InvalidInput
from thresher.names import collection_name, image_name, operation_name
from thresher.records import ImportOperation, Limits, ModelInfo, SearchResult, ServerInfo, UploadItem, UploadResult
from thresher.status import ServerStatus, error_from_rpc
from thresher.teaching import Teaching
from thresher.types import (
    AskEvent,
    AskOptions,
    Collection,
    Filter,
    ImageChange,
    ImageId,
    ImageRecord,
    Prompt,
    Query,
    Ranker,
    Region,
    Witnesses,
)
from thresher.uploading import upload_messages, upload_result
from thresher.v1 import (
    ask_pb2,
    ask_pb2_grpc,
    collections_pb2,
    collections_pb2_grpc,
    images_pb2,
    images_pb2_grpc,
    search_pb2,
    search_pb2_grpc,
    server_pb2,
    server_pb2_grpc,
)

DEFAULT_ADDRESS = "127.0.0.1:50551"
MESSAGE_BYTES = 8 * 1024 * 1024
CONTENT_BYTES = 7 * 1024 * 1024
"""The largest photograph that `Client.search` sends."""
MISSING_BATCH = 10_000
CHANGE_BATCH = 1_000
_PAGE = 500
_OPTIONS = [
    ("grpc.max_receive_message_length", MESSAGE_BYTES),
    ("grpc.max_send_message_length", MESSAGE_BYTES),
    ("grpc.enable_http_proxy", 0),
]


def default_address() -> str:
    """THRESHER_ADDRESS, or where `thresher serve` listens by default."""
    return os.environ.get("THRESHER_ADDRESS") or DEFAULT_ADDRESS


class Client(Teaching):
    """A connection to one server. `timeout` bounds a plain call in seconds; uploads and downloads are not bounded."""

    def __init__(self, address: str | None = None, *, timeout: float = 30.0) -> None:
        self.address = address or default_address()
        self._timeout = timeout
        self._channel = grpc.aio.insecure_channel(self.address, options=_OPTIONS)
        self._server = server_pb2_grpc.ServerServiceStub(self._channel)
        self._collections = collections_pb2_grpc.CollectionServiceStub(self._channel)
        self._images = images_pb2_grpc.ImageServiceStub(self._channel)
        self._operations = operations_pb2_grpc.OperationsStub(self._channel)
        self._search = search_pb2_grpc.SearchServiceStub(self._channel)
        self._grounding = search_pb2_grpc.GroundingServiceStub(self._channel)
        self._ask = ask_pb2_grpc.AskServiceStub(self._channel)

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends what is under way."""
        await self._channel.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except grpc.aio.AioRpcError as error:
            raise error_from_rpc(error, self.address) from error

    async def _call(self, method: Any, request: Any) -> Any:
        with self._translated():
            return await method(request, timeout=self._timeout)

    # --- server and collections ---

    async def server_info(self) -> ServerInfo:
        info = await self._call(self._server.GetServerInfo, server_pb2.GetServerInfoRequest())
        return ServerInfo(
            version=info.version,
            schema_version=info.schema_version,
            profile=info.profile,
            encoder=ModelInfo(info.encoder.id, info.encoder.weights),
            grounder=ModelInfo(info.grounder.id, info.grounder.weights),
            generator=ModelInfo(info.generator.id, info.generator.weights),
            generator_ready=info.generator_ready,
            generator_detail=info.generator_detail,
            generator_failed=info.generator_failed,
            judge=ModelInfo(info.judge.id, info.judge.weights),
            sees=info.sees,
            plans=info.plans,
            limits=Limits(
                max_concurrent_asks=info.limits.max_concurrent_asks,
                max_image_bytes=info.limits.max_image_bytes,
                max_image_pixels=info.limits.max_image_pixels,
                max_question_characters=info.limits.max_question_characters,
                max_ask_seconds=info.limits.max_ask_seconds,
            ),
        )

    async def create_collection(self, collection: str, display_name: str = "") -> Collection:
        """AlreadyExists."""
        collection_name(collection)
        request = collections_pb2.CreateCollectionRequest(
            collection_id=collection, collection=collections_pb2.Collection(display_name=display_name)
        )
        return collection_from_proto(await self._call(self._collections.CreateCollection, request))

    async def get_collection(self, collection: str) -> Collection:
        """NotFound."""
        request = collections_pb2.GetCollectionRequest(name=collection_name(collection))
        return collection_from_proto(await self._call(self._collections.GetCollection, request))

    async def list_collections(self) -> list[Collection]:
        """All of them, by name."""
        found: list[Collection] = []
        token = ""
        while True:
            request = collections_pb2.ListCollectionsRequest(page_size=_PAGE, page_token=token)
            page = await self._call(self._collections.ListCollections, request)
            found += map(collection_from_proto, page.collections)
            token = page.next_page_token
            if not token:
                return found

    async def delete_collection(self, collection: str) -> None:
        """With all its photographs. NotFound."""
        request = collections_pb2.DeleteCollectionRequest(name=collection_name(collection))
        await self._call(self._collections.DeleteCollection, request)

    # --- images ---

    async def missing(self, collection: str, ids: Sequence[ImageId]) -> list[ImageId]:
        """Those that the collection does not hold, in the order given."""
        found: list[ImageId] = []
        for start in range(0, len(ids), MISSING_BATCH):
            request = images_pb2.FindMissingImagesRequest(
                parent=collection_name(collection), sha256=ids[start : start + MISSING_BATCH]
            )
            found += (await self._call(self._images.FindMissingImages, request)).sha256
        return found

    async def upload(self, collection: str, items: AsyncIterable[UploadItem]) -> AsyncGenerator[UploadResult, None]:
        """One result for each item, once it is committed; a refused one has an error and the rest goes on.

        An exception of `items` ends the stream of items, and is raised after the results of those before it.

        Close the iterator (`contextlib.aclosing`) to stop early: what has no result yet may or may not be stored.
        """
        failures: list[Exception] = []
        call = self._images.UploadImages(upload_messages(collection_name(collection), items, failures))
        status = ServerStatus(call)
        try:
            async for response in call:
                yield upload_result(response)
        except grpc.aio.AioRpcError as error:
            raise error_from_rpc(await status.of(error), self.address) from error
        finally:
            call.cancel()
        if failures:
            raise failures[0]

    async def images(
        self, collection: str, where: Filter | None = None, limit: int | None = None
    ) -> AsyncGenerator[ImageRecord, None]:
        """Photographs that match, by id; all of them, or the first `limit`."""
        token, left = "", limit
        while left is None or left > 0:
            request = images_pb2.ListImagesRequest(
                parent=collection_name(collection),
                page_size=_PAGE if left is None else min(left, _PAGE),
                page_token=token,
                filter=filter_to_proto(collection, where or Filter()),
            )
            page = await self._call(self._images.ListImages, request)
            for image in page.images:
                yield image_from_proto(image)
            token = page.next_page_token
            if not token:
                return
            left = None if left is None else left - len(page.images)

    async def get_image(self, collection: str, image: ImageId) -> ImageRecord:
        """NotFound."""
        request = images_pb2.GetImageRequest(name=_image(collection, image))
        return image_from_proto(await self._call(self._images.GetImage, request))

    async def delete_image(self, collection: str, image: ImageId) -> None:
        """NotFound."""
        await self._call(self._images.DeleteImage, images_pb2.DeleteImageRequest(name=_image(collection, image)))

    async def download(self, collection: str, image: ImageId) -> bytes:
        """The bytes as they were uploaded. NotFound."""
        content = bytearray()
        with self._translated():
            async for response in self._images.DownloadImage(
                images_pb2.DownloadImageRequest(name=_image(collection, image))
            ):
                content += response.chunk
        return bytes(content)

    async def change_images(self, collection: str, changes: Sequence[ImageChange]) -> list[ImageId]:
        """Remove and add paths and tags. Those that are not stored. InvalidInput: one would be without a path."""
        missing: list[ImageId] = []
        for start in range(0, len(changes), CHANGE_BATCH):
            request = images_pb2.ChangeImagesRequest(
                parent=collection_name(collection), changes=map(change_to_proto, changes[start : start + CHANGE_BATCH])
            )
            missing += (await self._call(self._images.ChangeImages, request)).missing
        return missing

    # --- folders of the server's machine ---

    async def import_folder(
        self, collection: str, folder: str, tags: Sequence[str] = (), *, retry_failed: bool = False
    ) -> ImportOperation:
        """Begin to import a folder of the server's machine, or what failed of it in its last import.

        PermissionDenied outside the server's import roots; AlreadyExists while it is being imported.
        """
        request = images_pb2.ImportImagesRequest(
            parent=collection_name(collection), folder=folder, tags=tags, retry_failed=retry_failed
        )
        return operation_from_proto(await self._call(self._images.ImportImages, request))

    async def get_operation(self, operation: str, wait: float = 0.0) -> ImportOperation:
        """As it is now, or once it has ended, at the latest after `wait` seconds. NotFound."""
        name = operation_name(operation)
        if not wait:
            request = operations_pb2.GetOperationRequest(name=name)
            return operation_from_proto(await self._call(self._operations.GetOperation, request))
        waiting = operations_pb2.WaitOperationRequest(name=name)
        waiting.timeout.FromMilliseconds(int(wait * 1000))
        return operation_from_proto(await self._call(self._operations.WaitOperation, waiting))

    async def list_operations(self, limit: int = 100) -> list[ImportOperation]:
        """The newest first."""
        found: list[ImportOperation] = []
        token = ""
        while len(found) < limit:
            size = min(limit - len(found), _PAGE)
            request = operations_pb2.ListOperationsRequest(name="operations", page_size=size, page_token=token)
            page = await self._call(self._operations.ListOperations, request)
            found += map(operation_from_proto, page.operations)
            token = page.next_page_token
            if not token:
                break
        return found

    async def cancel_operation(self, operation: str) -> None:
        """It ends soon; what was imported stays. NotFound."""
        request = operations_pb2.CancelOperationRequest(name=operation_name(operation))
        await self._call(self._operations.CancelOperation, request)

    async def delete_operation(self, operation: str) -> None:
        """Forget one that has ended. NotFound; Conflict where it has not."""
        request = operations_pb2.DeleteOperationRequest(name=operation_name(operation))
        await self._call(self._operations.DeleteOperation, request)

    # --- questions ---

    async def search(
        self,
        collection: str,
        query: str | Query,
        *,
        where: Filter | None = None,
        limit: int = 20,
        ranker: Ranker = Ranker.DEFAULT,
        separate_duplicates: bool = False,
    ) -> SearchResult:
        """Photographs nearest to a text, a picture, parts of one, or both, best first.

        Those that nearly repeat each other are one hit, unless `separate_duplicates`.
        """
        query = Query(query) if isinstance(query, str) else query
        if len(query.content) > CONTENT_BYTES:
            has, most = len(query.content) / 2**20, CONTENT_BYTES / 2**20
            raise InvalidInput(
                f"The photograph has {has:.1f} MiB; a search sends {most:.0f} at most.",
                "Save it smaller, or import it: one of the collection is searched for by its id.",
            )
        request = search_pb2.SearchRequest(
            parent=collection_name(collection),
            query=query_to_proto(collection, query),
            filter=filter_to_proto(collection, where or Filter()),
            limit=limit,
            ranker=ranker_to_proto(ranker),
            separate_duplicates=separate_duplicates,
        )
        response = await self._call(self._search.Search, request)
        hits = tuple(map(hit_from_proto, response.hits))
        return SearchResult(hits, response.unknown_concept, tuple(response.nearest))

    async def ground(self, collection: str, image: ImageId, prompts: Sequence[Prompt]) -> list[tuple[Region, ...]]:
        """Regions with masks for each prompt, best first."""
        request = search_pb2.GroundRequest(
            image=_image(collection, image), prompts=[prompt_to_proto(prompt) for prompt in prompts]
        )
        response = await self._call(self._grounding.Ground, request)
        return [tuple(map(region_from_proto, result.regions)) for result in response.results]

    async def witnesses(
        self, collection: str, phrases: Sequence[str], scope: Filter | None = None
    ) -> tuple[tuple[ImageId, ...], tuple[Witnesses, ...]]:
        """(photographs of the scope, what the judge is given about each phrase): for fitting it."""
        request = ask_pb2.GetWitnessesRequest(
            parent=collection_name(collection), phrases=phrases, scope=filter_to_proto(collection, scope or Filter())
        )
        return witnesses_from_proto(await self._call(self._ask.GetWitnesses, request))

    async def ask(
        self,
        collection: str,
        question: str,
        options: AskOptions | None = None,
        *,
        seconds: float | None = 120.0,
    ) -> AsyncGenerator[AskEvent, None]:
        """Plan, steps, texts (a later one replaces an earlier one) and evidence as they come; a `Reply` is the last.

        DeadlineExceeded after `seconds`; the server may allow fewer. Close the iterator (`contextlib.aclosing`) to
        stop early: the server then stops working on it.
        """
        request = ask_pb2.AskRequest(
            parent=collection_name(collection),
            question=question,
            options=options_to_proto(collection, options or AskOptions()),
        )
        call = self._ask.Ask(request, timeout=seconds)
        try:
            with self._translated():
                async for response in call:
                    yield event_from_proto(response)
        finally:
            call.cancel()


def _image(collection: str, image: ImageId) -> str:
    collection_name(collection)
    return image_name(collection, image)
