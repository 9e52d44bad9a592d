"""sweep-tophat, sweep-blackhat and sweep-morphgrad against scipy.ndimage, computed where differences do not wrap."""

import numpy as np
import pytest
from harness import apply, head_of
from scipy import ndimage
from test_erode import element, file, noise  # noqa: F401 (file is a fixture)

from sweeptools.params import MODES


def tophat(array, **how):
    return array, ndimage.grey_opening(array, **how)


def blackhat(array, **how):
    return ndimage.grey_closing(array, **how), array


def morphgrad(array, **how):
    return ndimage.grey_dilation(array, **how), ndimage.grey_erosion(array, **how)


PARTS = {f.__name__: f for f in (tophat, blackhat, morphgrad)}
SCIPY = {"tophat": ndimage.white_tophat, "blackhat": ndimage.black_tophat, "morphgrad": ndimage.morphological_gradient}


def expected(name, array, dtype=None, **how):
    """The difference of what scipy gives, exact, clipped to the type."""
    a, b = PARTS[name](array, **how)
    dtype = np.dtype(dtype or array.dtype)
    if array.dtype.kind == "f":
        return np.maximum(a - b, 0).astype(dtype)
    exact = np.maximum(a.astype(object) - b.astype(object), 0)
    return (np.minimum(exact, np.iinfo(dtype).max) if dtype.kind != "f" else exact).astype(dtype)


@pytest.mark.parametrize("name", PARTS)
@pytest.mark.parametrize("word", ["box:3", "box:2,5,4", "ball:2", "file"])
@pytest.mark.parametrize("mode", MODES)
def test_equals_scipy(name, word, mode, file):  # noqa: F811
    shape, footprint = element(word, file)
    how = {"footprint": footprint, "mode": mode, "cval": 200}
    for size in ((9, 11, 13), (2, 3, 2), (1, 1, 1), (1, 7, 6)):
        array = noise(size, "uint8")
        out = apply(name, array, shape=shape, mode=mode, cval=200, cut=4, depth=3, threads=2)
        np.testing.assert_array_equal(out, expected(name, array, **how))
        a, b = PARTS[name](array, **how)
        fits = a >= b                                # beside an edge an opening may lie above the volume: scipy wraps
        np.testing.assert_array_equal(out[fits], SCIPY[name](array, **how)[fits])


@pytest.mark.parametrize("dtype", ["int8", "int16", "uint64", "float64"])
def test_the_type_is_kept_and_never_wraps(dtype):
    array = noise((6, 7, 8), dtype)
    if array.dtype.itemsize == 8 and array.dtype.kind != "f":
        array //= 2**12                              # scipy compares integers as float64
    out = apply("morphgrad", array, shape="box:3")
    assert out.dtype == array.dtype
    np.testing.assert_array_equal(out, expected("morphgrad", array, size=3))


@pytest.mark.parametrize("own, wanted", [("int8", "uint8"), ("int16", "int32"), ("uint8", "float32"), ("float32", "uint8")])
def test_a_type_that_is_asked_for(own, wanted):
    array = noise((5, 6, 7), own)
    out = apply("morphgrad", array, shape="cross", dtype=wanted)
    right = expected("morphgrad", array, None if own == "float32" else wanted, footprint=element("cross", None)[1])
    np.testing.assert_array_equal(out, np.clip(np.rint(right), 0, 255).astype(wanted) if own == "float32" else right)


def test_nan_within_reach():
    array = noise((7, 8, 9), "float32")
    array[3, 4, 4], array[0, 0, 0] = np.nan, np.inf
    d = sum(np.abs(i - j) for i, j in zip(np.indices(array.shape), (3, 4, 4), strict=True))
    out = apply("morphgrad", array, shape="cross")
    np.testing.assert_array_equal(np.isnan(out), d <= 1)
    assert out[0, 0, 0] == np.inf and not apply("morphgrad", array, shape="cross", dtype="int32")[3, 4, 4]


def test_labels_give_an_image_and_masks_a_mask():
    array = noise((4, 5, 6), "uint8")
    for role, gives in (("labels", "image"), ("mask", "mask"), ("image", "image")):
        assert apply("tophat", array, with_head=True, shape="cross", head=head_of(array, role=role))[0].role == gives


def test_law_of_duality():
    """The black hat is the white one of the inverse; both sum to the closing without the opening."""
    array = noise((9, 10, 11), "uint8")
    white, black = (apply(name, array, shape="ball:2") for name in ("tophat", "blackhat"))
    np.testing.assert_array_equal(apply("tophat", apply("invert", array), shape="ball:2"), black)
    opened, closed = (apply(name, array, shape="ball:2") for name in ("open", "close"))
    np.testing.assert_array_equal(white.astype(int) + black, closed.astype(int) - opened)
