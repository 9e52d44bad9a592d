"""sweep-box against exact sums in Python's integers, and scipy.ndimage.uniform_filter."""

from fractions import Fraction

import numpy as np
import pytest
from harness import apply
from scipy import ndimage

from sweeptools.errors import UsageError
from sweeptools.params import DTYPES, MODES
from sweeptools.window import edge_index

SHAPES = [(7, 8, 9), (2, 3, 2), (1, 1, 1), (1, 7, 6), (6, 1, 5), (7, 6, 1)]
SIZES = ["1", "3", "2", "1,5,4", "7,1,1", "1,1,6", "1,2,1", "15,4,3"]


def noise(shape, dtype, seed=0):
    rng = np.random.default_rng(seed)
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return rng.normal(0, 100, shape).astype(dtype)
    return rng.integers(np.iinfo(dtype).min, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def triple(words):
    values = tuple(int(w) for w in words.split(","))
    return values if len(values) == 3 else values * 3


def exact(array, size, mode="reflect", cval=0):
    """The mean of every window as a Fraction, from sums in Python's integers."""
    sums = array.astype(object)
    for axis, n in enumerate(size):
        at = edge_index(np.arange(-(n // 2), array.shape[axis] + n - 1 - n // 2), array.shape[axis], mode)
        sums = np.moveaxis(sums, axis, 0)
        edge = cval * int(np.prod(size[:axis]))
        wide = np.array([sums[i] if i >= 0 else np.full(sums.shape[1:], edge, object) for i in at], object)
        sums = np.moveaxis(sum(wide[k : k + array.shape[axis]] for k in range(n)), 0, axis)
    count = int(np.prod(size))
    return np.vectorize(lambda s: Fraction(int(s), count), otypes=[object])(sums)


def rounded(fractions, dtype):
    return np.vectorize(round, otypes=[object])(fractions).astype(dtype)


@pytest.mark.parametrize("dtype", [d for d in DTYPES if "int" in d])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", ["3", "1,5,4", "2"])
def test_integers_are_exact(dtype, mode, size):
    array = noise((6, 7, 8), dtype)
    out = apply("box", array, size=size, mode=mode, cval=9, cut=4, depth=3)
    assert out.dtype == array.dtype
    np.testing.assert_array_equal(out, rounded(exact(array, triple(size), mode, 9), dtype))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", SIZES)
def test_volumes_below_the_box(shape, mode, size):
    array = noise(shape, "uint8")
    means = exact(array, triple(size), mode, 9)
    np.testing.assert_array_equal(apply("box", array, size=size, mode=mode, cval=9), rounded(means, "uint8"))
    out = apply("box", array, size=size, mode=mode, cval=9, dtype="float32")
    np.testing.assert_array_equal(out, means.astype(np.float64).astype(np.float32))
    if mode != "constant":
        np.testing.assert_allclose(out, ndimage.uniform_filter(array.astype(float), triple(size), mode=mode), rtol=1e-6)


@pytest.mark.parametrize("dtype", ["int64", "uint64", "uint32"])
def test_the_ends_of_a_wide_type(dtype):
    info = np.iinfo(dtype)
    array = np.random.default_rng(0).choice(np.array([info.min, info.max, info.max - 1, 0], dtype), (5, 6, 7))
    for size in ("2", "3", "4,1,3"):
        means = exact(array, triple(size))
        np.testing.assert_array_equal(apply("box", array, size=size), rounded(means, dtype))
        np.testing.assert_allclose(apply("box", array, size=size, dtype="float64"), means.astype(float), rtol=1e-15)
        narrow = np.clip(rounded(means, object), 0, 255).astype(np.uint8)
        np.testing.assert_array_equal(apply("box", array, size=size, dtype="uint8"), narrow)


def test_sums_too_great_for_a_float64_are_divided_as_integers():
    array = noise((4, 5, 6), "int32")
    size = (64, 64, 128)
    for dtype in ("int32", "int16", "uint64"):
        means = np.clip(rounded(exact(array, size), object), np.iinfo(dtype).min, np.iinfo(dtype).max)
        np.testing.assert_array_equal(apply("box", array, size="64,64,128", dtype=dtype), means.astype(dtype))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", ["3", "2", "1,5,4", "9,1,1"])
def test_floats(dtype, mode, size):
    array = noise((7, 8, 9), dtype)
    margins = [(n // 2, n - 1 - n // 2) for n in triple(size)]
    wide = np.pad(array.astype(float), margins, constant_values=3.5)
    right = ndimage.uniform_filter(wide, triple(size), mode="nearest")
    right = right[tuple(slice(a, a + n) for (a, _), n in zip(margins, array.shape, strict=True))]
    if mode != "constant":
        right = ndimage.uniform_filter(array.astype(float), triple(size), mode=mode)
    out = apply("box", array, size=size, mode=mode, cval=3.5)
    assert out.dtype == array.dtype
    assert np.abs(out - right).max() <= 4 * np.spacing(np.abs(array).max())


def test_no_digit_is_lost_to_a_distant_value():
    array = np.ones((3, 4, 64), np.float32)
    array[:, :, 5] = 1e24
    out = apply("box", array, size="3")
    assert (out[:, :, 8:] == 1).all()
    near = np.float32((1e24 * 9 + 18) / 27)
    np.testing.assert_allclose(out[:, :, 4:7], near, rtol=1e-6)
    most = np.full((4, 4, 4), np.finfo(np.float32).max)
    np.testing.assert_array_equal(apply("box", most, size="3"), most)


def test_not_finite_within_their_windows_only():
    array = noise((7, 12, 13), "float32")
    array[2, 3, 4], array[4, 8, 9], array[5, 2, 11] = np.nan, np.inf, -np.inf
    out = apply("box", array, size="3")
    seeds = (np.isnan(array), array == np.inf, array == -np.inf)
    masks = [ndimage.grey_dilation(m.astype(np.uint8), 3) > 0 for m in seeds]
    np.testing.assert_array_equal(np.isnan(out), masks[0] | (masks[1] & masks[2]))
    np.testing.assert_array_equal(out == np.inf, masks[1] & ~masks[0] & ~masks[2])
    assert not apply("box", array, size="3", dtype="uint8")[masks[0]].any()


@pytest.mark.parametrize("dtype", ["float32", "uint8", "int64"])
@pytest.mark.parametrize("threads, cut, depth", [(1, 1, 1), (3, 5, 2), (2, 2, 40)])
def test_the_cut_changes_no_bit(dtype, threads, cut, depth):
    array = noise((41, 35, 6), dtype)
    if dtype == "float32":
        array *= np.float32(10) ** np.random.default_rng(1).integers(-12, 13, array.shape).astype(np.float32)
    whole = apply("box", array, size="7,6,3")
    out = apply("box", array, size="7,6,3", threads=threads, cut=cut, depth=depth)
    np.testing.assert_array_equal(out.view(np.uint8), whole.view(np.uint8))


def test_wide_rows_are_worked_through_in_strips():
    array = noise((3, 4, 3001), "uint16")
    right = np.rint(ndimage.uniform_filter(array.astype(float), 3))
    np.testing.assert_array_equal(apply("box", array, size="3"), right.astype(np.uint16))


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32"])
def test_components_apart(dtype):
    array = noise((5, 6, 7, 3), dtype)
    out = apply("box", array, size="3,2,4", mode="constant", cval=5, components=("r", "g", "b"))
    for c in range(3):
        one = np.ascontiguousarray(array[..., c])
        np.testing.assert_array_equal(out[..., c], apply("box", one, size="3,2,4", mode="constant", cval=5))


@pytest.mark.parametrize("size", ["0", "-3", "1,2", "2.5"])
def test_refuses(size):
    with pytest.raises(UsageError):
        apply("box", noise((3, 3, 3), "uint8"), size=size)


def test_refuses_what_would_not_be_exact():
    with pytest.raises(UsageError, match="must be fewer than"):
        apply("box", noise((3, 3, 3), "int64"), size="1024")
    with pytest.raises(UsageError, match="cval is 0.5"):
        apply("box", noise((3, 3, 3), "int64"), size="3", mode="constant", cval=0.5)
