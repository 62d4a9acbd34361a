"""Where the demo's photographs come from."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from evaluation.photos import SOURCES, find_photographs, lay_out
from thresher.errors import NotFound


def packages(root: Path, *, without: str = "") -> dict[str, ModuleSpec]:
    specs = {}
    for distribution, source in SOURCES.items():
        if distribution == without:
            continue
        folder = root / source.module / source.folder
        folder.mkdir(parents=True)
        for name in (f"{source.module}.jpg", "b.png", "c.jpeg", "table.csv", "__init__.py"):
            (folder / name).write_bytes(f"{distribution} {name}".encode())
        spec = ModuleSpec(source.module, None, is_package=True)
        spec.submodule_search_locations = [str(root / source.module)]
        specs[source.module] = spec
    return specs


def test_pictures_and_nothing_else_by_package(tmp_path: Path) -> None:
    found = find_photographs(packages(tmp_path).get)
    assert list(found) == sorted(found)
    assert len(found) == 3 * len(SOURCES)
    assert found["scikit-image/skimage.jpg"] == tmp_path / "skimage" / "data" / "skimage.jpg"


@pytest.mark.parametrize("distribution", SOURCES)
def test_a_missing_package_is_named_with_the_command(tmp_path: Path, distribution: str) -> None:
    with pytest.raises(NotFound) as caught:
        find_photographs(packages(tmp_path, without=distribution).get)
    assert distribution in str(caught.value)
    assert "make demo" in str(caught.value)


def test_layout_is_made_once_and_mended(tmp_path: Path) -> None:
    found = find_photographs(packages(tmp_path / "site").get)
    folder = tmp_path / "photos"
    assert lay_out(folder, found) == len(found)
    assert lay_out(folder, found) == 0
    (folder / "gradio" / "b.png").write_bytes(b"")
    assert lay_out(folder, found) == 1
    assert {str(path.relative_to(folder)) for path in folder.rglob("*.*")} == set(found)
    assert all((folder / name).read_bytes() == path.read_bytes() for name, path in found.items())


def test_installed_packages_are_not_imported() -> None:
    before = set(sys.modules)
    try:
        found = find_photographs()
    except NotFound as error:
        pytest.skip(str(error))
    assert {"scikit-image/coffee.png", "scikit-learn/china.jpg", "matplotlib/grace_hopper.jpg"} <= set(found)
    assert {"gradio/lion.jpg", "gradio/cheetah.jpg"} <= set(found)
    assert not {source.module for source in SOURCES.values()} & (set(sys.modules) - before)
