import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rldf.bench import BenchTable, read_table, simulated_table, write_table
from rldf.bench import table as table_module
from rldf.errors import RecordError
from rldf.space import Axis, EncodingSpace, Exclusion
from rldf.testing.simulation import simulated_space


def test_table__comes_back_from_disk_as_it_was(small_table: BenchTable, tmp_path: Path) -> None:
    space = EncodingSpace(
        axes=(Axis(id="a", terms=("x", "y", "z"), kind="ordinal", is_optional=True), Axis(id="b", terms=("u", "v"))),
        exclusions=(Exclusion(terms={"a": ("x",), "b": ("u",)}),),
    )
    for table in (small_table, replace(simulated_table(space, num_targets=2), grammar_digest="abc")):
        write_table(table, tmp_path / "t.npz")
        back = read_table(tmp_path / "t.npz")
        assert replace(back, readings=table.readings) == table
        for name in table_module.ARRAYS:
            np.testing.assert_array_equal(getattr(back.readings, name), getattr(table.readings, name))
            assert getattr(back.readings, name).dtype == getattr(table.readings, name).dtype


def test_write_table__gives_the_same_bytes_twice(small_table: BenchTable, tmp_path: Path) -> None:
    for name in ("one.npz", "two.npz"):
        write_table(small_table, tmp_path / name)
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()


def test_table_file__holds_no_pickles_and_says_what_it_is(small_table: BenchTable, tmp_path: Path) -> None:
    write_table(small_table, tmp_path / "t.npz")
    with np.load(tmp_path / "t.npz", allow_pickle=False) as file:
        header = json.loads(bytes(file["header"]))
        assert set(file.files) == {"header", *table_module.ARRAYS}
    assert header["schema"] == "rldf-bench-table/1"
    assert [field for field in ("name", "version", "source", "licence", "command") if not header[field]] == []


def test_base_space_with_8_and_16_seeds__fits_into_10_mib(tmp_path: Path) -> None:
    """The shipped size: 480 states; the wide space with 4 and 4 has twice as many pictures and is in the slow test."""
    table = simulated_table(simulated_space((10, 4, 3, 4)), num_targets=200)
    vectors = table.readings.a_search_vectors
    rng = np.random.default_rng(0)
    wide = replace(
        table.readings,
        a_search_vectors=rng.standard_normal((*vectors.shape[:2], 64)).astype(np.float16),
        a_test_vectors=rng.standard_normal((480, 16, 64)).astype(np.float16),
        target_vectors=rng.standard_normal((200, 64)).astype(np.float16),
        sentence_vectors=np.zeros((0, 64), dtype=np.float16),
    )
    assert write_table(replace(table, readings=wide), tmp_path / "t.npz") < 4 * 2**20


@pytest.mark.slow
def test_wide_space_with_4_and_4_seeds__fits_into_10_mib(tmp_path: Path) -> None:
    table = simulated_table(simulated_space((30, 4, 3, 12)), num_targets=200, num_search_seeds=4, num_test_seeds=4)
    rng = np.random.default_rng(0)
    width = 48
    noise = {
        "a_search_vectors": (4320, 4, width),
        "a_test_vectors": (4320, 4, width),
        "target_vectors": (200, width),
        "sentence_vectors": (4320, width),
    }
    arrays = {name: rng.standard_normal(shape).astype(np.float16) for name, shape in noise.items()}
    full = replace(table, readings=replace(table.readings, **arrays))
    assert write_table(full, tmp_path / "t.npz") < 10 * 2**20


def test_write_table__refuses_what_is_too_large(
    small_table: BenchTable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_module, "MAX_BYTES", 100)
    with pytest.raises(RecordError, match=r"would take .* MiB.*--width"):
        write_table(small_table, tmp_path / "t.npz")
    assert not (tmp_path / "t.npz").exists()


def test_table__refuses_arrays_that_do_not_fit_its_header(small_table: BenchTable) -> None:
    with pytest.raises(RecordError, match=r"array 'a_search' .* has shape .*rldf bench table"):
        replace(small_table, search_seeds=(1,))


def test_require_models__refuses_other_weights(small_table: BenchTable) -> None:
    small_table.require_models(small_table.models)
    with pytest.raises(
        RecordError, match=r"made with generator simulated-1, and now there is generator other.*Make it again"
    ):
        small_table.require_models({"generator": "other"})


@pytest.mark.parametrize("content", [b"", b"not a table"])
def test_read_table__refuses_other_files(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "t.npz"
    path.write_bytes(content)
    with pytest.raises(RecordError, match=r"t\.npz' cannot be read as a benchmark table.*rldf bench table"):
        read_table(path)


def test_read_table__refuses_another_schema(
    small_table: BenchTable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_table(small_table, tmp_path / "t.npz")
    monkeypatch.setattr(table_module, "SCHEMA", "rldf-bench-table/2")
    with pytest.raises(RecordError, match=r"schema 'rldf-bench-table/1'; this version reads 'rldf-bench-table/2'"):
        read_table(tmp_path / "t.npz")


def test_percept__sums_to_one_per_axis(small_table: BenchTable) -> None:
    percept = small_table.percept(small_table.readings.a_search[5, 1])
    assert [row.sum() for row in percept.probabilities] == pytest.approx([1.0, 1.0, 1.0])
    assert percept.encoding.indices == tuple(int(row.argmax()) for row in percept.probabilities)
