"""Resource names: `collections/{collection}`, `collections/{collection}/images/{sha256}`,
`collections/{collection}/exemplars/{name in lower case, percent-encoded}`, `operations/{id}`."""

from __future__ import annotations

import re
import urllib.parse

from thresher.errors import InvalidInput
from thresher.types import ImageId

_NAME = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SHOWN = 80


def check_name(name: str, what: str = "collection") -> str:
    """The name itself where it may name a collection or tenant (it becomes a folder's name). InvalidInput otherwise."""
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            f'"{name[:_SHOWN]}" cannot be the name of a {what}.',
            "Use 1 to 63 lower-case letters, digits and hyphens, a letter first and no hyphen last.",
        )
    return name


def is_image_id(value: str) -> bool:
    return _SHA256.fullmatch(value) is not None


def collection_name(collection: str) -> str:
    return f"collections/{check_name(collection)}"


def image_name(collection: str, image: ImageId) -> str:
    return f"collections/{collection}/images/{image}"


def parse_collection(name: str) -> str:
    """Id of a collection from its resource name. InvalidInput."""
    head, _, collection = name.partition("/")
    if head != "collections":
        raise InvalidInput(f'"{name[:_SHOWN]}" is not the resource name of a collection.', "It is collections/{id}.")
    return check_name(collection)


def operation_name(operation: str) -> str:
    return f"operations/{operation}"


def parse_operation(name: str) -> str:
    """Id of an operation from its resource name. InvalidInput."""
    head, _, operation = name.partition("/")
    if head != "operations" or not operation:
        raise InvalidInput(f'"{name[:_SHOWN]}" is not the resource name of an operation.', "It is operations/{id}.")
    return operation


def parse_image(name: str) -> tuple[str, ImageId]:
    """Ids of collection and image from the resource name of an image. InvalidInput."""
    parts = name.split("/")
    if len(parts) != 4 or parts[0] != "collections" or parts[2] != "images" or not is_image_id(parts[3]):
        raise InvalidInput(
            f'"{name[:_SHOWN]}" is not the resource name of an image.', "It is collections/{id}/images/{sha256}."
        )
    return check_name(parts[1]), parts[3]


def exemplar_name(collection: str, name: str) -> str:
    return f"collections/{collection}/exemplars/{urllib.parse.quote(name.casefold(), safe='')}"


def parse_exemplar(name: str) -> tuple[str, str]:
    """Collection and what was taught, from the resource name of an exemplar. InvalidInput."""
    parts = name.split("/")
    if len(parts) != 4 or parts[0] != "collections" or parts[2] != "exemplars" or not parts[3]:
        raise InvalidInput(
            f'"{name[:_SHOWN]}" is not the resource name of an exemplar.',
            "It is collections/{id}/exemplars/{name in lower case, percent-encoded}.",
        )
    return check_name(parts[1]), urllib.parse.unquote(parts[3])
