"""Pyramids in the sweep that writes the volume: against blocks reduced one by one, level by level."""

import json
import os

import numpy as np
import pytest
import zarr
from test_volumes import hostile, read, same, write
from test_volumes_zarr import TCZYX, ome_group, tree

from sweeptools import volumes
from sweeptools.errors import UsageError
from sweeptools.spec import Block, Head
from sweeptools.volumes.pyramid import factors
from sweeptools.volumes.zarrarray import Array

NM = {"spacing": (50.0, 4.0, 4.0), "unit": "nanometer", "origin": (100.0, -7.0, 3.5)}


def mean(block):
    """Exact for integers, ties to even; floats added row by row in float64, then along x."""
    if block.dtype.kind != "f":
        return round(sum(map(int, block.ravel())) / block.size)
    row = np.zeros(block.shape[2])
    for line in block.astype("f8").reshape(-1, block.shape[2]):
        row = row + line
    return block.dtype.type(np.add.accumulate(row)[-1] / block.size)


def mode(block):
    values, counts = np.unique(block, return_counts=True)
    return values[counts.argmax()]


def coarser(a, factor, one):
    """The next level, block by block; components each on their own."""
    if a.ndim == 4:
        return np.stack([coarser(a[..., i], factor, one) for i in range(a.shape[3])], 3)
    out = np.empty([-(-n // f) for n, f in zip(a.shape, factor)], a.dtype)
    for at in np.ndindex(*out.shape):
        out[at] = one(a[tuple(slice(i * f, (i + 1) * f) for i, f in zip(at, factor))])
    return out


def levels(path, components=False):
    """The arrays of all levels, read with zarr-python alone."""
    said = dict(zarr.open_group(path, mode="r").attrs)
    sets = said.get("ome", said)["multiscales"][0]["datasets"]
    with zarr.config.set({"codec_pipeline.path": "zarr.core.codec_pipeline.BatchedCodecPipeline"}):
        arrays = [zarr.open_array(f"{path}/{s['path']}", mode="r")[:] for s in sets]
    return [np.moveaxis(a, 0, -1) for a in arrays] if components else arrays


# ------------------------------------------------------------------ which levels


@pytest.mark.parametrize("whole, spacing, wanted, steps", [
    ((64, 64, 64), None, "auto", []),
    ((65, 64, 64), None, "auto", [(2, 2, 2)]),
    ((100, 1000, 1000), (50, 4, 4), "auto", [(1, 2, 2)] * 4),            # 4 to 64 nm; 62 voxels then, but 100 slices
    ((200, 300, 300), (1, 1.41, 1.42), "auto", [(2, 2, 1), (2, 1, 2), (1, 2, 2)]),  # 4, 2.82, 2.84 last
    ((1, 200, 200), (0.1, 1, 1), "auto", [(1, 2, 2), (1, 2, 2)]),        # z is finest, and has one voxel
    ((1, 1, 200), None, "auto", [(1, 1, 2)] * 2),
    ((10, 10, 10), (None, 2, 3), 2, [(2, 2, 1), (2, 2, 2)]),             # unknown: as the finest
    ((0, 10, 10), None, "auto", []), ((3, 3, 3), None, 2, [(2, 2, 2)] * 2), ((3, 3, 3), None, 0, []),
])  # fmt: skip
def test_which_axes_are_halved_and_how_often(whole, spacing, wanted, steps):
    got = factors(Head(whole, "u1", spacing=spacing, unit="nanometer"), (64, 64, 64), wanted)
    assert got[: len(steps)] == steps
    for step in got:
        assert any(n > 64 for n in whole) or wanted != "auto"
        whole = tuple(-(-n // f) for n, f in zip(whole, step))
    assert all(n <= 64 for n in whole) if wanted == "auto" else len(got) == len(steps)


def test_more_levels_than_there_can_be(tmp_path):
    for whole, most in (((3, 3, 3), 2), ((1, 1, 1), 0), ((0, 2, 2), 0)):
        with pytest.raises(UsageError, match=f"pyramid is 3, must be at most {most}"):
            volumes.create(f"{tmp_path}/v.zarr", Head(whole, "u1"), pyramid=3)
    with pytest.raises(UsageError, match="--pyramid needs a group"):
        volumes.create(f"{tmp_path}/v.zarr", Head((99, 9, 9), "u1"), pyramid=1, ome="none")
    with pytest.raises(UsageError, match="leave --pyramid out|--pyramid is for .zarr"):
        volumes.create(f"{tmp_path}/v.npy", Head((99, 9, 9), "u1"), pyramid="auto")
    assert not list(tmp_path.iterdir())


# ------------------------------------------------------------------ their voxels


@pytest.mark.parametrize("dtype, role, shape, how", [
    ("u1", "image", (37, 21, 18), {}), ("f4", "image", (16, 19, 33), {"shards": "none"}),
    ("i2", "image", (9, 1, 40), {"ome": "0.4"}), ("u4", "labels", (21, 18, 17), {"chunks": (5, 7, 8)}),
    ("u1", "mask", (20, 9, 9), {"chunks": (4, 4, 4), "shards": (8, 8, 8)}), ("f4", "image", (12, 10, 11, 3), {}),
])  # fmt: skip
def test_a_level_is_made_of_the_blocks_of_the_level_before(tmp_path, dtype, role, shape, how):
    a = hostile(shape, dtype)
    if role != "image":
        a %= 3
    facts = {"spacing": (2.9, 1.0, 1.0), "unit": "micrometer", "components": "abc"[: 3 * (len(shape) > 3)]}
    head = Head(shape[:3], dtype, role=role, **facts)
    sink = write(f"{tmp_path}/v.zarr", a, head, pyramid="auto", **{"chunks": (8, 8, 8), **how})
    got = levels(f"{tmp_path}/v.zarr", len(shape) > 3)
    assert len(got) == len(sink.pyramid.levels) > 2 and same(np.ascontiguousarray(got[0]), a)
    with np.errstate(all="ignore"):
        for level, before, here in zip(sink.pyramid.levels[1:], got, got[1:]):
            expected = coarser(before, level.factor, mean if role == "image" else mode)
            assert here.dtype == expected.dtype
            np.testing.assert_array_equal(here, expected)


@pytest.mark.parametrize("how", [{}, {"chunks": (5, 16, 16), "shards": "none"}])
def test_the_same_files_however_the_stream_comes(tmp_path, how):
    a = hostile((43, 30, 35), "f4")
    a[10:30, 5:] = 0
    runs = [(1, "up", 1), (43, "up", 2), (7, "down", 3), (16, "up", 2), (16, "down", 1)]
    trees = []
    for k, (cut, sweep, threads) in enumerate(runs):
        (tmp_path / str(k)).mkdir()
        head = Head(a.shape, a.dtype, sweep=sweep, **NM)
        sink = volumes.create(f"{tmp_path}/{k}/v.zarr", head, threads=threads, pyramid=4, **{"chunks": (16,) * 3, **how})
        for z in range(0, 43, cut) if sweep == "up" else reversed(range(0, 43, cut)):
            part = a[z : z + cut]
            sink.write(Block(z, len(part), part.copy()) if part.any() else Block(z, len(part), None, 0.0))
        sink.finish({})
        trees.append(tree(f"{tmp_path}/{k}/v.zarr"))
    assert all(t == trees[0] for t in trees) and len(levels(f"{tmp_path}/0/v.zarr")) == 5


@pytest.mark.parametrize("axis", "yx")
def test_streams_along_other_axes_give_the_same_voxels(tmp_path, axis):
    a = hostile((21, 34, 27), "f4")
    head = Head(a.shape, a.dtype, spacing=(1.0, 1.0, 3.0), unit="micrometer")
    how = {"chunks": (8, 8, 8), "pyramid": "auto", "threads": 2}
    write(f"{tmp_path}/z.zarr", a, head, **{k: v for k, v in how.items() if k != "threads"})
    source = volumes.open(f"{tmp_path}/z.zarr", axis=axis, sweep="down")
    sink = volumes.create(f"{tmp_path}/{axis}.zarr", source.head, **how)
    for block in source.blocks("down"):
        sink.write(block)
    sink.finish({})
    for one, other in zip(levels(f"{tmp_path}/z.zarr"), levels(f"{tmp_path}/{axis}.zarr"), strict=True):
        assert same(one, other)


def test_every_file_is_written_once_and_whole(tmp_path, monkeypatch):
    written = []
    put = Array.write
    monkeypatch.setattr(Array, "write", lambda self, data, box: (written.append((self, box)), put(self, data, box)))
    a = hostile((43, 30, 35), "u2") | 1
    sink = write(f"{tmp_path}/v.zarr", a, pyramid="auto", chunks=(5, 8, 8), shards="none")
    for k, (array, level) in enumerate(zip(sink.writer.arrays, sink.pyramid.levels)):
        rows = [box for which, box in written if which is array]
        assert [r[0] for r in rows[1:]] == [(p[0][1], min(p[0][1] + level.grain, level.whole[0])) for p in rows[:-1]]
        assert rows[0][0][0] == 0 and rows[-1][0][1] == level.whole[0] and level.grain % array.files[0] == 0
        files = sum(len(names) for _, _, names in os.walk(f"{tmp_path}/v.zarr/{k}/c"))
        assert files == np.prod([-(-n // c) for n, c in zip(level.whole, array.chunks)])
    total = sum(len(names) for _, _, names in os.walk(f"{tmp_path}/v.zarr"))
    assert sink.stats["files"] == total and sink.stats["chunks"] == total - 1 - len(sink.pyramid.levels)


def test_what_is_empty_stays_empty(tmp_path):
    """A million slices without a voxel of their own, at every level."""
    head = Head((1 << 20, 4096, 4096), "u2", spacing=(1e-3, 1.0, 1.0), unit="micrometer")
    sink = volumes.create(f"{tmp_path}/v.zarr", head, pyramid="auto")
    for z in range(0, 1 << 20, 1 << 16):
        sink.write(Block(z, 1 << 16, None, 0))
    sink.finish({})
    assert sink.stats["files"] == 1 + len(sink.pyramid.levels) and sink.stats["bytes"] == 0
    assert len(sink.pyramid.levels) > 8


# ------------------------------------------------------------------ what is said of them


@pytest.mark.parametrize("version", ["0.5", "0.4"])
@pytest.mark.parametrize("spaced", [NM, {}])
def test_each_level_says_where_its_voxels_are(tmp_path, version, spaced):
    a = hostile((40, 50, 60), "u1")
    sink = write(f"{tmp_path}/v.zarr", a, Head(a.shape, "u1", **spaced), pyramid="auto", ome=version, chunks=(16,) * 3)
    places = [np.arange(n) for n in a.shape]           # of voxel centres, in voxels of level 0
    steps, origin = spaced.get("spacing", (1.0,) * 3), spaced.get("origin", (0.0,) * 3)
    for k, level in enumerate(sink.pyramid.levels):
        places = [p if f == 1 else (p[: len(p) // 2 * 2].reshape(-1, 2).mean(1)) for p, f in zip(places, level.factor)]
        head, _ = read(f"{tmp_path}/v.zarr", level=k)
        assert head.whole == level.whole and head.unit == spaced.get("unit")
        spacing = head.spacing or (1.0,) * 3
        for p, s, o, step, start in zip(places, spacing, head.origin, steps, origin):
            assert np.allclose(np.arange(len(p)) * s + o, p * step + start, rtol=0, atol=1e-12 * 1e3)
        direct, _ = read(f"{tmp_path}/v.zarr/{k}")
        assert (direct.spacing, direct.origin, direct.unit) == (head.spacing, head.origin, head.unit)


@pytest.mark.parametrize("version", ["0.5", "0.4"])
@pytest.mark.parametrize("role, components", [("image", ""), ("image", "rgb"), ("labels", "")])
def test_others_open_it(tmp_path, version, role, components):
    models = pytest.importorskip("ome_zarr_models")
    store = pytest.importorskip("tensorstore")
    shape = (30, 20, 25, 3)[: 4 if components else 3]
    a = hostile(shape, "u2")
    path = f"{tmp_path}/v.zarr"
    head = Head(shape[:3], "u2", role=role, components=tuple(components), **NM)
    write(path, a, head, pyramid="auto", ome=version, chunks=(8, 8, 8))
    room = models.v05 if version == "0.5" else models.v04
    group = zarr.open_group(path, mode="r")
    (room.image_label.ImageLabel if role == "labels" else room.image.Image).from_zarr(group)
    for k, level in enumerate(levels(path)):
        spec = {"driver": "zarr" if version == "0.4" else "zarr3", "kvstore": {"driver": "file", "path": f"{path}/{k}"}}
        assert same(np.ascontiguousarray(store.open(spec).result().read().result()), level)
    said = dict(group.attrs)
    scales = said.get("ome", said)["multiscales"][0]
    assert scales["type"] == ("mode" if role == "labels" else "mean") and len(scales["datasets"]) > 2


def test_windows_are_the_ends_of_what_is_finite(tmp_path):
    def windows(name, a, **facts):
        write(f"{tmp_path}/{name}", a, Head(a.shape[:3], a.dtype, **facts), cut=2)
        said = json.loads((tmp_path / name / "zarr.json").read_text())["attributes"]["ome"]
        return [c["window"] for c in said["omero"]["channels"]] if "omero" in said else None

    def window(a):
        low, high = a.min().item(), a.max().item()
        return {"min": low, "max": high, "start": low, "end": high}

    a = hostile((5, 6, 7), "f4")
    a[0] = np.nan
    assert windows("a.zarr", a) == [window(a[np.isfinite(a)])]
    a = hostile((5, 6, 7), "i8")
    assert windows("b.zarr", a) == [window(a)]
    a = hostile((5, 6, 7, 3), "u1")
    assert windows("c.zarr", a, components=tuple("rgb")) == [window(a[..., i]) for i in range(3)]
    a = np.zeros((130, 6, 7), "i2")
    a[-1, -1, -1] = -5                                               # rows without a voxel of their own are 0
    assert windows("d.zarr", a) == [{"min": -5, "max": 0, "start": -5, "end": 0}]
    for name, a, facts in (("e.zarr", np.full((5, 6, 7), 3, "u1"), {}), ("f.zarr", np.full((2, 2, 2), np.nan), {}),
                           ("g.zarr", hostile((5, 6, 7), "u2"), {"role": "labels"})):  # fmt: skip
        assert windows(name, a, **facts) is None


def test_a_channel_keeps_its_name_and_color(tmp_path):
    a = hostile((2, 3, 4, 5, 6), "u2")
    shown = [{"label": name, "color": color, "window": {"min": 0, "max": 1, "start": 0, "end": 1}}
             for name, color in (("DAPI", "0000FF"), ("GFP", "00FF00"), ("2", "FFFFFF"))]  # fmt: skip
    ome_group(f"{tmp_path}/v.zarr", a, TCZYX, extra={"omero": {"channels": shown}})
    for channel, name, told in ((0, "DAPI", True), (1, "GFP", True), (2, "0", False)):
        head, got = read(f"{tmp_path}/v.zarr", channel=channel, time=1)
        assert head.meta.get("channel") == ({k: shown[channel][k] for k in ("label", "color")} if told else None)
        write(f"{tmp_path}/{channel}.zarr", got, head)
        said = json.loads((tmp_path / f"{channel}.zarr/zarr.json").read_text())["attributes"]["ome"]["omero"]["channels"]
        assert [(c["label"], c["color"]) for c in said] == [(name, shown[channel]["color"])]
        assert read(f"{tmp_path}/{channel}.zarr")[0].meta == head.meta
        assert read(f"{tmp_path}/{channel}.zarr/0")[0].meta == head.meta
        assert (", channel" in " ".join(write(f"{tmp_path}/{channel}.npy", got, head).lost)) == told
    write(f"{tmp_path}/odd.zarr", got, head.but(meta={"channel": "red"}))          # another's words: no harm


def test_memory_is_what_was_predicted(shell, tmp_path):
    """A row of each coarser level, and what is reduced of one, on top of two slabs of the first."""
    line = "sweep-synth noise --shape 300,256,250 --dtype uint16 | sweep-write v.zarr --chunks 25,64,64 --pyramid auto"
    done = shell(f"set -o pipefail; {line} --report r.json", SWEEP_THREADS="2")
    assert done.returncode == 0, done.stderr
    told = json.loads((tmp_path / "r.json").read_text())["stages"][-1]
    measured, predicted = (told[name] - told["baseline_bytes"] for name in ("peak_bytes", "predicted_peak_bytes"))
    assert 0.6 * predicted <= measured <= predicted, (measured, told["memory_items"])
    assert sum(": level" in item["what"] for item in told["memory_items"]) == 4
