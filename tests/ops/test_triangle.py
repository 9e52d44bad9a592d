"""sweep-triangle against scikit-image."""

import numpy as np
import pytest
from skimage.filters import threshold_triangle
from test_li import found
from test_stats import noise

from sweeptools.ops.triangle import farthest


def tail(dtype, seed, upside_down=False):
    """One peak and a tail."""
    values = np.random.default_rng(seed).gamma(2.0, 9.0, (5, 9, 60)).clip(0, 120)
    return (120 - values if upside_down else values).astype(dtype)


def theirs(a):
    """scikit-image's, with 256 bins for all types of more than 8 bits (it has one for each value of any integer type)."""
    return threshold_triangle(a if a.dtype.itemsize == 1 or a.dtype.kind == "f" else a.astype(np.float64))


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int32", "float32", "float64"])
@pytest.mark.parametrize("upside_down", [False, True])
def test_as_scikit_image(dtype, upside_down):
    for seed in range(2):
        a = tail(dtype, seed, upside_down)
        t, out = found("triangle", a)
        assert t == pytest.approx(theirs(a), rel=1e-6)
        np.testing.assert_array_equal(out, a > t)
    a = noise(dtype, (3, 5, 20))
    assert found("triangle", a)[0] == pytest.approx(theirs(a), rel=1e-6)


def test_sixteen_bits_have_a_level_for_each_value():
    a = tail("uint16", 3) * 300
    counts = np.bincount(a.ravel())
    levels = np.flatnonzero(counts)
    assert found("triangle", a)[0] == farthest(levels.tolist(), counts[levels].tolist())


def test_of_equals_the_nearer_to_the_end():
    assert farthest([0, 1, 2, 3, 4], [9, 1, 1, 1, 1]) == 1
    assert farthest([0, 4], [9, 9]) == 1
    assert farthest([0, 9], [9, 1]) == 1
