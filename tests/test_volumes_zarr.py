"""Zarr and OME-Zarr: metadata in and out, other readers and writers, each stored chunk opened once."""

import ctypes
import json
import os
import struct
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import zarr
from test_volumes import hostile, read, same, write

from sweeptools import volumes
from sweeptools.errors import Corrupt, SweepError, UsageError
from sweeptools.spec import Block, Head
from sweeptools.volumes.zarrwrite import layout

SPACED = {"spacing": (2.0, 0.65, 0.25), "unit": "micrometer", "origin": (1.5, -2.0, 0.0)}


class Opens:
    """Counts how often files below a folder are opened, by what the kernel tells (inotify)."""

    def __init__(self, folder):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.fd = self.libc.inotify_init1(os.O_NONBLOCK)
        self.counts = {}
        self.places = {}
        for place, _, files in os.walk(folder):
            # opened, closed: equal events one after the other would be told as one
            self.places[self.libc.inotify_add_watch(self.fd, place.encode(), 0x20 | 0x18)] = place
            self.counts |= {os.path.join(place, f): 0 for f in files if not f.endswith(".json") and f[0] != "."}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        data = b""
        while True:
            try:
                data += os.read(self.fd, 1 << 16)
            except BlockingIOError:
                break
        os.close(self.fd)
        at = 0
        while at < len(data):
            watch, mask, _, size = struct.unpack_from("iIII", data, at)
            name = data[at + 16 : at + 16 + size].rstrip(b"\0").decode()
            at += 16 + size
            assert not mask & 0x4000, "too many events"
            path = os.path.join(self.places[watch], name)
            if mask & 0x20 and path in self.counts:
                self.counts[path] += 1


@pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")
@pytest.mark.parametrize("axis", "zyx")
@pytest.mark.parametrize("sweep", ["up", "down"])
@pytest.mark.parametrize("box", [None, "part"])
def test_every_chunk_is_opened_once_a_sweep(tmp_path, axis, sweep, box):
    a = hostile((70, 50, 90), "u2") | 1
    write(f"{tmp_path}/v.zarr", a, chunks=(16, 16, 16), shards="none")
    part = ((3, 60, 1), (0, 41, 1), (20, 90, 1)) if box else None
    source = volumes.open(f"{tmp_path}/v.zarr", axis=axis, sweep=sweep, box=part, threads=2)
    with Opens(tmp_path) as opens:
        for _ in source.blocks(sweep):
            pass
    touched = 4 * 3 * 5 if box else 5 * 4 * 6
    assert sorted(opens.counts.values()) == [0] * (120 - touched) + [1] * touched
    assert source.stats["chunks"] == source.stats["chunks_total"] == touched
    shape = (57, 41, 70) if box else a.shape
    assert source.stats["bytes"] == np.prod(shape) * 2


@pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")
def test_every_shard_is_read_by_rows_of_shards(tmp_path):
    a = hostile((70, 50, 90), "u2") | 1
    write(f"{tmp_path}/v.zarr", a, chunks=(16, 16, 16), shards=(32, 32, 32))
    source = volumes.open(f"{tmp_path}/v.zarr", threads=2)
    with Opens(tmp_path) as opens:
        for _ in source.blocks("up"):
            pass
    assert len(opens.counts) == 3 * 2 * 3 and set(opens.counts.values()) == {1}
    assert source.stats["chunks"] == source.stats["chunks_total"] == 5 * 4 * 6


def test_rows_that_are_not_stored_come_as_fills(tmp_path):
    a = np.zeros((200, 40, 40), "u1")
    a[70:75] = 7
    for name, how in (("v.zarr", {}), ("old.zarr", {"ome": "0.4"}), ("bare.zarr", {"ome": "none", "shards": "none"})):
        sink = write(f"{tmp_path}/{name}", a, **how)
        assert sum(len(f) for _, _, f in os.walk(f"{tmp_path}/{name}")) == sink.stats["files"]
        source = volumes.open(f"{tmp_path}/{name}")
        blocks = list(source.blocks("down"))
        assert [(b.z, b.n) for b in blocks if b.data is None] == [(192, 8), (128, 64), (0, 64)]
        assert all(b.fill == 0 for b in blocks if b.data is None)
        assert source.stats == {"bytes": 64 * 1600, "chunks": 1, "chunks_total": 4}
        assert same(read(f"{tmp_path}/{name}")[1], a)


@pytest.mark.parametrize("version", ["0.5", "0.4", "none"])
@pytest.mark.parametrize("role", ["image", "labels", "mask"])
def test_metadata_goes_round(tmp_path, version, role):
    a = hostile((5, 6, 7), "u2")
    head = Head(a.shape, a.dtype, role=role, nodata=3, history=({"command": "synth", "params": {}},), **SPACED)
    path = f"{tmp_path}/v.ome.zarr"
    found = [{"at": 0, "threshold": 7}]
    digests = (np.arange(5, dtype="<u8"), np.array([1, 2, 3, 4, 2**64 - 1], "<u8"))
    write(path, a, head, ome=version, end={"found": found, "slice_digests": digests})
    told, got = read(path)
    assert same(got, a)
    assert (told.spacing, told.unit, told.origin) == tuple(SPACED.values())
    assert (told.role, told.nodata, told.axes, told.chunks) == (role, 3, ("z", "y", "x"), (5, 6, 7))
    assert told.history == ({"command": "synth", "params": {}, "found": {"threshold": 7}},)
    attributes = dict(zarr.open(path, mode="r").attrs)
    assert attributes["sweeptools"]["digests"] == [f"{d:016x}" for d in digests[1].tolist()]
    facts = attributes.get("ome", attributes)
    assert ("image-label" in facts) == (role == "labels" and version != "none")
    write(f"{tmp_path}/w.zarr", a, head, history=False, end={"found": found})
    assert "history" not in zarr.open(f"{tmp_path}/w.zarr", mode="r").attrs["sweeptools"]


@pytest.mark.parametrize("components", [(), ("r", "g", "b")])
@pytest.mark.parametrize("role", ["image", "labels"])
def test_the_metadata_is_valid(tmp_path, components, role):
    models = pytest.importorskip("ome_zarr_models")
    a = np.zeros((5, 6, 7, 3)[: 4 if components else 3], "u2")
    head = Head(a.shape[:3], a.dtype, role=role, components=components, **SPACED)
    for version, room in (("0.5", models.v05), ("0.4", models.v04)):
        path = f"{tmp_path}/v{version}.zarr"
        write(path, a, head, ome=version)
        group = zarr.open_group(path, mode="r")
        (room.image_label.ImageLabel if role == "labels" else room.image.Image).from_zarr(group)


SMALL = {"codec": "zstd:3", "chunks": (3, 10, 20), "shards": (6, 20, 40)}


@pytest.mark.parametrize(
    "how", [{}, {"shards": "none"}, {"ome": "0.4"}, {"ome": "none", "codec": "gzip:1"}, SMALL, {"codec": "none"}]
)
def test_others_read_what_is_written(tmp_path, how):
    a = hostile((33, 21, 70), "f4")
    write(f"{tmp_path}/v.zarr", a, **how)
    path = f"{tmp_path}/v.zarr" + ("" if how.get("ome") == "none" else "/0")
    with zarr.config.set({"codec_pipeline.path": "zarr.core.codec_pipeline.BatchedCodecPipeline"}):
        assert same(zarr.open_array(path, mode="r")[:], a)
    store = pytest.importorskip("tensorstore")
    spec = {"driver": "zarr" if how.get("ome") == "0.4" else "zarr3", "kvstore": {"driver": "file", "path": path}}
    assert same(np.ascontiguousarray(store.open(spec).result().read().result()), a)


@pytest.mark.parametrize("dtype", [">u2", ">f4", "<i8", "?"])
@pytest.mark.parametrize("form, separator", [(2, "."), (2, "/"), (3, "."), (3, "/")])
def test_what_others_write_is_read(tmp_path, dtype, form, separator):
    a = (hostile((9, 20, 31), "i4") % 2 if dtype == "?" else hostile((9, 20, 31), dtype[1:])).astype(dtype)
    names = {"name": "v2" if form == 2 else "default", "separator": separator}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        facts = {"shape": a.shape, "chunks": (4, 7, 31), "dtype": a.dtype, "zarr_format": form}
        array = zarr.create_array(str(tmp_path / "v"), chunk_key_encoding=names, **facts)
        array[:] = a
    head, got = read(tmp_path / "v", sweep="down")
    assert same(got, a.astype("u1") if dtype == "?" else a.astype(a.dtype.newbyteorder("=")))
    assert head.chunks == (4, 7, 31) and head.role == ("mask" if dtype == "?" else "image")


def test_codecs_that_zarrs_does_not_know(tmp_path):
    import numcodecs

    a = hostile((9, 20, 31), "i4")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        array = zarr.create_array(str(tmp_path / "v"), shape=a.shape, chunks=(4, 7, 31), dtype=a.dtype, zarr_format=2,
                                  filters=[numcodecs.Delta("<i4")], compressors=numcodecs.LZMA())  # fmt: skip
        array[:] = a
    assert same(read(tmp_path / "v")[1], a)


def test_without_zarrs_the_voxels_are_the_same(tmp_path, monkeypatch):
    a = hostile((70, 40, 50), "f4")
    monkeypatch.setattr("sweeptools.volumes.zarr.find_spec", lambda name: None)
    with zarr.config.set({"codec_pipeline.path": "zarr.core.codec_pipeline.BatchedCodecPipeline"}):
        for name, how in (("v.zarr", {}), ("old.zarr", {"ome": "0.4"})):
            write(f"{tmp_path}/{name}", a, **how)
            assert same(read(f"{tmp_path}/{name}")[1], a)


def tree(path):
    return {str(p.relative_to(path)): p.read_bytes() for p in Path(path).rglob("*") if p.is_file()}


@pytest.mark.parametrize("how", [{}, {"shards": (16, 128, 128)}, {"shards": "none"}, {"ome": "0.4"}, {"ome": "none"}])
def test_two_runs_write_the_same_files(tmp_path, how):
    a = hostile((40, 128, 128), "u2")
    head = Head(a.shape, a.dtype, history=({"command": "synth"},))
    trees = []
    for run, (cut, sweep) in enumerate([(1, "up"), (40, "up"), (7, "down"), (16, "up")]):
        (tmp_path / str(run)).mkdir()
        write(f"{tmp_path}/{run}/v.zarr", a, head, cut=cut, sweep=sweep, chunks=(16, 16, 16), **how)
        trees.append(tree(f"{tmp_path}/{run}/v.zarr"))
    assert all(t == trees[0] for t in trees)


# ------------------------------------------------------------------ OME-Zarr of others


def ome_group(path, array, axes, version="0.5", scale=None, channels=(), extra=None, levels=1):
    """An OME-Zarr group as another program would write it."""
    form = 3 if version == "0.5" else 2
    names = [a["name"] for a in axes]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        group = zarr.create_group(str(path), zarr_format=form)
        sets = []
        for k in range(levels):
            small = array[tuple(slice(None, None, 2**k) if a["type"] == "space" else slice(None) for a in axes)]
            facts = {"dimension_names": names} if form == 3 else {}
            group.create_array(f"s{k}", data=np.ascontiguousarray(small), **facts)
            grown = [s * (2**k if a["type"] == "space" else 1) for s, a in zip(scale or [1.0] * len(axes), axes)]
            sets.append({"path": f"s{k}", "coordinateTransformations": [{"type": "scale", "scale": grown}]})
    facts = {"multiscales": [{"name": "image", "axes": axes, "datasets": sets}], **(extra or {})}
    if channels:
        facts["omero"] = {"channels": [{"label": c} for c in channels]}
    group.attrs.update({"ome": {"version": "0.5", **facts}} if form == 3 else facts)


ZYX = [{"name": n, "type": "space", "unit": "micrometer"} for n in "zyx"]
TCZYX = [{"name": "t", "type": "time", "unit": "second"}, {"name": "c", "type": "channel"}, *ZYX]


@pytest.mark.parametrize("version", ["0.5", "0.4"])
def test_levels_channels_and_times(tmp_path, version):
    a = hostile((2, 3, 8, 10, 12), "u2")
    ome_group(tmp_path / "v", a, TCZYX, version, [9.0, 1.0, 2.0, 0.5, 0.5], ("DAPI", "GFP", "7"), levels=2)
    head, got = read(tmp_path / "v", channel="GFP", time="1")
    assert same(got, a[1, 1]) and (head.spacing, head.unit) == ((2.0, 0.5, 0.5), "micrometer")
    head, got = read(tmp_path / "v", channel=2, time=0, level=1, sweep="down")
    assert same(got, np.ascontiguousarray(a[0, 2, ::2, ::2, ::2])) and head.spacing == (4.0, 1.0, 1.0)
    head, got = read(tmp_path / "v" / "s1", channel="0", time="0")
    assert same(got, np.ascontiguousarray(a[0, 0, ::2, ::2, ::2])) and head.spacing == (4.0, 1.0, 1.0)
    for how, words in [
        ({}, "v has 2 times: 0, 1; choose one with --time"),
        ({"time": 0}, r"v has 3 channels: 0 \(DAPI\), 1 \(GFP\), 2 \(7\); choose one with --channel"),
        ({"time": 0, "channel": "RFP"}, r"there is no channel 'RFP'; it has 0 \(DAPI\)"),
        ({"time": 2, "channel": 0}, "there is no time '2'; it has 0, 1"),
        ({"level": 5}, "there is no level 5; it has 0 to 1"),
    ]:
        with pytest.raises(UsageError, match=words):
            volumes.open(tmp_path / "v", **how)
    with pytest.raises(UsageError, match="s0 is an array, which has no levels"):
        volumes.open(tmp_path / "v" / "s0", level=1)
    with pytest.raises(UsageError, match="there is nothing of that name"):
        (tmp_path / "n.zarr").mkdir()
        volumes.open(tmp_path / "n.zarr" / "5")


def test_axes_of_length_one_are_dropped(tmp_path):
    a = hostile((1, 1, 8, 10, 12), "u2")
    ome_group(tmp_path / "v", a, TCZYX, "0.4")
    head, got = read(tmp_path / "v")
    assert same(got, a[0, 0]) and head.whole == (8, 10, 12)
    zarr.create_array(str(tmp_path / "bare"), data=a[0])
    assert same(read(tmp_path / "bare")[1], a[0, 0])


def test_two_dimensions_are_no_volume(tmp_path):
    a = np.zeros((2, 10, 12), "u1")
    ome_group(tmp_path / "v", a, TCZYX[1:2] + ZYX[1:])
    with pytest.raises(UsageError, match=r"two dimensions in space \(c=2, y=10, x=12\), a volume has three"):
        volumes.open(tmp_path / "v", channel=0)
    zarr.create_array(str(tmp_path / "flat"), data=a[0])
    with pytest.raises(UsageError, match="two dimensions"):
        volumes.open(tmp_path / "flat")
    zarr.create_array(str(tmp_path / "many"), data=np.zeros((2,) * 6, "u1"))
    with pytest.raises(UsageError, match="6 dimensions in space"):
        volumes.open(tmp_path / "many")


def test_units_are_brought_to_one(tmp_path):
    axes = [{"name": "z", "type": "space", "unit": "millimeter"}, *ZYX[1:]]
    ome_group(tmp_path / "v", np.zeros((3, 4, 5), "u1"), axes, scale=[0.002, 1.5, 500.0])
    head, _ = read(tmp_path / "v")
    assert head.unit == "millimeter" and head.spacing == pytest.approx((0.002, 0.0015, 0.5))
    bare = [{"name": n, "type": "space"} for n in "zyx"]
    ome_group(tmp_path / "w", np.zeros((3, 4, 5), "u1"), bare)
    assert read(tmp_path / "w")[0].spacing is None
    ome_group(tmp_path / "x", np.zeros((3, 4, 5), "u1"), bare, scale=[2.0, 1.0, 1.0])
    head, _ = read(tmp_path / "x")
    assert (head.spacing, head.unit) == ((2.0, 1.0, 1.0), None)


def test_labels_are_labels(tmp_path):
    ome_group(tmp_path / "v", np.zeros((3, 4, 5), "u4"), ZYX, extra={"image-label": {"version": "0.5"}})
    assert read(tmp_path / "v")[0].role == "labels"
    assert read(tmp_path / "v", role="image")[0].role == "image"


def test_what_others_keep_with_a_volume_is_passed_on(tmp_path):
    a = hostile((3, 4, 5), "u1")
    notes = {"acquisition": {"laser": 488, "notes": ["deep", None, 1.5]}}
    ome_group(tmp_path / "v", a, ZYX)
    zarr.open_group(str(tmp_path / "v"), mode="r+").attrs.update(notes)
    head, _ = read(tmp_path / "v")
    assert head.meta == {"attributes": notes}
    for name, version in (("a.zarr", "0.5"), ("b.zarr", "0.4"), ("c.zarr", "none")):
        write(tmp_path / name, a, head, ome=version)
        assert read(tmp_path / name)[0].meta == head.meta


def test_groups_that_are_no_image(tmp_path):
    group = zarr.create_group(str(tmp_path / "g.zarr"))
    with pytest.raises(UsageError, match="g.zarr is a group without a volume of its own$"):
        volumes.open(tmp_path / "g.zarr")
    a = hostile((3, 4, 5), "u1")
    group.create_array("a", data=a)
    assert same(read(tmp_path / "g.zarr")[1], a)
    group.create_array("b", data=a)
    with pytest.raises(UsageError, match="without a volume of its own; it has .*g.zarr/a, .*g.zarr/b"):
        volumes.open(tmp_path / "g.zarr")
    assert same(read(tmp_path / "g.zarr" / "b")[1], a)


def test_damage_is_told(tmp_path):
    write(f"{tmp_path}/v.zarr", hostile((70, 80, 90), "u2"), shards="none")
    chunk = next(p for p in Path(f"{tmp_path}/v.zarr/0/c/1").rglob("*") if p.is_file())
    chunk.write_bytes(b"nonsense")
    with pytest.raises(SweepError, match="v.zarr: cannot read voxels 64:70,0:80,0:90"):
        read(f"{tmp_path}/v.zarr")
    (tmp_path / "v.zarr/zarr.json").write_text("{nonsense")
    with pytest.raises(Corrupt, match="zarr.json is damaged"):
        volumes.open(tmp_path / "v.zarr")
    ome_group(tmp_path / "w", np.zeros((3, 4, 5), "u1"), ZYX, scale=[1.0, 1.0, 1.0])
    said = json.loads((tmp_path / "w/zarr.json").read_text())
    said["attributes"]["ome"]["multiscales"][0]["datasets"][0] = {"path": "s0", "coordinateTransformations": [
        {"type": "scale", "scale": [1.0]}]}  # fmt: skip
    (tmp_path / "w/zarr.json").write_text(json.dumps(said))
    with pytest.raises(UsageError, match="its OME-Zarr metadata is damaged: ValueError scale has 1 values for 3 axes"):
        volumes.open(tmp_path / "w")


# ------------------------------------------------------------------ layout


@pytest.mark.parametrize("whole, dtype, axis", [
    ((512, 1024, 1024), "u1", 0), ((4000, 4096, 4096), "u2", 0), ((100000, 5000, 300), "f4", 0),
    ((900, 900, 900), "f8", 1), ((900, 900, 900), "u2", 2),
])  # fmt: skip
def test_default_shards_are_a_row_deep_and_32_to_128_mib(whole, dtype, axis):
    head = Head(whole, dtype)
    chunks, shards = layout(head, axis)
    assert chunks == (64, 64, 64) and shards[axis] == 64 and all(s % c == 0 for s, c in zip(shards, chunks))
    size = np.prod(shards) * np.dtype(dtype).itemsize
    row = np.prod([n for i, n in enumerate(whole) if i != axis]) * 64 * np.dtype(dtype).itemsize
    assert min(32 << 20, row) <= size <= 128 << 20


def test_small_volumes_have_small_chunks():
    assert layout(Head((10, 20, 30), "u1"), 0) == ((10, 20, 30), None)
    assert layout(Head((100, 200, 30), "u1"), 0) == ((64, 64, 30), (64, 256, 30))
    assert layout(Head((0, 20, 30), "u1"), 0) == ((1, 20, 30), None)


def test_a_write_counts_its_chunks(tmp_path):
    a = hostile((70, 130, 66), "u1") | 1
    sink = write(f"{tmp_path}/v.zarr", a, shards="none")
    assert sink.stats == {"bytes": a.nbytes, "chunks": 2 * 3 * 2, "chunks_rewritten": 0, "files": 14}
    held = dict(sink.memory)
    assert held[f"{tmp_path}/v.zarr: 2 slabs of 64 slices"] == 2 * 64 * 130 * 66
    assert held[f"{tmp_path}/v.zarr: encoding"] == (3 * 2 * 64**3 + (4 << 20))


def test_a_block_without_voxels_is_not_stored(tmp_path):
    head = Head((1 << 20, 4096, 4096), "u2")
    sink = volumes.create(f"{tmp_path}/v.zarr", head)
    for z in range(0, 1 << 20, 1 << 16):
        sink.write(Block(z, 1 << 16, None, 0))
    sink.finish({})
    assert sink.stats["files"] == 2 and sink.stats["bytes"] == 0
    source = volumes.open(f"{tmp_path}/v.zarr", range=(-3, None, 1))
    assert [(b.z, b.n, b.data) for b in source.blocks("up")] == [(0, 3, None)] or source.head.depth < 3
