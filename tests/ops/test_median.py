"""sweep-median against scipy.ndimage.median_filter, and numpy's sort where scipy does not say or is not exact."""

import numpy as np
import pytest
from harness import apply
from scipy import ndimage

from sweeptools.errors import UsageError
from sweeptools.ops._ranks import ranked
from sweeptools.params import DTYPES, MODES, Choice, Param, Sizes
from sweeptools.spec import op

SHAPES = [(7, 8, 9), (2, 3, 2), (1, 1, 1), (1, 7, 6), (6, 1, 5), (7, 6, 1)]
SIZES = ["1", "3", "2", "1,5,4", "7,1,1", "1,1,6", "3,3,1", "9,2,3"]


def noise(shape, dtype, seed=0):
    rng = np.random.default_rng(seed)
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return rng.normal(0, 100, shape).astype(dtype)
    return rng.integers(np.iinfo(dtype).min, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def triple(words):
    values = tuple(int(w) for w in words.split(","))
    return values if len(values) == 3 else values * 3


def by_sorting(array, size, place=None):
    """The voxel of some rank of every window by numpy's sort, which puts NaN last."""
    wide = np.pad(array, [(n // 2, n - 1 - n // 2) for n in size], mode="symmetric")
    windows = np.lib.stride_tricks.sliding_window_view(wide, size).reshape(*array.shape, -1)
    return np.sort(windows, axis=-1)[..., windows.shape[-1] // 2 if place is None else place]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", ["3", "2", "1,5,4", "3,1,3"])
def test_every_type(dtype, size):
    array = noise((7, 8, 9), dtype)
    out = apply("median", array, size=size, cut=4, depth=3)
    assert out.dtype == array.dtype
    if array.dtype.itemsize < 8 or dtype == "float64":           # scipy compares integers as float64
        np.testing.assert_array_equal(out, ndimage.median_filter(array, triple(size)))
    np.testing.assert_array_equal(out, by_sorting(array, triple(size)))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", SIZES)
def test_volumes_below_the_box(shape, mode, size):
    array = noise(shape, "int16")
    right = ndimage.median_filter(array, triple(size), mode=mode, cval=-9)
    np.testing.assert_array_equal(apply("median", array, size=size, mode=mode, cval=-9), right)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "float32"])
@pytest.mark.parametrize("values", [2, 3, 100])
def test_3x3x3_with_ties(dtype, values):
    array = np.random.default_rng(values).integers(0, values, (20, 21, 22)).astype(dtype)
    np.testing.assert_array_equal(apply("median", array, size="3"), ndimage.median_filter(array, 3))


@pytest.mark.parametrize("size", ["7,6,7", "1,1,300", "41,41,40"])
def test_boxes_of_more_voxels_than_a_byte_counts(size):
    # sorted, as scipy's windows are wrong where they reach four lengths of an axis beyond it: there it mirrors onto -1
    array = noise((3, 4, 5), "uint8")
    np.testing.assert_array_equal(apply("median", array, size=size), by_sorting(array, triple(size)))


def test_every_rank():
    @op("a rank", edges=True)
    def ranks(stdin, *, size: Sizes("box"), place: Param("rank"), mode: Choice("edge", *MODES), cval):
        return ranked(stdin, size, place, mode, cval)

    array = noise((4, 5, 6), "int16")
    for size, count in (((2, 2, 3), 12), ((3, 3, 3), 27)):
        for place in range(count):
            np.testing.assert_array_equal(apply(ranks, array, size=size, place=place), by_sorting(array, size, place))


@pytest.mark.parametrize("size", ["3", "2,3,3"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("share", [0.02, 0.5])
def test_nan_ranks_above_all_numbers(size, dtype, share):
    array = noise((8, 9, 10), dtype)
    rng = np.random.default_rng(1)
    array[rng.random(array.shape) < 0.1] = np.inf
    array[rng.random(array.shape) < 0.1] = -np.inf
    array[rng.random(array.shape) < share] = np.nan
    array[rng.random(array.shape) < share / 2] = -np.nan
    right = by_sorting(array, triple(size))
    assert np.isnan(right).any() == (share == 0.5)
    np.testing.assert_array_equal(apply("median", array, size=size), right)


@pytest.mark.parametrize("size", ["3", "2,3,4"])
@pytest.mark.parametrize("threads, cut, depth", [(1, 1, 1), (3, 5, 2), (2, 2, 40)])
def test_the_cut_changes_nothing(size, threads, cut, depth):
    array = noise((21, 35, 6), "uint16")
    out = apply("median", array, size=size, threads=threads, cut=cut, depth=depth)
    np.testing.assert_array_equal(out, ndimage.median_filter(array, triple(size)))


@pytest.mark.parametrize("size", ["3", "1,2,4"])
def test_wide_rows_are_worked_through_in_strips(size):
    array = noise((3, 4, 5001), "uint8")
    np.testing.assert_array_equal(apply("median", array, size=size), ndimage.median_filter(array, triple(size)))


@pytest.mark.parametrize("size", ["3", "1,2,5"])
def test_components_apart(size):
    array = noise((5, 6, 7, 3), "uint8")
    out = apply("median", array, size=size, components=("r", "g", "b"))
    for c in range(3):
        one = np.ascontiguousarray(array[..., c])
        np.testing.assert_array_equal(out[..., c], ndimage.median_filter(one, triple(size)))


def test_law_of_order():
    """Of odd boxes the median turns over with the values."""
    array = noise((8, 9, 10), "uint8")
    for size in ("3", "5,1,3"):
        turned = apply("median", apply("invert", array), size=size)
        np.testing.assert_array_equal(apply("invert", turned), apply("median", array, size=size))


@pytest.mark.parametrize("size", ["0", "-3", "1,2", "2.5"])
def test_refuses(size):
    with pytest.raises(UsageError):
        apply("median", noise((3, 3, 3), "uint8"), size=size)
