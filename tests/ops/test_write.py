"""sweep-write, as typed: formats by suffix, publishing, exit statuses, the same files from every run."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import zarr
from test_volumes import hostile, same, write

from sweeptools import volumes

A = hostile((70, 20, 30), "u2")


@pytest.fixture
def v(tmp_path):
    write(tmp_path / "v.npy", A)
    return tmp_path


def voxels(path):
    source = volumes.open(str(path))
    out = np.concatenate([block.array(source.head) for block in source.blocks("up")])
    source.close()
    return out


def tree(path):
    return {str(p.relative_to(path)): p.read_bytes() for p in Path(path).rglob("*") if p.is_file()}


@pytest.mark.parametrize("words, back", [
    ("w.zarr", "w.zarr"), ("w.ome.zarr --shards none --codec zstd:3", "w.ome.zarr"), ("w.zarr --ome 0.4", "w.zarr"),
    ("w.zarr --ome none --chunks 8,16,16 --shards 16,16,32 --codec none", "w.zarr"), ("w.tif", "w.tif"), ("w/", "w"),
    ("w/s_%05d.tif", "w"), ("w --format slices", "w"), ("w.npy", "w.npy"), ("w --format npy", "w"),
    ("w.sweep", "w.sweep"), ("w.ome.zarr --pyramid auto", "w.ome.zarr"),
])  # fmt: skip
def test_each_format_by_its_name(shell, v, words, back):
    done = shell(f"set -o pipefail; sweep-read v.npy --sweep down | sweep-write {words}")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    got = volumes.open(v / back)
    assert same(voxels(v / back) if got.head.sweep == "up" else voxels(v / back)[::-1], A)
    got.close()


@pytest.mark.parametrize("words, status, says", [
    ("w.png", 2, "suffix '.png' is not a format; can be written: .zarr"),
    ("w.npy --chunks 8", 2, "--chunks is for .zarr"),
    ("w.zarr --codec lzma", 2, "codec is 'lzma', must be lz4, zstd or gzip"),
    ("w.zarr --pyramid some", 2, "pyramid is 'some', must be none, auto or a number of levels"),
    ("w.zarr --pyramid 99", 2, "pyramid is 99, must be at most 7: then one voxel is left"),
    ("w.npy --pyramid auto", 2, "leave --pyramid out"),
    ("w.zarr --shards 100", 2, "must be multiples of the chunks"),
    ("v.npy", 3, "v.npy exists; use --overwrite to replace it"),
    ("no/w.npy", 2, "there is no directory"),
])  # fmt: skip
def test_what_cannot_be_written(shell, v, words, status, says):
    done = shell(f"sweep-read v.npy | sweep-write {words}; exit ${{PIPESTATUS[1]}}")
    assert done.returncode == status and says in done.stderr, done.stderr
    assert sorted(os.listdir(v)) == ["v.npy"] or "status" in os.listdir(v)
    assert same(voxels(v / "v.npy"), A)


def test_what_a_format_does_not_keep_is_told(shell, v):
    done = shell("sweep-read v.npy --spacing 2,1,1um | sweep-write w.npy && sweep-read v.npy | sweep-write x.npy -v")
    lines = [line for line in done.stderr.splitlines() if "does not keep" in line]
    assert lines[0].startswith("sweep-write: warning: w.npy does not keep spacing, unit, history: its format has no place")
    assert lines[1].startswith("sweep-write: warning: x.npy does not keep history") and len(lines) == 2


def test_overwrite_and_stamp(shell, v):
    (v / "w.zarr").mkdir()
    (v / "w.zarr" / "zarr.json").write_text('{"zarr_format": 3, "node_type": "group"}')
    done = shell("sweep-read v.npy | sweep-write w.zarr --overwrite --stamp done")
    assert done.returncode == 0, done.stderr
    assert same(voxels(v / "w.zarr"), A) and sorted(os.listdir(v)) == ["done", "v.npy", "w.zarr"]
    assert (v / "done").stat().st_mtime >= (v / "w.zarr" / "zarr.json").stat().st_mtime


def test_nothing_is_written_of_a_stream_that_failed(shell, v):
    shell("sweep-read v.npy > whole")
    data = (v / "whole").read_bytes()
    (v / "cut").write_bytes(data[: len(data) // 2])
    done = shell("sweep-write w.zarr --stamp done < cut")
    assert done.returncode == 1 and "without an end mark" in done.stderr
    (v / "bad").write_bytes(data[:3000] + bytes([data[3000] ^ 1]) + data[3001:])
    done = shell("sweep-write w.npy < bad")
    assert done.returncode == 4, done.stderr
    assert sorted(os.listdir(v)) == ["bad", "cut", "v.npy", "whole"]


def test_two_runs_write_the_same_files(shell, v):
    for name, more in (("a", ""), ("b", "--threads 1"), ("c", "--threads 3")):
        (v / name).mkdir()
        line = f"sweep-read v.npy {more} | sweep-threshold 100 {more} | sweep-write {name}/w.zarr {more}"
        assert shell(line).returncode == 0
    assert tree(v / "a") == tree(v / "b") == tree(v / "c")
    own = zarr.open_group(str(v / "a/w.zarr"), mode="r").attrs["sweeptools"]
    assert [entry["command"] for entry in own["history"]] == ["read", "threshold"] and len(own["digests"]) == 70
    assert own["role"] == "mask"
    assert shell("sweep-read v.npy | sweep-write d.zarr --no-history").returncode == 0
    assert "history" not in zarr.open_group(str(v / "d.zarr"), mode="r").attrs["sweeptools"]


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_within_a_second_and_leaves_nothing(v, kind):
    bin = Path(__file__).parent.parent.parent / "bin"
    reader, writer = os.pipe()
    env = {**os.environ, "PATH": f"{bin}:{os.environ['PATH']}", "SWEEP_PYTHON": sys.executable}
    data = subprocess.run(["sweep-read", "v.npy"], cwd=v, env=env, capture_output=True, check=True).stdout
    sink = subprocess.Popen(["sweep-write", "w.zarr"], cwd=v, env=env, stdin=reader, stderr=subprocess.PIPE)
    os.close(reader)
    os.write(writer, data[: len(data) // 2])
    until = time.monotonic() + 60
    while not (v / ".w.zarr.partial" / "w.zarr").exists():
        assert time.monotonic() < until
        time.sleep(0.05)
    time.sleep(0.2)
    sink.send_signal(kind)
    start = time.monotonic()
    assert sink.wait(30) == 128 + kind
    took = time.monotonic() - start
    os.close(writer)
    sink.stderr.close()
    assert took < 3, took                             # one second, on a machine that has time for it
    assert sorted(os.listdir(v)) == ["v.npy"]


def test_a_volume_in_which_one_slice_is_far_wider_than_deep(shell, tmp_path):
    done = shell("set -o pipefail; sweep-synth zeros --shape 3,5000,5000 | sweep-write w.zarr --report r.json")
    assert done.returncode == 0, done.stderr
    assert sum(len(files) for _, _, files in os.walk(tmp_path / "w.zarr")) == 2      # all 0: nothing but metadata
    assert '"files": 2' in (tmp_path / "r.json").read_text()
