from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from retrievers import data_dir
from retrievers.data_dir import default_data_dir, open_data_dir
from retrievers.schema import SCHEMA_VERSION
from thresher.errors import DataDirInUse, InvalidSetting, SchemaMismatch

ROOT = Path(__file__).parents[2]
OWNER = """
import sys
from pathlib import Path
from retrievers.data_dir import open_data_dir
owned = open_data_dir(Path(sys.argv[1]))
print("owned", flush=True)
sys.stdin.read()
"""


def test_a_directory_is_made_and_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b"
    with open_data_dir(path) as first:
        assert first.path == path
        assert json.loads((path / "thresher.json").read_text()) == {"schema_version": SCHEMA_VERSION}
    first.close()
    open_data_dir(path).close()


def test_the_default_is_the_platform_s(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(data_dir, "default_data_dir", lambda: tmp_path / "data")
    with open_data_dir() as opened:
        assert opened.path == tmp_path / "data"
    assert default_data_dir().is_absolute()
    assert default_data_dir().name == "thresher"


def test_one_process_owns_it_until_it_is_killed(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == "owned\n"
    with pytest.raises(DataDirInUse, match=rf"process {process.pid}\b") as error:
        open_data_dir(tmp_path)
    assert error.value.hint
    process.kill()
    process.communicate()
    with open_data_dir(tmp_path), pytest.raises(DataDirInUse, match=rf"process {os.getpid()}\b"):
        open_data_dir(tmp_path)


def test_a_child_of_the_owner_does_not_keep_it(tmp_path: Path) -> None:
    owned = open_data_dir(tmp_path)
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    owned.close()
    open_data_dir(tmp_path).close()
    child.communicate()


@pytest.mark.parametrize("version", [SCHEMA_VERSION + 1, SCHEMA_VERSION - 1])
def test_a_directory_of_another_version_is_left_alone(tmp_path: Path, version: int) -> None:
    (tmp_path / "thresher.json").write_text(json.dumps({"schema_version": version}))
    for _ in range(2):  # the lock is free again
        with pytest.raises(SchemaMismatch) as error:
            open_data_dir(tmp_path)
        assert error.value.hint
    assert json.loads((tmp_path / "thresher.json").read_text()) == {"schema_version": version}


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"schema_version": "new"}', "\0"])
def test_a_version_that_cannot_be_read(tmp_path: Path, text: str) -> None:
    (tmp_path / "thresher.json").write_text(text)
    with pytest.raises(SchemaMismatch):
        open_data_dir(tmp_path)


def test_a_file_is_no_data_directory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(InvalidSetting) as error:
            open_data_dir(path)
        assert error.value.hint
