"""permute: numpy.transpose; slices along another axis through a file that is written once and read once."""

from itertools import permutations

import numpy as np
import pytest
from harness import apply, collect, head_of, prepare
from samples import SHAPES, names, volume

from sweeptools.errors import Refused, UsageError
from sweeptools.flow import Pool
from sweeptools.kernels import turn
from sweeptools.ops import load
from sweeptools.params import DTYPES
from sweeptools.spec import Block
from sweeptools.turned import Turned

ORDERS = ["".join(p) for p in permutations("zyx")]


def places(order):
    return tuple("zyx".index(letter) for letter in order)


def transposed(a, order):
    return a.transpose(*places(order), *range(3, a.ndim))


@pytest.fixture
def small(monkeypatch):
    """Slabs, rows and tiles of a few voxels: every border is met."""
    monkeypatch.setattr(turn, "SLAB", 200)
    monkeypatch.setattr(turn, "TILE", 2)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("shape", SHAPES)
def test_as_numpy_transposes(shape, order, small, tmp_path):
    a = volume("int16", shape)
    for how in ({}, {"cut": 1, "threads": 2}, {"cut": 3, "depth": 2, "again": True}, {"cut": "fill"}):
        out = apply("permute", a, order=order, components=names(shape), tmpdir=str(tmp_path), **how)
        np.testing.assert_array_equal(out, transposed(a, order))


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_type_to_the_bit(dtype, tmp_path):
    a = volume(dtype)
    for order in ("yxz", "zxy"):
        out = apply("permute", a, order=order, cut=2, tmpdir=str(tmp_path))
        assert out.dtype == a.dtype and out.tobytes() == np.ascontiguousarray(transposed(a, order)).tobytes()


@pytest.mark.parametrize("order", ["yzx", "yxz", "xzy", "xyz"])
@pytest.mark.parametrize("sweep", ["up", "down"])
def test_the_file_gives_either_way_what_was_written(order, sweep, small, tmp_path):
    a = volume("uint16", (11, 7, 6))
    a[4:8] = 0
    head = head_of(a).but(sweep=sweep)
    out = prepare("permute", a, head=head, order=order).head.but(depth=2)
    turned = Turned(head, out, places(order), str(tmp_path), Pool())
    cuts = [0, 1, 4, 8, 11]
    for z0, z1 in zip(cuts, cuts[1:]) if sweep == "up" else reversed(list(zip(cuts, cuts[1:]))):
        constant = (a[z0:z1] == a[z0, 0, 0]).all()
        turned.write(Block(z0, z1 - z0, None, a[z0, 0, 0]) if constant else Block(z0, z1 - z0, a[z0:z1].copy()))
    turned.finish()
    assert turned.bytes <= a.nbytes
    for way in ("up", "down", "up"):
        blocks = list(turned.blocks(way))
        assert [b.z for b in blocks] == sorted((b.z for b in blocks), reverse=way == "down")
        whole = np.concatenate([b.data for b in (blocks if way == "up" else blocks[::-1])])
        np.testing.assert_array_equal(whole, transposed(a, order))
    turned.close()


def test_slabs_of_nothing_take_no_room(tmp_path):
    a = np.zeros((64, 512, 256), "u1")
    run = prepare("permute", a, order="yxz", cut="fill", tmpdir=str(tmp_path))
    assert not collect(run)[1].any()
    assert run.report()["spool_bytes"] == 0


def test_there_and_back(tmp_path):
    a = volume("float32", (9, 8, 7))
    for order in ORDERS:
        head, out = apply("permute", a, order=order, with_head=True, spacing=(2.0, 1.0, 0.5), tmpdir=str(tmp_path))
        back, same = collect(prepare("permute", out, head=head, order="zyx", tmpdir=str(tmp_path)))
        assert same.tobytes() == a.tobytes()
        assert (back.spacing, back.axes) == ((2.0, 1.0, 0.5), ("z", "y", "x"))


def test_head_follows():
    a = volume("uint8", (4, 5, 6))
    head = head_of(a, spacing=(2.0, 0.5, 0.25), origin=(10.0, 0.0, -1.0), chunks=(4, 2, 3))
    for order in ORDERS:
        out, to = prepare("permute", a, head=head, order=order).head, places(order)
        assert out.axes == tuple(order) and out.order == (0, 1, 2) and out.unit == "micrometer"
        for name in ("whole", "spacing", "origin", "chunks"):
            assert getattr(out, name) == tuple(getattr(head, name)[i] for i in to)


def test_a_stream_along_y_becomes_a_volume_of_its_own():
    a = volume("uint8", (4, 5, 6))
    along = head_of(a, axes=("y", "z", "x"), order=(1, 0, 2))
    head, out = collect(prepare("permute", a, head=along, order="yzx"))
    assert (head.order, head.axes) == ((0, 1, 2), ("y", "z", "x"))
    np.testing.assert_array_equal(out, a)


def test_refusals(tmp_path):
    for word in ("yx", "zyy", "zyw"):
        with pytest.raises(UsageError, match="order is"):
            load("permute").params["order"].parse(word)
    a = volume("uint8", (4, 5, 6))
    with pytest.raises(Refused, match="a part of a volume"):
        prepare("permute", a, head=head_of(a).but(whole=(9, 5, 6), box=((0, 4), (0, 5), (0, 6))), order="yzx")
    large = head_of(a).but(whole=(1 << 20, 1 << 16, 1 << 16))
    with pytest.raises(Refused, match="the spool may take"):
        Turned(large, large, (1, 0, 2), str(tmp_path), Pool())
