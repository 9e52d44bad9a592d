"""Volumes whose slices lie along z are read and written along y and x: numpy's transposition, each slice once, in memory
that does not grow with the volume."""

import os

import numpy as np
import pytest
import tifffile
from test_volumes import hostile, read, same, write

from sweeptools import volumes
from sweeptools.errors import Refused
from sweeptools.kernels import turn
from sweeptools.params import Range, Ranges
from sweeptools.spec import Head
from sweeptools.volumes import along

ORDERS = {"y": (1, 0, 2), "x": (2, 0, 1)}
HEAD = {"spacing": (3.0, 2.0, 1.0), "unit": "nanometer", "origin": (5.0, 6.0, 7.0)}


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Slabs and rows of a few slices."""
    monkeypatch.setattr(turn, "SLAB", 3000)


def store(path, a, compression=None):
    """A stack of TIFF files, or what the suffix says."""
    if path.suffix == ".tif" or not path.suffix:
        path.mkdir()
        for z, page in enumerate(a):
            tifffile.imwrite(path / f"s{z:03}.tif", page, compression=compression)
        return path
    write(str(path), a, Head(a.shape, a.dtype, **HEAD))
    return path


@pytest.mark.parametrize("axis", "yx")
@pytest.mark.parametrize("name", ["stack", "v.npy", "v.sweep"])
def test_a_part_along_any_axis_is_numpys(tmp_path, name, axis):
    a = hostile((21, 15, 18), "u2")
    path = store(tmp_path / name, a)
    for part, at in ((":,:,:", ":"), ("3:19,2:,:-1", "1:12:3"), ("::2,::3,::4", "::2"), ("4:5,5:6,6:7", ":")):
        box, along_axis = Ranges("").parse(part), Range("").parse(at)
        expected = a[tuple(slice(*b) for b in box)].transpose(ORDERS[axis])[slice(*along_axis)]
        for sweep in ("up", "down"):
            head, got = read(path, axis=axis, sweep=sweep, box=box, range=along_axis, tmpdir=str(tmp_path))
            assert same(got, np.ascontiguousarray(expected)), (part, at, sweep)
            assert head.order == ORDERS[axis] and head.axes == tuple("zyx"[i] for i in ORDERS[axis])


def test_the_head_is_that_of_a_chunked_volume(tmp_path):
    a = hostile((21, 15, 18), "u2")
    part = {"box": Ranges("").parse("3:19,2:,:-1"), "range": Range("").parse("1:12:3"), "role": "labels",
            "spacing": ((4.0, 2.0, 1.0), "micrometer")}  # fmt: skip
    for axis in "yx":
        one, two = (volumes.open(store(tmp_path / f"{axis}{s}", a), axis=axis, tmpdir=str(tmp_path), **part).head
                    for s in (".zarr", ".sweep"))  # fmt: skip
        for fact in ("whole", "spacing", "unit", "origin", "axes", "order", "role", "dtype"):
            assert getattr(one, fact) == getattr(two, fact), fact


@pytest.mark.parametrize("axis", "yx")
def test_every_slice_is_read_once_however_often_it_is_swept(tmp_path, axis):
    a = hostile((9, 14, 15), "f4")
    source = volumes.open(store(tmp_path / "s", a, "zlib"), axis=axis, threads=1, tmpdir=str(tmp_path))
    for way in ("up", "down", "up"):
        got = np.concatenate([b.data for b in sorted(source.blocks(way), key=lambda b: b.z)])
        assert same(got, np.ascontiguousarray(a.transpose(ORDERS[axis])))
    assert source.stats["chunks"] == source.stats["chunks_total"] == 9
    assert source.stats["spool_bytes"] == a.nbytes
    source.close()


def test_components(tmp_path):
    a = hostile((5, 16, 17, 3), "u1")
    path = store(tmp_path / "s", a)
    for axis, order in ORDERS.items():
        head, got = read(path, axis=axis, tmpdir=str(tmp_path))
        assert same(got, np.ascontiguousarray(a.transpose(*order, 3))) and len(head.components) == 3


def test_what_is_said_and_where(tmp_path):
    path = store(tmp_path / "s", hostile((5, 16, 17), "u2"))
    source = volumes.open(path, axis="y", tmpdir=str(tmp_path))
    assert source.said[-1] == (
        f"{path}: its slices lie along z: along y it is read through a temporary file of 2.7K in {tmp_path}"
    )
    assert os.listdir(tmp_path) == ["s"]
    np.save(tmp_path / "v.npy", hostile((5, 16, 17), "u2"))
    assert not volumes.open(tmp_path / "v.npy", axis="y").said, "columns are read straight away"


def test_what_does_not_fit_is_refused_before_any_work(tmp_path, monkeypatch):
    path = store(tmp_path / "s", hostile((5, 16, 17), "u2"))
    monkeypatch.setattr("sweeptools.spool.room", lambda path: 1000)
    with pytest.raises(Refused, match="the spool may take 2.7K, .* has 1000 free; name a larger directory"):
        volumes.open(path, axis="y", tmpdir=str(tmp_path))
    head = Head((16, 5, 17), "u2", order=(1, 0, 2), axes=("y", "z", "x"))
    with pytest.raises(Refused, match="the spool may take"):
        volumes.create(tmp_path / "w.tif", head, tmpdir=str(tmp_path))
    assert sorted(os.listdir(tmp_path)) == ["s"]


def test_memory_does_not_grow_with_the_volume(tmp_path, monkeypatch):
    monkeypatch.setattr(turn, "SLAB", 1 << 20)
    held = []
    for n in (100, 800):
        np.save(tmp_path / f"{n}.npy", np.zeros((n, 400, 100), "u1"))
        source = volumes.open(tmp_path / f"{n}.npy", axis="x", tmpdir=str(tmp_path))
        held.append(sum(size for what, size in source.memory if "two axes" in what))
    assert held[1] <= held[0] * 1.1


# ------------------------------------------------------------------ written


@pytest.mark.parametrize("target", ["w.tif", "w/", "w/s_%03d.tif", "w.npy"])
@pytest.mark.parametrize("axis", "yx")
def test_streams_along_an_axis_are_put_back(tmp_path, axis, target):
    a = hostile((13, 15, 18), "f4")
    told, turned = read(store(tmp_path / "v.zarr", a), axis=axis)
    sink = write(f"{tmp_path}/{target}", turned, told, tmpdir=str(tmp_path))
    assert same(read(f"{tmp_path}/{target}".replace("s_%03d.tif", ""))[1], a)
    assert sink.stats.get("spool_bytes", 0) == (a.nbytes if sink.__class__ is along.Sink else 0)
    if (axis, target) != ("y", "w.npy"):
        assert f"the stream comes along {axis}, it is written along z: through a temporary file of" in sink.said[0]


def test_a_format_that_takes_slices_in_their_order_only(tmp_path, monkeypatch):
    from sweeptools.volumes.npy import Writer

    monkeypatch.setattr(Writer, "ordered", True, raising=False)
    a = hostile((13, 15, 18), "u1")
    sink = write(f"{tmp_path}/w.npy", a, sweep="down", tmpdir=str(tmp_path))
    assert same(np.load(tmp_path / "w.npy"), a) and "the stream goes down, it is written up" in sink.said[0]


@pytest.mark.parametrize("axis", "zy")
def test_digests_are_of_the_slices_that_are_written(tmp_path, axis):
    a = hostile((13, 15, 18), "u1")
    head, turned = read(store(tmp_path / "v.zarr", a), axis=axis)
    head = head.but(sweep="down")
    given = []

    class Kept:
        stats, lost, memory, noted = {}, (), (), ()
        write = abort = lambda self, *block: None
        finish = lambda self, end: given.append(end)  # noqa: E731

    sink = along.Sink(head, lambda head: Kept(), volumes.Pool(), str(tmp_path))
    from sweeptools.spec import Block
    from sweeptools.stream import Digest

    sink.write(Block(0, len(turned), turned))
    sink.finish({"found": ["x"]})
    whole = Digest()
    whole.add(Block(0, 13, a), Head(a.shape, a.dtype))
    for one, two in zip(given[0]["slice_digests"], whole.arrays(), strict=True):
        np.testing.assert_array_equal(one, two)
    assert given[0]["found"] == ["x"]


def test_an_end_that_fails_leaves_nothing(tmp_path):
    head = Head((16, 5, 17), "u2", order=(1, 0, 2), axes=("y", "z", "x"))
    sink = volumes.create(tmp_path / "w.tif", head, tmpdir=str(tmp_path))
    sink.abort()
    assert os.listdir(tmp_path) == []
