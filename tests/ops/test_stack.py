"""stack: numpy.concatenate along z."""

import numpy as np
import pytest
from harness import apply, collect, head_of, source
from samples import names, volume

from sweeptools.errors import UsageError
from sweeptools.ops import load
from sweeptools.params import DTYPES
from sweeptools.run import Run, Settings
from sweeptools.spec import Node


def stacked(*arrays, heads=None, cut=2, again=False, sweep="up", **settings):
    """(head, array) of the arrays, the first of which is stdin."""
    heads = heads or [head_of(a) for a in arrays]
    made = [source(a, h.but(sweep=sweep), cut, again, f"v{i}") for i, (a, h) in enumerate(zip(arrays, heads))]
    sources = {s.name: s for s in made}
    node = Node(load("stack"), tuple(Node(head=s.head, name=s.name) for s in made), {"volumes": ["b"]}, "stack")
    return collect(Run([node], sources, Settings(**settings)))


@pytest.mark.parametrize("sweep", ["up", "down"])
@pytest.mark.parametrize("how", [{}, {"cut": None, "depth": 3, "threads": 2}, {"cut": "fill", "again": True}])
def test_as_numpy_concatenates(how, sweep):
    parts = [volume("int32", (n, 5, 6), seed) for seed, n in enumerate((4, 1, 7))]
    head, out = stacked(*parts, sweep=sweep, **how)
    assert head.whole == (12, 5, 6) and head.sweep == sweep
    np.testing.assert_array_equal(out, np.concatenate(parts))


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_type_to_the_bit(dtype):
    a, b = volume(dtype), volume(dtype, (2, 6, 7), 1)
    out = apply("stack", a, inputs={"volume 1": b}, volumes=["b.zarr"])
    assert out.dtype == a.dtype and out.tobytes() == np.concatenate([a, b]).tobytes()


def test_shapes_and_components():
    a, b = volume("float32", (4, 3, 5, 2)), volume("float32", (3, 3, 5, 2), 1)
    heads = [head_of(v, components=names(v.shape)) for v in (a, b)]
    np.testing.assert_array_equal(stacked(a, b, heads=heads)[1], np.concatenate([a, b]))
    nothing = np.zeros((0, 6, 7), "u1")
    c = volume("uint8", (3, 6, 7))
    for parts in ((nothing, c), (c, nothing), (nothing, nothing)):
        np.testing.assert_array_equal(stacked(*parts)[1], np.concatenate(parts))


def test_a_pipe_that_comes_the_other_way_is_turned(tmp_path):
    a, b = volume("uint8", (4, 5, 6)), volume("uint8", (3, 5, 6), 1)
    one, two = source(a, None, 2, name="stdin"), source(b, head_of(b, sweep="down"), 2, name="b")
    nodes = (Node(head=one.head, name="stdin"), Node(head=two.head, name="b"))
    node = Node(load("stack"), nodes, {"volumes": ["b"]}, "stack")
    run = Run([node], {"stdin": one, "b": two}, Settings(tmpdir=str(tmp_path)))
    np.testing.assert_array_equal(collect(run)[1], np.concatenate([a, b]))


def test_cut_apart_and_stacked_it_is_the_volume():
    a = volume("uint16", (9, 4, 5))
    low, high = (apply("crop", a, ranges=r) for r in (":4,:,:", "4:,:,:"))
    np.testing.assert_array_equal(stacked(low, high)[1], a)


def test_head_follows():
    a, b = volume("uint8", (4, 5, 6)), volume("uint8", (3, 5, 6), 1)
    first = head_of(a, spacing=(2.0, 0.5, 0.25), origin=(10.0, 0.0, -1.0), chunks=(4, 5, 6), role="labels")
    for second in (head_of(b), head_of(b, spacing=(2000.0, 500.0, 250.0), unit="nanometer", origin=(1.0, 2.0, 3.0))):
        out = stacked(a, b, heads=[first, second])[0]
        assert (out.whole, out.spacing, out.origin, out.role) == ((7, 5, 6), first.spacing, first.origin, "labels")
        assert out.chunks == (4, 5, 6)
    assert stacked(b, a, heads=[head_of(b, chunks=(2, 5, 6)), head_of(a)])[0].chunks is None


@pytest.mark.parametrize("facts, shape, dtype, why", [
    ({}, (3, 5, 7), "u1", "volume 1 has slices of 5 x 7 voxels, the stream of 5 x 6"),
    ({}, (3, 5, 6), "u2", "volume 1 is uint16, the stream uint8"),
    ({"components": ("a", "b")}, (3, 5, 6, 2), "u1", "volume 1 has 2 components, the stream no"),
    ({"order": (1, 0, 2), "axes": ("y", "z", "x")}, (3, 5, 6), "u1", "volume 1 goes along y, the stream along z"),
    ({"spacing": (2.0, 0.5, 0.2)}, (3, 5, 6), "u1", "a spacing of 2,0.5,0.2 micrometer, the stream a spacing of 2,0.5,0.25"),
    ({"spacing": (2.0, 0.5, 0.25), "unit": "millimeter"}, (3, 5, 6), "u1", "millimeter, the stream"),
    ({"spacing": (None, 0.5, 0.25)}, (3, 5, 6), "u1", r"a spacing of \?,0.5,0.25"),
])  # fmt: skip
def test_refusals(facts, shape, dtype, why):
    a, b = volume("uint8", (4, 5, 6)), volume(dtype, shape, 1)
    with pytest.raises(UsageError, match=why):
        stacked(a, b, heads=[head_of(a, spacing=(2.0, 0.5, 0.25)), head_of(b, **facts)])


def test_a_spacing_that_the_stream_lacks():
    a, b = volume("uint8", (4, 5, 6)), volume("uint8", (3, 5, 6), 1)
    with pytest.raises(UsageError, match="volume 1 has a spacing of 1,1,1 micrometer, the stream no spacing"):
        stacked(a, b, heads=[head_of(a), head_of(b, spacing=(1.0, 1.0, 1.0))])

