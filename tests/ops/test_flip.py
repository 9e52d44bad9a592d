"""flip: numpy.flip, whichever way the stream comes and whatever follows."""

import numpy as np
import pytest
from harness import apply, collect, head_of, prepare, source
from samples import SHAPES, names, volume

from sweeptools.errors import Refused, UsageError
from sweeptools.ops import load
from sweeptools.params import DTYPES
from sweeptools.run import Run, Settings
from sweeptools.spec import Node

AXES = {"z": 0, "y": 1, "x": 2, "zy": (0, 1), "x,z": (2, 0), "yx": (1, 2), "z,y,x": (0, 1, 2)}


@pytest.mark.parametrize("axes", AXES)
@pytest.mark.parametrize("shape", SHAPES)
def test_as_numpy_flips(shape, axes):
    a = volume("int16", shape)
    for how in ({}, {"cut": 1, "threads": 2}, {"cut": 3, "depth": 2, "again": True}, {"cut": "fill"}):
        out = apply("flip", a, axes=axes, components=names(shape), **how)
        np.testing.assert_array_equal(out, np.flip(a, AXES[axes]))


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_type_to_the_bit(dtype):
    a = volume(dtype)
    out = apply("flip", a, axes="zyx", cut=2)
    assert out.dtype == a.dtype and out.tobytes() == a[::-1, ::-1, ::-1].tobytes()


def chain(first, *words, again=False, sweep="up", tmpdir=None):
    """A Run of operations one after the other on an array that comes through a pipe, or can be read again."""
    source_ = source(first, head_of(first).but(sweep=sweep), 2, again)
    node = Node(head=source_.head, name="stdin")
    for word in words:
        name, *rest = word.split()
        op = load(name)
        node = Node(op, (node,), {k: op.params[k].parse(v) for k, v in zip(op.params, rest)}, op.name)
    return Run([node], {"stdin": source_}, Settings(tmpdir=tmpdir))


@pytest.mark.parametrize("sweep, out", [("up", "down"), ("down", "up")])
def test_along_z_the_stream_goes_on_the_other_way(sweep, out, tmp_path):
    a = volume("uint8", (9, 4, 5))
    run = chain(a, "flip z", sweep=sweep, tmpdir=str(tmp_path))
    assert run.head.sweep == out
    np.testing.assert_array_equal(collect(run)[1], a[::-1])
    assert run.report()["spool_bytes"] == 0 and run.report()["sweeps"] == 1
    twice = chain(a, "flip z", "gauss 1", "flip z", sweep=sweep)
    assert twice.head.sweep == sweep
    np.testing.assert_array_equal(collect(twice)[1], apply("gauss", a[::-1].copy(), sigma="1")[::-1])


@pytest.mark.parametrize("again", [True, False])
def test_before_what_goes_up_only(again, tmp_path):
    a = (np.random.default_rng(0).random((9, 10, 12)) < 0.3).astype("u1")
    expected = apply("label", np.ascontiguousarray(a[::-1, :, ::-1]))
    for sweep in ("up", "down"):
        run = chain(a, "flip zx", "label", again=again, sweep=sweep, tmpdir=str(tmp_path))
        np.testing.assert_array_equal(collect(run)[1], expected)
    otsu = chain(a, "gauss 1", "flip z", "otsu", again=again, tmpdir=str(tmp_path))
    np.testing.assert_array_equal(collect(otsu)[1], apply("otsu", apply("gauss", a, sigma="1")[::-1].copy()))


def test_the_other_way_round_beside_the_stream_itself(tmp_path):
    """A graph that reads one input both ways: what is a pipe is saved."""
    a, m = volume("uint8", (7, 4, 5)), load("mask")
    for again in (True, False):
        source_ = source(a, None, 2, again)
        leaf = Node(head=source_.head, name="stdin")
        flipped = Node(load("flip"), (leaf,), {"axes": "z"}, "flip")
        run = Run([Node(m, (leaf, flipped), {"volume": ""}, "mask")], {"stdin": source_}, Settings(tmpdir=str(tmp_path)))
        np.testing.assert_array_equal(collect(run)[1], np.where(a[::-1] != 0, a, 0))


def test_the_head_stays_but_for_chunks():
    a = volume("uint8", (8, 20, 30))
    head = head_of(a, spacing=(2.0, 0.5, 0.25), origin=(10.0, 0.0, -1.0), chunks=(4, 10, 9), nodata=0)
    out = prepare("flip", a, head=head, axes="zy").head
    assert (out.spacing, out.unit, out.origin, out.axes) == (head.spacing, head.unit, head.origin, head.axes)
    assert (out.chunks, out.nodata) == ((4, 10, 9), 0)
    assert prepare("flip", a, head=head, axes="x").head.chunks is None


def test_axes_go_by_their_names():
    a = volume("uint8", (4, 5, 6))
    turned = head_of(a, axes=("y", "z", "x"), order=(1, 0, 2))
    np.testing.assert_array_equal(apply("flip", a, head=turned, axes="z"), a[:, ::-1])
    other = head_of(a, axes=("depth", "row", "col"))
    np.testing.assert_array_equal(apply("flip", a, head=other, axes="z"), a[::-1])


def test_refusals():
    for word in ("w", "zz", "", ","):
        with pytest.raises(UsageError, match="must be letters of z, y and x"):
            load("flip").params["axes"].parse(word)
    a = volume("uint8", (4, 5, 6))
    for axes in ("z", "x"):
        with pytest.raises(Refused, match="a part of a volume cannot change its geometry"):
            prepare("flip", a, head=head_of(a).but(whole=(9, 5, 6), box=((0, 4), (0, 5), (0, 6))), axes=axes)
