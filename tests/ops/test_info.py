"""sweep-info: the facts of a volume without reading it, of a stream after reading it."""

import json

import pytest
from test_volumes import hostile, write

from sweeptools.spec import Head

A = hostile((7, 20, 30), "u2")


@pytest.fixture
def v(tmp_path):
    head = Head(A.shape, A.dtype, spacing=(2.0, 0.5, 0.5), unit="micrometer", role="labels", origin=(0.0, 1.0, 0.0))
    write(tmp_path / "v.zarr", A, head)
    return tmp_path


def test_text(shell, v):
    done = shell("sweep-info v.zarr")
    assert done.returncode == 0, done.stderr
    facts = dict(line.split("\t") for line in done.stdout.splitlines())
    assert facts == {
        "volume": "v.zarr", "axes": "z,y,x", "shape": "7 x 20 x 30", "dtype": "uint16", "role": "labels", "sweep": "up",
        "spacing": "2.0,0.5,0.5", "unit": "micrometer", "origin": "0.0,1.0,0.0", "chunks": "7,20,30", "voxels": "4200",
        "bytes": "8400 (8.3K)",
    }  # fmt: skip


def test_json_of_a_volume_and_of_its_stream(shell, v):
    stored = json.loads(shell("sweep-info v.zarr --json").stdout)
    streamed = json.loads(shell("sweep-read v.zarr --sweep down | sweep-info --json").stdout)
    assert stored["shape"] == [7, 20, 30] and stored["dtype"] == "uint16" and stored["history"] == []
    assert streamed["sweep"] == "down" and len(streamed["digest"]) == 32
    assert [entry["command"] for entry in streamed["history"]] == ["read"]
    same = ("shape", "dtype", "spacing", "unit", "origin", "chunks", "role", "bytes", "axes")
    assert {key: stored[key] for key in same} == {key: streamed[key] for key in same}
    assert "history\tread address=v.zarr" in shell("sweep-read v.zarr | sweep-info -").stdout


def test_nothing_is_told_of_a_stream_that_is_cut(shell, v):
    shell("sweep-read v.zarr > whole; head -c 3000 whole > cut")
    done = shell("sweep-info < cut")
    assert done.returncode == 1 and done.stdout == "" and "without an end mark" in done.stderr


def test_what_is_no_volume(shell, v):
    done = shell("sweep-info nothing.zarr")
    assert (done.returncode, done.stdout) == (2, "") and "nothing.zarr does not exist" in done.stderr
