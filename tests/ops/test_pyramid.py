"""sweep-pyramid: the levels that sweep-write --pyramid makes with a new volume, whatever the image; all of them or none."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import zarr
from test_publish import pretend
from test_volumes import hostile, same, write
from test_volumes_levels import coarser, levels, mean, mode
from test_volumes_zarr import TCZYX, ZYX, ome_group, tree

from sweeptools import cli, volumes
from sweeptools.flow import Pool
from sweeptools.spec import Head
from sweeptools.volumes import publish
from sweeptools.volumes.zarrlevels import Levels


@pytest.fixture
def sweep(tmp_path, monkeypatch, capfd):
    """Runs `NAME WORDS` in this process: (status, what it said)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SWEEP_THREADS", "2")

    def run(line):
        status = cli.main(["sweep", *line.split()])
        said = capfd.readouterr()
        return status, said.out + said.err

    return run


def image(path):
    said = dict(zarr.open_group(str(path), mode="r").attrs)
    return said.get("ome", said)


@pytest.mark.parametrize("role, how", [
    ("image", {}), ("labels", {"ome": "0.4"}), ("image", {"shards": "none", "codec": "zstd:2"}),
    ("image", {"ome": "0.4", "codec": "gzip"}), ("labels", {"chunks": (5, 9, 8)}),
])  # fmt: skip
def test_it_makes_what_a_new_volume_would_have(sweep, tmp_path, role, how):
    a = hostile((43, 30, 35), "u2") % (7 if role == "labels" else 65535)
    facts = {"spacing": (50.0, 40.0, 40.0), "unit": "nanometer", "origin": (1.0, 2.0, 3.0), "role": role}
    how = {"chunks": (8, 8, 8), **how}
    for name, more in (("v.zarr", {}), ("w.zarr", {"pyramid": "auto"})):
        write(name, a, Head(a.shape, a.dtype, **facts), history=False, **how, **more)
    before = tree("v.zarr/0")
    assert sweep("pyramid v.zarr") == (0, "") and sorted(os.listdir()) == ["v.zarr", "w.zarr"]
    assert tree("v.zarr/0") == before
    got, expected = image("v.zarr"), image("w.zarr")
    for said in (got, expected):
        said["multiscales"][0].pop("name")
    assert got == expected and len(got["multiscales"][0]["datasets"]) > 3
    for one, other in zip(levels("v.zarr"), levels("w.zarr"), strict=True):
        assert same(one, other)
    assert zarr.open_array("v.zarr/1", mode="r").compressors == zarr.open_array("v.zarr/0", mode="r").compressors
    assert volumes.open("v.zarr", level=2).head.spacing == volumes.open("w.zarr", level=2).head.spacing
    status, said = sweep("pyramid v.zarr")
    assert status == 3 and f"v.zarr has {len(levels('v.zarr'))} levels already" in said


@pytest.mark.parametrize("version", ["0.5", "0.4"])
def test_every_channel_and_time_of_others(sweep, tmp_path, version):
    models = pytest.importorskip("ome_zarr_models")
    a = hostile((2, 3, 12, 21, 18), "f4")
    window = {"min": 0, "max": 1, "start": 0, "end": 1}
    extra = {"omero": {"channels": [{"label": c, "color": "00FF00", "window": window} for c in "xyz"]}}
    ome_group("v.zarr", a, TCZYX, version, [9.0, 1.0, 2.0, 1.0, 1.0], extra=extra)
    zarr.open_group("v.zarr", mode="r+").attrs["lab"] = {"laser": 488}
    before = image("v.zarr")
    assert sweep("pyramid v.zarr --levels 2") == (0, "")
    got, after = levels("v.zarr"), image("v.zarr")
    assert [g.shape for g in got] == [(2, 3, 12, 21, 18), (2, 3, 12, 11, 9), (2, 3, 6, 6, 5)]
    with np.errstate(all="ignore"):
        for t, c in np.ndindex(2, 3):
            for factor, one, other in (((1, 2, 2), got[0], got[1]), ((2, 2, 2), got[1], got[2])):
                np.testing.assert_array_equal(other[t, c], coarser(one[t, c], factor, mean))
    assert after["omero"] == before["omero"]
    assert dict(zarr.open_group("v.zarr", mode="r").attrs)["lab"] == {"laser": 488}
    first, *added = after["multiscales"][0]["datasets"]
    assert first == before["multiscales"][0]["datasets"][0]
    assert [[s[s["type"]] for s in d["coordinateTransformations"]] for d in added] == [
        [[9.0, 1.0, 2.0, 2.0, 2.0], [0, 0, 0, 0.5, 0.5]], [[9.0, 1.0, 4.0, 4.0, 4.0], [0, 0, 1.0, 1.5, 1.5]]]  # fmt: skip
    room = models.v05 if version == "0.5" else models.v04
    room.image.Image.from_zarr(zarr.open_group("v.zarr", mode="r"))


def test_the_values_of_each_channel_are_told_where_nothing_tells_them(sweep, tmp_path):
    a = hostile((2, 3, 12, 21, 18), "f4")
    low, high = zip(*((c[np.isfinite(c)].min().item(), c[np.isfinite(c)].max().item()) for c in a.swapaxes(0, 1)))
    for version in ("0.5", "0.4"):
        ome_group(f"{version}.zarr", a, TCZYX, version)
        assert sweep(f"pyramid {version}.zarr --levels 1") == (0, "")
        said = image(f"{version}.zarr")["omero"]["channels"]
        assert [c["label"] for c in said] == ["0", "1", "2"]
        assert [c["window"] for c in said] == [{"min": m, "max": n, "start": m, "end": n} for m, n in zip(low, high)]
    ome_group("one.zarr", np.full((8, 8, 9), 7, "u1"), ZYX)              # a value alone makes no window
    assert sweep("pyramid one.zarr --levels 1") == (0, "") and "omero" not in image("one.zarr")


def test_labels_within_an_image_have_modes(sweep, tmp_path):
    a = hostile((9, 20, 19), "u4") % 5
    ome_group("v.zarr/labels/cells", a, ZYX, extra={"image-label": {"version": "0.5"}})
    assert sweep("pyramid v.zarr/labels/cells --levels 1") == (0, "")
    one, two = levels("v.zarr/labels/cells")
    np.testing.assert_array_equal(two, coarser(one, (2, 2, 2), mode))


def test_what_has_no_levels_to_add(sweep, tmp_path):
    np.save("a.npy", np.zeros((3, 3, 3), "u1"))
    write("bare.zarr", np.zeros((3, 3, 3), "u1"), ome="none")
    write("small.zarr", np.zeros((3, 3, 3), "u1"))
    write("other.zarr", np.zeros((3, 3, 3), "u1"))
    (tmp_path / "other.zarr/1").mkdir()
    ome_group("flat.zarr", np.zeros((2, 4, 5), "u1"), [TCZYX[1], *ZYX[1:]])
    for line, status, says in [
        ("a.npy", 2, "a.npy is no OME-Zarr image"), ("bare.zarr", 2, "bare.zarr is no OME-Zarr image"),
        ("small.zarr", 2, "fits in one chunk"), ("small.zarr --levels 3", 2, "must be at most 2"),
        ("small.zarr --levels none", 2, "levels is 'none', must be auto or a number of levels"),
        ("none.zarr", 2, "does not exist"),
        ("small.zarr --levels 0", 2, "must be at least 1"), ("other.zarr --levels 1", 3, "other.zarr/1 is there"),
        ("flat.zarr", 2, "must end with three in space"),
    ]:  # fmt: skip
        got, said = sweep(f"pyramid {line}")
        assert (got, says in said, said.count("\n")) == (status, True, 1), said
    assert sorted(os.listdir()) == ["a.npy", "bare.zarr", "flat.zarr", "other.zarr", "small.zarr"]


class Crash(BaseException):
    pass


def test_a_crash_at_any_rename_leaves_the_old_image_and_the_next_command_ends_it(tmp_path, monkeypatch):
    a = hostile((20, 18, 33), "u1")
    write(f"{tmp_path}/old.zarr", a, chunks=(8, 8, 8))
    path, k, done = tmp_path / "v.zarr", 0, False
    while not done:
        shutil.copytree(tmp_path / "old.zarr", path)
        made = Levels(path, "auto", Pool(), 1)
        for source, at in made.sources(1):
            for block in source.blocks("up"):
                made.take(block, at)
        monkeypatch.setattr(publish.os, "replace", Replace(k))
        try:
            made.finish()
            done = True
        except Crash:
            monkeypatch.undo()
            assert len(levels(str(path))) == 1 and same(levels(str(path))[0], a)
            pretend(publish.partial_of(path), pid=2**22 + 1)
            publish.mend(path)
        monkeypatch.undo()
        assert len(levels(str(path))) == 4 and sorted(os.listdir(tmp_path)) == ["old.zarr", "v.zarr"]
        shutil.rmtree(path)
        k += 1
    assert k == 5                                                    # three levels, and the metadata that tell of them


class Replace:
    """os.replace, of which only so many succeed."""

    def __init__(self, count):
        self.count, self.do = count, os.replace

    def __call__(self, *pair):
        self.count -= 1
        if self.count < 0:
            raise Crash
        self.do(*pair)


def test_abort_leaves_the_image_as_it_was(tmp_path):
    write(f"{tmp_path}/v.zarr", hostile((20, 18, 33), "u1"), chunks=(8, 8, 8))
    before = tree(tmp_path / "v.zarr")
    made = Levels(tmp_path / "v.zarr", "auto", Pool(), 1)
    made.take(next(next(made.sources(1))[0].blocks("up")), ())
    made.abort()
    assert tree(tmp_path / "v.zarr") == before and os.listdir(tmp_path) == ["v.zarr"]


MEASURED = """
import json, sys
from sweeptools import cli
from sweeptools.engines.io import IO
admit = IO.admit

def admitted(self, items):
    admit(self, items)
    open("/proc/self/clear_refs", "w").write("5")                    # what was held before counts no more

IO.admit = admitted
assert cli.main(["sweep", *sys.argv[1:]]) == 0
lines = [line.split() for line in open("/proc/self/status")]
print(json.dumps({line[0]: int(line[1]) << 10 for line in lines if line[0] in ("VmHWM:", "RssFile:")}))
"""                                                                  # the most that was ever held, which no sample misses


@pytest.mark.parametrize("how", [{}, {"shards": "none", "codec": "zstd"}])
def test_memory_is_what_was_predicted_and_every_chunk_is_read_once(tmp_path, how):
    a = np.random.default_rng(1).integers(0, 1 << 16, (250, 256, 250), "u2")
    write(f"{tmp_path}/v.zarr", a, chunks=(25, 64, 64), cut=25, **how)
    words = [sys.executable, "-c", MEASURED, "pyramid", "v.zarr", "--report", "r.json", "--threads", "2"]
    room = {**os.environ, "PYTHONPATH": str(Path(cli.__file__).parents[1])}
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, env=room)
    assert done.returncode == 0, done.stderr
    told, most = json.loads((tmp_path / "r.json").read_text()), json.loads(done.stdout)
    assert told["peak_bytes"] <= told["predicted_peak_bytes"], told["memory_items"]
    measured = most["VmHWM:"] - most["RssFile:"] - told["baseline_bytes"]
    predicted = told["predicted_peak_bytes"] - told["baseline_bytes"]
    assert 0.6 * predicted <= measured <= predicted, (measured, told["memory_items"])
    assert told["read"]["amplification"] == 1.0 and told["read"]["bytes"] == 250 * 256 * 250 * 2
    assert told["write"]["files"] > 5 and told["write"]["chunks"] > 5
