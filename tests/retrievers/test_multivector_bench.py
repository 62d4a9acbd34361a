"""The benchmark's own parts: what it makes, and that its stages are compared with the true best."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.multivector import LENGTHS, NOTHING, Bench, Stage, asked, best, figures, made
from retrievers.maxsim import maxsim


def test_documents_are_clustered_and_made_from_a_seed() -> None:
    documents = made(300)
    cube = documents.vectors.reshape(300, 16, 64).astype(np.float32)
    np.testing.assert_allclose(np.linalg.norm(cube, axis=2), 1, atol=2e-3)
    np.testing.assert_array_equal(made(300).vectors, documents.vectors)
    scores = maxsim(cube[0], documents) / 16
    assert (scores > 0.5).sum() > 300 / 6 / 2  # its scene, of six
    assert (scores < 0.4).sum() > 300 / 2  # the others


def test_queries_lead_to_their_document() -> None:
    documents = made(300)
    for length in LENGTHS:
        queries = asked(documents, length)
        assert {query.shape for query in queries} == {(length, 64)}
        assert np.mean([maxsim(query, documents).max() / length for query in queries]) > 0.8


def test_best_first() -> None:
    np.testing.assert_array_equal(best(np.array([1, 5, 3, 4], np.float32), 2), [1, 3])
    np.testing.assert_array_equal(best(np.array([1, 5], np.float32), 9), [1, 0])


async def test_stages_find_what_exact_maxsim_finds(tmp_path: Path) -> None:
    bench = Bench(made(600), tmp_path, "600 made documents", own=False)
    bench._candidates = 60
    await bench.run()
    exact, pooled, encoded = (bench.stage(name) for name in ("exact", "pooled", "FDE"))
    assert set(exact.recall.values()) == {1.0}
    assert 0.8 <= encoded.recall[32] <= 1
    assert 0.8 <= pooled.recall[32] <= 1
    assert encoded.costs.disk > 0
    assert encoded.recall[1] < 1  # a tenth of the documents cannot hold it all


def test_figures_have_the_names_and_goals_of_the_claims(tmp_path: Path) -> None:
    sizes = (100, 200)
    benches = [Bench(made(count), tmp_path, f"{count} made documents", own=False) for count in sizes]
    for bench, seconds in zip(benches, (1.0, 2.0), strict=True):
        for name, factor in {"exact": 4, "pooled": 1, "FDE": 1, "LanceDB scan": 40}.items():
            same = dict.fromkeys(LENGTHS, factor * seconds)
            bench.stages[name] = Stage(name, NOTHING, dict.fromkeys(LENGTHS, 1.0), same)
    multivector = Stage("LanceDB multivector IvfPq, refine none", NOTHING, dict.fromkeys(LENGTHS, 0.5), same)
    benches[1].stages[multivector.name] = multivector
    found = {figure.name: figure for figure in figures(benches)}
    assert found["maxsim_recall_at_10"].met
    assert found["maxsim_time_vs_exact"].value == 1 / 4
    assert found["maxsim_time_vs_lancedb_scan"].value == 1 / 40
    assert found["maxsim_growth"].value == 2
    assert all(found[f"maxsim_{name}"].met for name in ("time_vs_exact", "time_vs_lancedb_scan", "growth"))
    assert found["lancedb_multivector_ivfpq_refine_none_recall_at_10"].value == 0.5
