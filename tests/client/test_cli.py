from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from PIL import Image
from typer.testing import CliRunner

from tests.server.fakes import picture, sha
from thresher import cli
from thresher.cli import app
from thresher.client import Client
from thresher.records import ImportState


@pytest.fixture
def run(address: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("THRESHER_ADDRESS", address)
    runner = CliRunner()

    def run(*arguments: str | Path, code: int = 0) -> Result:
        result = runner.invoke(app, [str(argument) for argument in arguments])
        assert result.exit_code == code, result.output + repr(result.exception)
        return result

    return run


def test_from_a_folder_to_an_answer(run: Any, photos: Path, tmp_path: Path) -> None:
    imported = run("import", "walk", photos, "--tag", "trip", "--json")
    assert json.loads(imported.stdout) | {"seconds": 0} == {
        "collection": "walk",
        "created": 3,
        "existed": 2,
        "skipped": 3,
        "failed": [],
        "seconds": 0,
    }
    [collection] = [each for each in json.loads(run("collections", "list", "--json").stdout) if each["name"] == "walk"]
    assert collection["images"] == 3
    answer = json.loads(run("ask", "walk", "How many are red?", "--json", "--save-overlays", tmp_path / "out").stdout)
    assert list(answer)[:2] == ["question", "plan"]
    assert answer["plan"] == {
        "kind": "count",
        "target": "red",
        "condition": None,
        "compare_with": None,
        "comparison": None,
        "planner": "grammar",
        "one": False,
    }
    verdict = answer["verdict"]
    assert (verdict["kind"], verdict["value"], len(verdict["images"]), len(verdict["image_ids"])) == ("count", 3, 3, 3)
    assert verdict["images"][0] == "a.png"
    assert {"abstained", "reason", "confidence", "answer", "citations", "steps", "seconds"} <= set(answer)
    assert (answer["abstained"], answer["reason"], answer["answer"]) == (False, None, "3 photographs.")
    region = answer["citations"][0]["regions"][0]
    assert region["mask"]["size"] == [12, 16]
    pictures = sorted((tmp_path / "out").iterdir())
    assert {path.name[2:] for path in pictures} == {"-a.jpg", "-b.jpg", "-no-suffix.jpg"}
    assert Image.open(pictures[0]).size == (16, 12)


def test_answers_for_people(run: Any, photos: Path) -> None:
    run("import", "people", photos)
    shown = run("ask", "people", "How many are red?").stdout
    assert shown.count("3 photographs.") == 1
    for part in ("count: red", "retrieve", "3 photographs.", "90 % interval 3–4", "no language model", "a.png"):
        assert part in shown
    assert "3 photographs." in run("ask", "people", "How many are red?", "--pipeline", "base_rate").stdout
    assert "a.png" in run("search", "people", "red").stdout
    assert "Nearest: red, green" in run("search", "people", "flibbertigibbet").stdout
    assert "a.png" in run("images", "list", "people").stdout
    assert "3" in run("collections", "get", "people").stdout
    assert "Language model  fake" in run("status").stdout


def test_filters(run: Any, photos: Path) -> None:
    run("import", "filtered", photos, "--tag", "trip")
    wide, b_only = 'tag:"trip" AND width >= 16', "path = 2020/b.png"
    assert len(json.loads(run("images", "list", "filtered", "--filter", wide, "--json").stdout)) == 3
    [image] = json.loads(run("images", "list", "filtered", "--filter", b_only, "--json").stdout)
    assert "2020/b.png" in image["paths"]
    hits = json.loads(run("search", "filtered", "red", "--filter", b_only, "--json").stdout)["hits"]
    assert [hit["image"] for hit in hits] == ["2020/b.png"]
    for arguments in (["images", "list", "filtered"], ["search", "filtered", "red"]):
        shown = run(*arguments, "--filter", "widht > 3", code=1).stderr
        assert 'there is no field "widht". Did you mean width?' in shown
    run("ask", "filtered", "How many are red?", "--filter", b_only)


def test_questions_from_a_file(run: Any, photos: Path, tmp_path: Path) -> None:
    run("import", "many", photos)
    file = tmp_path / "questions.txt"
    file.write_text("How many are red?\n\n???\nAnd blue?\n")
    lines = [json.loads(line) for line in run("ask", "many", "--questions", file, code=1).stdout.splitlines()]
    assert [line["question"] for line in lines] == ["How many are red?", "???", "And blue?"]
    assert lines[1]["error"]["code"] == "INVALID_QUESTION"
    assert lines[2]["verdict"]["value"] == 3


def test_search_by_file_and_images(run: Any, photos: Path, tmp_path: Path) -> None:
    run("import", "files", photos)
    found = json.loads(run("search", "files", "--image", photos / "2020" / "b.png", "--limit", "1", "--json").stdout)
    assert found["hits"][0]["image"] == "2020/b.png"
    image = sha(picture("blue", 2))
    assert json.loads(run("images", "get", "files", "2020/b.png", "--json").stdout)["id"] == image
    shown = run("images", "get", "files", image).stdout
    assert "paths: 2020/b.png\n" in shown
    assert "None" not in shown and "[" not in shown
    assert "No such file" in run("images", "get", "files", image, "--output", "/nowhere/x.png", code=1).stderr
    assert (tmp_path / "back.png").exists() is False
    run("images", "get", "files", image[:10], "--output", tmp_path / "back.png")
    assert (tmp_path / "back.png").read_bytes() == picture("blue", 2)
    assert "--yes" in run("images", "delete", "files", image, code=1).stderr
    run("images", "delete", "files", image, "--yes")
    assert "No photograph" in run("images", "get", "files", image, code=1).stderr


def test_search_by_a_file_that_is_too_large_to_send(run: Any, tmp_path: Path) -> None:
    folder = tmp_path / "large"
    folder.mkdir()
    (folder / "small.png").write_bytes(picture("red", 1))
    run("import", "large", folder)
    large = folder / "large.png"
    large.write_bytes(picture("red", 2) + b"\0" * (9 << 20))
    refused = run("search", "large", "--image", large, code=1).stderr
    assert "9.0 MiB; a search sends 7 at most" in refused
    run("import", "large", large)
    found = json.loads(run("search", "large", "--image", large, "--json").stdout)
    assert [hit["image"] for hit in found["hits"]] == ["small.png"]


def test_a_photograph_is_deleted_by_all_its_names(run: Any, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("import", "names", photos)
    asked: list[str] = []
    monkeypatch.setattr(cli, "_confirm", asked.append)
    run("images", "delete", "names", "a.png")
    run("collections", "delete", "names")
    assert all(name in asked[0] for name in ("a.png", "inner.png", "2020/beach/copy.png"))
    assert asked[1] == "Delete names and its 2 photographs?"


def test_only_what_can_be_tried_again_is_told_so(run: Any, photos: Path) -> None:
    refused = run("import", "Bad Name", photos, code=1).stderr
    assert "again" not in refused and "are in" not in refused
    assert "same command again" in run("import", "walk", photos, "--address", "127.0.0.1:1", code=1).stderr


def test_collections(run: Any) -> None:
    assert "Made empty" in run("collections", "create", "empty").stdout
    assert "already" in run("collections", "create", "empty", code=1).stderr
    run("collections", "delete", "empty", "--yes")
    error = run("collections", "get", "empty", code=1).stderr
    assert "no collection" in error
    assert "Traceback" not in error


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["ask", "walk"], 2, "QUESTION"),
        (["ask", "walk", ""], 2, "QUESTION"),
        (["ask", "Bad Name", "red?"], 1, "cannot be the name"),
        (["ask", "nowhere", "red?"], 1, "no collection"),
        (["search", "walk"], 2, "TEXT"),
        (["import", "walk", "/nowhere"], 1, "does not exist"),
        (["ask", "walk", "red?", "--address", "127.0.0.1:1"], 1, "thresher serve"),
        (["status", "--address", "no such host:x"], 1, ""),
        (["search", "walk", "--image", "/nowhere.png"], 1, "cannot be read"),
        (["ask", "walk", "--questions", "/nowhere.txt"], 1, "cannot be read"),
        (["ask", "walk", "\udcff dog"], 1, "not text"),
        (["search", "walk", "\udcff"], 1, "not text"),
        (["import", "walk", "\udcff"], 1, "does not exist"),
        (["import", "walk", __file__, "--tag", ""], 1, "an empty or long one"),
        (["ask", "walk", "red?", "--save-overlays", __file__], 1, "cannot be a folder"),
        (["collections", "delete", "nowhere", "--yes"], 1, "no collection"),
    ],
)
def test_errors_are_a_line_with_a_hint(run: Any, arguments: list[str], code: int, said: str) -> None:
    result = run(*arguments, code=code)
    assert said in result.stderr
    assert "Traceback" not in result.output
    if code == 1:
        assert len(result.stderr.strip().splitlines()) == 1


def test_without_pillow(run: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert "pip install pillow" in run("ask", "walk", "red?", "--save-overlays", tmp_path, code=1).stderr


def test_commands_of_the_server_where_it_is_not_installed() -> None:
    code = (
        "import thresher.cli as cli, importlib.metadata\n"
        "cli.entry_points = lambda group: ()\n"
        "import sys; sys.argv = ['thresher', 'serve']\n"
        "cli.main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "make demo" in done.stderr


def test_an_import_by_the_server(run: Any, photos: Path) -> None:
    (photos / "cut.png").write_bytes(picture("red", 2, (90, 90))[:90])
    done = json.loads(run("import", "served", photos, "--on-server", "--tag", "t", "--json").stdout)
    assert (done["state"], done["done"], done["failed"], done["pending"]) == ("ended", 4, 1, 0)
    assert [failure["path"] for failure in done["failures"]] == ["cut.png"]
    assert done["skips"]["a link"] == 3
    (photos / "cut.png").write_bytes(picture("red", 2, (90, 90)))
    again = run("import", "served", photos, "--retry-failed")
    assert "done; 1 there, 0 failed" in again.stdout
    assert run("operations", "show", done["operation"]).stderr.startswith("cut.png: ")
    cancelled = json.loads(run("operations", "cancel", done["operation"], "--json").stdout)
    assert (cancelled["operation"], cancelled["error"]) == (done["operation"], None)
    listed = json.loads(run("operations", "list", "--json", "--limit", "2").stdout)
    assert [each["collection"] for each in listed] == ["served", "served"]
    assert done["operation"] in run("operations", "list").stdout
    refused = run("import", "served", "/", "--on-server", code=1)
    assert "import roots" in refused.stderr
    assert "one folder" in run("import", "served", photos, photos, "--on-server", code=1).stderr
    assert "operations list" in run("operations", "show", "import-0", code=1).stderr


async def test_ctrl_c_leaves_the_import_to_the_server(address: str, client: Client, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(3000):
        (folder / f"{number}.png").write_bytes(picture("red", number))
    command = [sys.executable, "-m", "thresher", "import", "left", str(folder), "--on-server", "--address", address]
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    operation = None
    async with asyncio.timeout(120):
        while operation is None:
            await asyncio.sleep(0.05)
            found = [each for each in await client.list_operations() if each.collection == "left"]
            operation = next((each for each in found if each.state is ImportState.IMPORTING), None)
        ending = asyncio.create_task(process.communicate())
        while not ending.done():  # again where the first one came at a moment that let it pass
            process.send_signal(signal.SIGINT)
            await asyncio.wait([ending], timeout=5)
        _, said = await ending
    assert process.returncode == 130
    assert f"goes on at the server. See `thresher operations show {operation.id}`" in said.decode()
    async with asyncio.timeout(120):
        while not operation.ended:
            operation = await client.get_operation(operation.id, wait=5)
    assert operation.error is None, operation.error
    assert operation.summary.done == 3000


def test_sync(run: Any, photos: Path) -> None:
    first = json.loads(run("sync", "synced", photos, "--json").stdout)
    assert (first["created"], first["gone"], first["moved"]) == (3, [], [])
    (photos / "2020" / "b.png").rename(photos / "c.png")
    (photos / "2020" / "beach" / "no-suffix").unlink()
    said = run("sync", "synced", photos)
    assert "renamed 2020/b.png → c.png" in said.stderr
    assert "gone 2020/beach/no-suffix" in said.stderr
    assert "0 new, 1 renamed, 0 deleted, 1 gone (--delete deletes them)" in " ".join(said.stdout.split())
    deleted = json.loads(run("sync", "synced", photos, "--delete", "--json").stdout)
    assert (deleted["deleted"], deleted["gone"][0]["paths"]) == (1, ["2020/beach/no-suffix"])
    assert "no folder" in run("sync", "synced", photos / "a.png", code=1).stderr
