"""sweep-std against numpy.std of every window."""

import numpy as np
import pytest
from harness import apply
from test_median import noise, triple

from sweeptools.params import MODES

SHAPES = [(9, 11, 13), (2, 3, 2), (1, 1, 1), (1, 7, 6), (6, 1, 5)]
NUMPY = {"reflect": "symmetric", "nearest": "edge", "mirror": "reflect", "wrap": "wrap", "constant": "constant"}


def expected(array, size, mode="reflect", cval=0):
    pad = [(n // 2, n - 1 - n // 2) for n in size]
    more = {"constant_values": cval} if mode == "constant" else {}
    wide = np.pad(array.astype(np.float64), pad, mode=NUMPY[mode], **more)
    windows = np.lib.stride_tricks.sliding_window_view(wide, size)
    return windows.std(axis=(3, 4, 5))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", ["1", "3", "2,5,4", "1,1,9", "9,1,1", "7,6,3"])
def test_edges_of_volumes_below_the_box(mode, size):
    for shape in SHAPES:
        array = noise(shape, "int16")
        out = apply("std", array, size=size, mode=mode, cval=-9, cut=4, depth=3, threads=2)
        assert out.dtype == "float32"
        np.testing.assert_allclose(out, expected(array, triple(size), mode, -9), rtol=2e-7)


@pytest.mark.parametrize("dtype", ["uint8", "int32", "uint64", "float32", "float64"])
def test_types(dtype):
    array = noise((6, 7, 8), dtype)
    out = apply("std", array, size="3,4,5")
    assert out.dtype == ("float64" if dtype == "float64" else "float32")
    np.testing.assert_allclose(out, expected(array, (3, 4, 5)), rtol=1e-12 if dtype == "float64" else 2e-7)


def test_a_type_that_is_asked_for():
    array = noise((5, 6, 7), "uint8")
    right = expected(array, (3, 3, 3))
    np.testing.assert_array_equal(apply("std", array, size="3", dtype="uint8"), np.rint(right).astype("uint8"))
    np.testing.assert_allclose(apply("std", array, size="3", dtype="float64"), right, rtol=1e-13)


def test_no_digit_is_lost_to_a_large_mean():
    far = noise((6, 7, 8), "float64") / 100 + 1e12
    np.testing.assert_allclose(apply("std", far, size="3"), expected(far - 1e12, (3, 3, 3)), rtol=1e-3)
    far = noise((6, 7, 8), "int32") // 2**20 + 2**30
    np.testing.assert_allclose(apply("std", far, size="3"), expected(far - 2**30, (3, 3, 3)), rtol=2e-7)
    for value in (0.1, 1e300, -7e-300):
        assert not apply("std", np.full((4, 5, 6), value), size="3,2,5").any()


def test_nan_and_infinity_within_the_box():
    array = noise((7, 8, 9), "float32")
    array[1, 1, 1], array[5, 6, 7] = np.nan, np.inf
    out = apply("std", array, size="3")
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(np.isnan(out), np.isnan(expected(array, (3, 3, 3))))
    assert not apply("std", array, size="3", dtype="int32")[1, 1, 1]


def test_wide_rows_in_strips_and_components_apart():
    array = noise((3, 40, 600, 2), "uint8")
    out = apply("std", array, size="3,2,3", components=("a", "b"))
    for c in range(2):
        np.testing.assert_allclose(out[..., c], expected(array[..., c], (3, 2, 3)), rtol=2e-7)


@pytest.mark.parametrize("threads, cut, depth", [(3, 1, 1), (2, 5, 4)])
def test_the_cut_changes_no_bit(threads, cut, depth):
    array = noise((20, 37, 11), "float32") * np.float32(10) ** np.arange(-5, 6, dtype=np.float32)
    whole = apply("std", array, size="5,3,4")
    assert whole.tobytes() == apply("std", array, size="5,3,4", threads=threads, cut=cut, depth=depth).tobytes()


def test_law_of_variance():
    """The variance is the mean of the squares without the square of the mean."""
    array = noise((6, 7, 8), "float64")
    mean = apply("box", array, size="3")
    np.testing.assert_allclose(apply("std", array, size="3") ** 2, apply("box", array**2, size="3") - mean**2, rtol=1e-9)
