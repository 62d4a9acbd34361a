"""Servers that are killed while they import. `make chaos` does the same to a real one, 50 times."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

from benchmarks.chaos import chaos
from tests.server.fake_process import Process
from tests.server.fakes import picture, sha
from thresher.client import Client


async def test_an_import_that_is_killed_goes_on_by_itself(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    expected = {}
    for number in range(300):
        content = picture("red", number)
        (root / f"{number}.png").write_bytes(content)
        expected[sha(content)] = (f"{number}.png",)
    randomly = random.Random(0)
    operation = ""
    for _ in range(3):
        server = Process(tmp_path / "data", roots=[root])
        async with Client(server.address) as client:
            if not operation:
                await client.create_collection("c")
                operation = (await client.import_folder("c", str(root))).id
            done = (await client.get_operation(operation)).summary.done
            async with asyncio.timeout(60):
                while (await client.get_operation(operation, wait=0.01)).summary.done < min(300, done + 16):
                    pass
            await asyncio.sleep(randomly.uniform(0, 0.2))
            server.kill()
    server = Process(tmp_path / "data", roots=[root])
    async with Client(server.address) as client:
        found = await client.get_operation(operation, wait=20)
        assert found.ended and found.error is None
        assert (found.summary.done, found.summary.pending, found.summary.failed) == (300, 0, 0)
        records = [record async for record in client.images("c")]
        assert {record.id: record.paths for record in records} == expected
        assert len(records) == 300
        for record in records[::50]:
            assert sha(await client.download("c", record.id)) == record.id
    assert server.end() == 0


async def test_chaos_on_a_real_server(tmp_path: Path) -> None:
    run = await chaos(tmp_path, kills=2, photos=20, seed=1)
    assert run.violations == []
    assert run.kills == 2
    assert len(run.contents) == 80
