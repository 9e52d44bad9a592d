"""threshold: against Python's comparison of exact numbers, voxel by voxel."""

from math import inf, nan

import numpy as np
import pytest
from harness import apply, prepare
from samples import FLOATS, INTEGERS, SHAPES, names, volume

from sweeptools.errors import UsageError
from sweeptools.ops import load

LEVELS = [
    (100, inf), (0, 200), (-1000, -300), (0.5, 1.5), (-0.5, 0.25), (0.25, 0.75), (-inf, 10), (-inf, inf), (inf, inf),
    (2**63 - 1, 2**63), (2**53 + 1, 2**64 - 1), (-(2**63), -(2**63)), (1e300, inf), (-1e300, 1e300), (255, 255),
]  # fmt: skip


@pytest.mark.parametrize("low, high", LEVELS)
@pytest.mark.parametrize("dtype", INTEGERS)
def test_integers_are_compared_exactly(dtype, low, high):
    a = volume(dtype)
    out = apply("threshold", a, low=low, high=high, cut=2, threads=2)
    assert out.dtype == np.uint8
    assert out.ravel().tolist() == [int(low <= v <= high) for v in a.ravel().tolist()]


@pytest.mark.parametrize("low, high", [*LEVELS, (0.1, 0.7)])
@pytest.mark.parametrize("dtype", FLOATS)
def test_floats_are_compared_in_their_type(dtype, low, high):
    a = volume(dtype)
    a.flat[:4] = [0.1, 0.7, 0.7000001, 0.0999999]
    with np.errstate(over="ignore"):
        low_, high_ = np.dtype(dtype).type(low), np.dtype(dtype).type(high)
    expected = [int(low_ <= v <= high_) for v in a.ravel()]
    assert apply("threshold", a, low=low, high=high, cut=3).ravel().tolist() == expected


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_components_and_value(shape):
    a = volume("int16", shape)
    out = apply("threshold", a, low="0", high="150", value="7", components=names(shape), cut=1, threads=2)
    np.testing.assert_array_equal(out, 7 * ((a >= 0) & (a <= 150)))


@pytest.mark.parametrize("low, value", [(10, 1), (1000, 1), (10, 255)])
def test_only_the_box_is_written(low, value):
    a = volume("uint8", (6, 7, 300))
    part = np.full(a.shape, 99, "u1")
    load("threshold").fn(a, part, (1, 5, 2, 6, 3, 290), low=low, high=200, value=value)
    expected = np.full(a.shape, 99)
    expected[1:5, 2:6, 3:290] = (value * ((a >= low) & (a <= 200)))[1:5, 2:6, 3:290]
    np.testing.assert_array_equal(part, expected)


def test_head():
    head = prepare("threshold", volume("float32"), low=1).head
    assert (head.dtype, head.role, head.nodata) == (np.uint8, "mask", None)


@pytest.mark.parametrize("levels", [{"low": nan}, {"low": 1, "high": nan}])
def test_nan_is_no_level(levels):
    with pytest.raises(UsageError, match="is nan, must be a number"):
        prepare("threshold", volume("float32"), **levels)


def test_levels_in_the_wrong_order():
    with pytest.raises(UsageError, match="low is 200, must be at most high, which is 100"):
        prepare("threshold", volume("uint8"), low="200", high="100")


def test_levels_out_of_order_or_nan_found_on_the_way_hold_nothing():
    for low, high in ((5, 3), (nan, 3), (3, nan)):
        out = np.full((1, 2, 2), 99, "u1")
        load("threshold").fn(np.full((1, 2, 2), 4, "i2"), out, (0, 1, 0, 2, 0, 2), low=low, high=high, value=1)
        assert not out.any()
