"""sweep-rank against scipy.ndimage.percentile_filter, and numpy's sort where there is NaN; large boxes by the walk."""

from math import prod

import numpy as np
import pytest
from harness import apply
from scipy import ndimage
from test_median import by_sorting, noise, triple

from sweeptools.errors import UsageError
from sweeptools.ops import _ranks
from sweeptools.ops.rank import place
from sweeptools.params import MODES

SHAPES = [(9, 11, 13), (2, 3, 2), (1, 1, 1), (1, 7, 6)]


@pytest.mark.parametrize("percentile", [0, 10, 33.4, 50, 99.5, 100])
@pytest.mark.parametrize("size", ["1", "3", "2,4,3"])
def test_equals_scipy(percentile, size):
    array = noise((7, 8, 9), "int16")
    right = ndimage.percentile_filter(array, percentile, triple(size))
    np.testing.assert_array_equal(apply("rank", array, size=size, percentile=percentile, cut=4, depth=3), right)


@pytest.mark.parametrize("mode", MODES)
def test_edges_of_volumes_below_the_box(mode):
    for shape in SHAPES:
        array = noise(shape, "uint8")
        right = ndimage.percentile_filter(array, 30, (7, 6, 5), mode=mode, cval=9)
        out = apply("rank", array, size="7,6,5", percentile=30, mode=mode, cval=9, threads=2, cut=4, depth=3)
        np.testing.assert_array_equal(out, right)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "float32"])
@pytest.mark.parametrize("percentile", [0, 50, 98, 100])
def test_the_walk_over_large_boxes(dtype, percentile):
    """Whether values are all over the range, or few, or rise along x: each moves the value in another way."""
    size = (5, 6, 7)
    assert prod(size) >= _ranks.LARGE
    wide = noise((6, 8, 300), dtype)
    few = (np.random.default_rng(1).random(wide.shape) * 3).astype(dtype)
    ends = np.where(few == 1, wide.max(), wide.min()).astype(dtype)
    rising = (np.arange(300) // 3 * np.ones((6, 8, 1))).astype(dtype)
    for array in (wide, few, ends, rising):
        out = apply("rank", array, size="5,6,7", percentile=percentile, cut=3, depth=2)
        np.testing.assert_array_equal(out, by_sorting(array, size, place(percentile, prod(size))))


@pytest.mark.parametrize("share", [0.02, 0.5])
def test_nan_ranks_above_all_numbers_in_large_boxes(share):
    array, rng = noise((6, 7, 8), "float32"), np.random.default_rng(1)
    array[rng.random(array.shape) < 0.1] = np.inf
    array[rng.random(array.shape) < 0.1] = -np.inf
    array[rng.random(array.shape) < share] = np.nan
    for percentile in (5, 50, 80):
        right = by_sorting(array, (7, 7, 7), place(percentile, 343))
        np.testing.assert_array_equal(apply("rank", array, size="7", percentile=percentile), right)


def test_boxes_of_more_voxels_than_16_bits_count():
    array = noise((5, 6, 7), "uint8")
    np.testing.assert_array_equal(apply("median", array, size="41,41,40"), by_sorting(array, (41, 41, 40)))


def test_components_apart_in_large_boxes():
    array = noise((5, 6, 7, 3), "uint8")
    out = apply("rank", array, size="5,7,9", percentile=70, components=("r", "g", "b"))
    for c in range(3):
        one = np.ascontiguousarray(array[..., c])
        np.testing.assert_array_equal(out[..., c], ndimage.percentile_filter(one, 70, (5, 7, 9)))


def test_law_of_order():
    """0 is the erosion, 50 the median, 100 the dilation; no percentile is below a lesser one."""
    array = noise((6, 7, 8), "uint8")
    outs = [apply("rank", array, size="3", percentile=p) for p in (0, 20, 50, 80, 100)]
    np.testing.assert_array_equal(outs[0], apply("erode", array, shape="box:3"))
    np.testing.assert_array_equal(outs[2], apply("median", array, size="3"))
    np.testing.assert_array_equal(outs[4], apply("dilate", array, shape="box:3"))
    assert all((a <= b).all() for a, b in zip(outs, outs[1:], strict=False))


@pytest.mark.parametrize("word", ["-1", "101", "nan", "x"])
def test_refuses(word):
    with pytest.raises(UsageError, match="percentile is"):
        apply("rank", noise((3, 3, 3), "uint8"), size="3", percentile=word)
