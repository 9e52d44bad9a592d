"""clip: against clipping in exact numbers, then rounding."""

from math import inf, nan

import numpy as np
import pytest
from harness import apply, prepare
from samples import FLOATS, INTEGERS, SHAPES, names, volume

from sweeptools.errors import UsageError
from sweeptools.ops import load

BOUNDS = [(0, 200), (-1000, -300), (-inf, 10.5), (0.5, 1.5), (2.5, inf), (0.25, 0.75), (1e300, inf), (-inf, -1e300),
          (2**53 + 1, 2**63 + 1), (-inf, inf), (300, 300), (-(2**63), 2**64)]  # fmt: skip


@pytest.mark.parametrize("low, high", BOUNDS)
@pytest.mark.parametrize("dtype", INTEGERS)
def test_integers(dtype, low, high):
    a = volume(dtype)
    least, most = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)

    def slow(v):
        v = min(max(v, low), high)
        return most if v == inf else least if v == -inf else min(max(round(v), least), most)

    out = apply("clip", a, low=low, high=high, cut=2, threads=2)
    assert out.dtype == a.dtype
    assert out.ravel().tolist() == [slow(v) for v in a.ravel().tolist()]


@pytest.mark.parametrize("low, high", BOUNDS)
@pytest.mark.parametrize("dtype", FLOATS)
def test_floats_keep_nan(dtype, low, high):
    a = volume(dtype)
    with np.errstate(over="ignore"):
        low_, high_ = np.dtype(dtype).type(low), np.dtype(dtype).type(high)
    expected = np.array([v if v != v else min(max(v, low_), high_) for v in a.ravel()], dtype).reshape(a.shape)
    np.testing.assert_array_equal(apply("clip", a, low=low, high=high, cut=3), expected)


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_and_components(shape):
    a = volume("int16", shape)
    out = apply("clip", a, low="-10", high="150", components=names(shape), cut=1, threads=2)
    np.testing.assert_array_equal(out, np.clip(a, -10, 150))


def test_only_the_box_is_written():
    a = volume("uint8", (6, 7, 300))
    part = np.full(a.shape, 99, "u1")
    load("clip").fn(a, part, (1, 5, 2, 6, 3, 290), low=10, high=50)
    expected = np.full(a.shape, 99)
    expected[1:5, 2:6, 3:290] = a[1:5, 2:6, 3:290].clip(10, 50)
    np.testing.assert_array_equal(part, expected)


def test_another_type_afterwards():
    a = volume("float64")
    out = apply("clip", a, low=0.25, high=300, dtype="uint8")
    np.testing.assert_array_equal(out, np.nan_to_num(np.rint(a.clip(0.25, 300))).clip(0, 255))


def test_refusals():
    with pytest.raises(UsageError, match="low is nan, must be a number"):
        prepare("clip", volume("float32"), low=nan, high=1)
    with pytest.raises(UsageError, match="low is 2, must be at most high, which is 1.5"):
        prepare("clip", volume("uint8"), low="2", high="1.5")
