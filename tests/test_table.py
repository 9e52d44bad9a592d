"""Answers as text and files, read back."""

import json
import math
import os

import numpy as np
import pytest

from sweeptools import table
from sweeptools.errors import UsageError

VALUES = [0.1, 1e300, 5e-324, -0.0, 1 / 3, 1e22, 123456789.0, math.inf, -math.inf, math.nan]


def text(answer, as_json=False):
    return "".join(table.lines(answer, as_json))


def test_a_row_of_numbers():
    answer = {"count": np.int64(2**62 + 1), "mean": 0.1, "least": np.float32(0.1), "any": np.bool_(True), "what": None}
    assert text(answer) == "count\tmean\tleast\tany\twhat\n4611686018427387905\t0.1\t0.10000000149011612\ttrue\t\n"
    assert json.loads(text(answer, True)) == {
        "count": 2**62 + 1, "mean": 0.1, "least": float(np.float32(0.1)), "any": True, "what": None,
    }  # fmt: skip


@pytest.mark.parametrize("as_json", [False, True])
def test_floats_read_back_equal(as_json):
    said = text({"v": np.array(VALUES)}, as_json).splitlines()
    back = [json.loads(row)["v"] for row in said] if as_json else [float(word) for word in said[1:]]
    for value, read in zip(VALUES, back, strict=True):
        if math.isnan(value):
            assert read is None if as_json else math.isnan(read)
        else:
            assert read == value and math.copysign(1, read) == math.copysign(1, value)


def test_json_is_strict():
    def refuse(word):
        raise ValueError(word)

    for row in text({"v": VALUES}, True).splitlines():
        json.loads(row, parse_constant=refuse)


def test_columns_of_many_rows(monkeypatch):
    monkeypatch.setattr(table, "ROWS", 7)
    answer = {"label": np.arange(1, 101, dtype=np.uint32), "size": list(range(100)), "z": np.linspace(0, 1, 100)}
    rows = [row.split("\t") for row in text(answer).splitlines()]
    assert rows[0] == ["label", "size", "z"] and len(rows) == 101
    assert [int(row[0]) for row in rows[1:]] == list(range(1, 101))
    assert [float(row[2]) for row in rows[1:]] == answer["z"].tolist()
    assert [json.loads(row)["size"] for row in text(answer, True).splitlines()] == list(range(100))


def test_no_rows():
    assert text({"label": np.zeros(0, np.uint32), "z": []}) == "label\tz\n"
    assert text({"label": [], "z": []}, True) == ""


def test_unequal_columns_are_a_bug():
    with pytest.raises(ValueError, match="unequal"):
        text({"a": [1, 2], "b": [1]})


def test_files_by_their_suffix(tmp_path):
    answer = {"label": np.array([1, 2], np.uint32), "mean": np.array([0.5, math.inf])}
    for name in ("t.tsv", "t.json"):
        table.save(answer, tmp_path / name)
        assert (tmp_path / name).read_text() == text(answer, name == "t.json")
    assert sorted(os.listdir(tmp_path)) == ["t.json", "t.tsv"], "nothing else is left"


def test_a_file_appears_when_complete(tmp_path):
    (tmp_path / "t.tsv").write_text("old")

    def broken():
        raise RuntimeError("broken")

    class Column(list):
        def __getitem__(self, part):
            broken()

    with pytest.raises(RuntimeError, match="broken"):
        table.save({"a": Column([1, 2])}, tmp_path / "t.tsv")
    assert (tmp_path / "t.tsv").read_text() == "old" and os.listdir(tmp_path) == ["t.tsv"]


def test_other_files_are_refused_before_any_work(tmp_path):
    for name in ("t.xls", "t", "none/t.tsv"):
        with pytest.raises(UsageError):
            table.check(tmp_path / name)


def test_parquet(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is an extra")
    answer = {"label": np.array([1, 2], np.uint32), "mean": np.array([0.5, math.inf])}
    table.save(answer, tmp_path / "t.parquet")
    assert parquet.read_table(tmp_path / "t.parquet").to_pydict() == {"label": [1, 2], "mean": [0.5, math.inf]}


def test_parquet_without_its_package(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(UsageError, match="need the package pyarrow"):
        table.check(tmp_path / "t.parquet")
