"""pad: numpy.pad, whose words for the edge modes are others."""

import numpy as np
import pytest
from harness import apply, head_of, prepare
from samples import names, volume

from sweeptools.errors import Refused, UsageError
from sweeptools.ops import load
from sweeptools.params import DTYPES

NUMPY = {"reflect": "symmetric", "mirror": "reflect", "nearest": "edge", "wrap": "wrap", "constant": "constant"}
MARGINS = {"2": ((2, 2),) * 3, "1,0,3": ((1, 1), (0, 0), (3, 3)), "0:5,2:1,:": ((0, 5), (2, 1), (0, 0)),
           "23:17,0,0": ((23, 17), (0, 0), (0, 0)), "0,9,20": ((0, 0), (9, 9), (20, 20)),
           "3:,0,:4": ((3, 0), (0, 0), (0, 4))}  # fmt: skip
HOW = [{}, {"cut": 1, "depth": 1, "threads": 2}, {"cut": 3, "again": True}, {"cut": [4, 1, 2], "depth": 3}, {"cut": "fill"}]


def padded(a, margins, mode, cval=0):
    pairs = [*margins, *((0, 0),) * (a.ndim - 3)]
    return np.pad(a, pairs, NUMPY[mode], **({"constant_values": cval} if mode == "constant" else {}))


@pytest.mark.parametrize("mode", NUMPY)
@pytest.mark.parametrize("margins", MARGINS)
def test_as_numpy_pads(margins, mode, tmp_path):
    for k, how in enumerate(HOW):
        a = volume("int16", (7, 5, 6))
        a[2:4] = 5
        cval = {"cval": -3} if mode == "constant" else {}
        for sweep in ("up", "down"):
            said = {"margins": margins, "mode": mode, **cval}
            out = apply("pad", a, head=head_of(a, sweep=sweep), tmpdir=str(tmp_path), **said, **how)
            np.testing.assert_array_equal(out, padded(a, MARGINS[margins], mode, -3), err_msg=f"{k} {sweep}")


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_type_to_the_bit(dtype):
    a = volume(dtype)
    out = apply("pad", a, margins="2", cut=2)
    assert out.dtype == a.dtype and out.tobytes() == padded(a, ((2, 2),) * 3, "reflect").tobytes()


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 9, 2), (7, 1, 1), (4, 3, 5, 2)])
@pytest.mark.parametrize("mode", ["reflect", "nearest", "wrap", "constant"])
def test_shapes_and_components(shape, mode, tmp_path):
    a = volume("float32", shape)
    out = apply("pad", a, margins="3,1:2,4", mode=mode, components=names(shape), cut=2, tmpdir=str(tmp_path))
    np.testing.assert_array_equal(out, padded(a, ((3, 3), (1, 2), (4, 4)), mode))


def test_without_voxels():
    for shape in ((0, 3, 4), (3, 0, 4)):
        a = np.zeros(shape, "u1")
        out = apply("pad", a, margins="1", mode="constant", cval=7)
        np.testing.assert_array_equal(out, padded(a, ((1, 1),) * 3, "constant", 7))
        with pytest.raises(UsageError, match="has no voxels along [zy] that mode reflect could repeat"):
            prepare("pad", a, margins="1")
    a = np.zeros((0, 3, 4), "u1")
    assert apply("pad", a, margins="0,1,1").shape == (0, 5, 6)


def test_nothing_is_the_volume_itself():
    a = volume("uint8")
    np.testing.assert_array_equal(apply("pad", a, margins="0"), a)


def test_cropped_again_it_is_the_volume():
    a = volume("uint16", (9, 8, 7))
    head, out = apply("pad", a, margins="4,0:2,3", spacing=(2.0, 1.0, 0.5), with_head=True)
    again = prepare("crop", out, head=head, ranges="4:-4,:-2,3:-3")
    assert (again.head.whole, again.head.origin, again.head.spacing) == (a.shape, (0.0, 0.0, 0.0), (2.0, 1.0, 0.5))


def test_constant_slices_are_not_made():
    blocks = list(prepare("pad", volume("uint8", (5, 6, 7)), margins="9:4,0,0", mode="constant", cval=3).blocks())
    assert sum(b.n for b in blocks if b.data is None) == 13


def test_what_is_held_does_not_grow_with_depth():
    held = []
    for n in (60, 240):
        a = np.zeros((n, 512, 512), "u1")
        held.append(sum(b for _, b in prepare("pad", a, margins="5:7,2,2", cut=10).memory()))
    assert held[0] == held[1]


def test_head_follows():
    a = volume("uint8", (9, 20, 30))
    head = head_of(a, spacing=(2.0, 0.5, 0.25), origin=(10.0, 0.0, -1.0), chunks=(4, 10, 10), nodata=0)
    out = prepare("pad", a, head=head, margins="1:3,0:5,4").head
    assert (out.whole, out.spacing, out.unit) == ((13, 25, 38), head.spacing, "micrometer")
    assert (out.origin, out.chunks, out.nodata) == ((8.0, 0.0, -2.0), None, 0)
    assert prepare("pad", a, head=head, margins="8,0,:7").head.chunks == (4, 10, 10)
    bare = prepare("pad", a, margins="1:3,0:5,4").head
    assert (bare.spacing, bare.origin) == (None, (-1.0, 0.0, -4.0))
    half = prepare("pad", a, head=head_of(a, spacing=(None, 0.5, 0.5)), margins="2").head
    assert (half.spacing, half.origin) == ((None, 0.5, 0.5), (-2.0, -1.0, -1.0))


def test_refusals():
    parse = load("pad").params["margins"].parse
    for word, why in (("-1", "must be at least 0; sweep-crop"), ("1,2", "one or three"), ("x", "whole number"),
                      ("1:2:3", "N or BELOW:ABOVE"), ("1.5", "whole number"), ("", "whole number")):  # fmt: skip
        with pytest.raises(UsageError, match=why):
            parse(word)
    a = volume("uint8")
    for margins in ("1,0,0", "0,0,1"):
        with pytest.raises(UsageError, match="cval is 256, which a uint8 voxel cannot hold"):
            prepare("pad", a, margins=margins, mode="constant", cval=256)
        with pytest.raises(Refused, match="a part of a volume"):
            prepare("pad", a, head=head_of(a).but(whole=(9, 6, 7), box=((0, 5), (0, 6), (0, 7))), margins=margins)


def test_canonical():
    margins = load("pad").params["margins"]
    assert margins.canonical(margins.parse("2,0:1,:")) == "2,0:1,0"
