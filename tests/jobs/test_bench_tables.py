"""The tables that are shipped, and how they are found by name."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from rldf.bench import read_table, write_table
from rldf.bench.table import MAX_BYTES
from rldf.errors import ConfigError
from rldf.grammar import load_grammar
from rldf.jobs import bench_tables
from rldf.jobs.bench_tables import SHIPPED, load_table, shipped_path


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_table__fits_the_grammar_and_says_where_weights_are_newer(name: str) -> None:
    said: list[str] = []
    table = load_table(name, announce=said.append)
    assert all("was made with" in line for line in said)
    assert table.grammar_digest == load_grammar(name).digest
    assert table.space.size == load_grammar(name).space.size
    assert shipped_path(name).stat().st_size <= MAX_BYTES


def test_shipped_tables__hold_what_was_asked_for() -> None:
    seeds = {
        name: (len(t.search_seeds), len(t.test_seeds)) for name in SHIPPED for t in [read_table(shipped_path(name))]
    }
    assert seeds == {"base": (8, 16), "wide": (4, 4)}
    for name in SHIPPED:
        targets = read_table(shipped_path(name)).targets
        assert {(target.kind, target.split) for target in targets} == {
            (kind, split)
            for kind in ("in-generator", "drawn", "off-grammar", "several-objects")
            for split in ("development", "test")
        }


def test_load_table__says_that_a_shipped_table_is_of_other_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = read_table(shipped_path("base"))
    write_table(replace(table, models=dict(table.models) | {"scorer_b": "0" * 64}), tmp_path / "base.npz")
    monkeypatch.setattr(bench_tables, "shipped_path", lambda name: tmp_path / f"{name}.npz")
    said: list[str] = []
    assert load_table("base", announce=said.append).name == "base"
    [line] = said
    assert re.search(r"made with .*scorer_b 000000000000, and now .* again with: rldf bench table", line)


@pytest.mark.parametrize("name", ["bass", "simulated-full", "nowhere.npz"])
def test_load_table__names_the_tables_there_are(name: str) -> None:
    with pytest.raises(ConfigError, match=rf"no table '{name}'; by name there are base, wide, simulated-base"):
        load_table(name)
