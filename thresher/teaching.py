"""What the client does with exemplars: things taught by name, to be searched for by that name."""

from __future__ import annotations

from typing import Any

import grpc

from thresher.convert import box_to_proto
from thresher.convert_exemplars import exemplar_from_proto
from thresher.errors import InvalidInput
from thresher.names import collection_name, exemplar_name, image_name
from thresher.types import Box, Exemplar, ImageId
from thresher.v1 import exemplars_pb2, exemplars_pb2_grpc

_PAGE = 500


class Teaching:
    """The part of `thresher.client.Client` that teaches."""

    _channel: grpc.aio.Channel

    async def _call(self, method: Any, request: Any) -> Any:
        raise NotImplementedError

    @property
    def _exemplars(self) -> Any:
        return exemplars_pb2_grpc.ExemplarServiceStub(self._channel)

    async def teach(
        self, collection: str, name: str, *, image: ImageId = "", content: bytes = b"", box: Box | None = None
    ) -> Exemplar:
        """Teach a name by a photograph of the collection or the bytes of any, and where the thing is in it, in pixels.

        A name that was taught before is taught by one photograph more. NotFound, InvalidInput, InvalidImage;
        EncoderMismatch where it was taught to another encoder.
        """
        if bool(image) == bool(content):
            raise InvalidInput("A name is taught by one photograph.", "Give an image or the content of one.")
        request = exemplars_pb2.CreateExemplarRequest(
            parent=collection_name(collection),
            display_name=name,
            box=None if box is None else box_to_proto(box),
        )
        if image:
            request.image = image_name(collection, image)
        else:
            request.image_content = content
        return exemplar_from_proto(await self._call(self._exemplars.CreateExemplar, request))

    async def exemplars(self, collection: str) -> list[Exemplar]:
        """All that was taught, by name. NotFound."""
        found: list[Exemplar] = []
        token = ""
        while True:
            request = exemplars_pb2.ListExemplarsRequest(
                parent=collection_name(collection), page_size=_PAGE, page_token=token
            )
            page = await self._call(self._exemplars.ListExemplars, request)
            found += map(exemplar_from_proto, page.exemplars)
            token = page.next_page_token
            if not token:
                return found

    async def forget(self, collection: str, name: str) -> None:
        """Forget a name, with every photograph that taught it. NotFound names those that were taught."""
        collection_name(collection)
        request = exemplars_pb2.DeleteExemplarRequest(name=exemplar_name(collection, name))
        await self._call(self._exemplars.DeleteExemplar, request)
