"""sweep-dilate against scipy.ndimage.grey_dilation, and as the dual of erosion."""

import numpy as np
import pytest
from harness import apply
from scipy import ndimage
from test_erode import ELEMENTS, SHAPES, element, file, loops, noise  # noqa: F401 (file is a fixture)

from sweeptools.params import DTYPES, MODES


def mirrored(array, footprint):
    return loops(array, footprint[::-1, ::-1, ::-1], np.maximum, lambda n: n - 1 - n // 2)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("word", ["box:3", "box:2,5,4", "cross", "ball:2", "file"])
def test_every_type(dtype, word, file):  # noqa: F811
    shape, footprint = element(word, file)
    array = noise((9, 11, 13), dtype)
    out = apply("dilate", array, shape=shape, cut=4, depth=3)
    assert out.dtype == array.dtype
    if array.dtype.itemsize < 8 or dtype == "float64":           # scipy compares integers as float64
        np.testing.assert_array_equal(out, ndimage.grey_dilation(array, footprint=footprint))
    np.testing.assert_array_equal(out, mirrored(array, footprint))


@pytest.mark.parametrize("size", SHAPES)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("word", ELEMENTS)
def test_edges_of_volumes_below_the_element(size, mode, word, file):  # noqa: F811
    shape, footprint = element(word, file)
    array = noise(size, "int16")
    right = ndimage.grey_dilation(array, footprint=footprint, mode=mode, cval=9)
    np.testing.assert_array_equal(apply("dilate", array, shape=shape, mode=mode, cval=9), right)


@pytest.mark.parametrize("word", ["box:3", "box:2,1,4", "cross", "file"])
def test_a_nan_under_the_element_gives_nan(word, file):  # noqa: F811
    shape, footprint = element(word, file)
    array = noise((6, 7, 8), "float32")
    array[0, 1, 2], array[3, 3, 3], array[4, 0, 7], array[5, 6, 0] = np.nan, -np.nan, np.inf, -np.inf
    np.testing.assert_array_equal(apply("dilate", array, shape=shape), mirrored(array, footprint))


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float32"])
@pytest.mark.parametrize("word", ["box:3", "box:5,1,7", "cross", "ball:2"])
def test_law_of_duality(dtype, word):
    """Of symmetric elements: to dilate is to erode the inverse."""
    array = noise((8, 9, 10), dtype)
    turned = apply("erode", apply("invert", array), shape=word)
    np.testing.assert_array_equal(apply("dilate", array, shape=word), apply("invert", turned))


@pytest.mark.parametrize("word", ["box:2,3,4", "cross", "ball:2", "file"])
def test_law_of_adjunction(word, file):  # noqa: F811
    """Eroding, then dilating never raises a voxel; doing both again changes nothing."""
    shape, _ = element(word, file)
    array = noise((20, 21, 22), "uint8")
    inside = (slice(8, -8),) * 3                     # away from the edges, which are padded anew before each step
    once = apply("dilate", apply("erode", array, shape=shape), shape=shape)
    twice = apply("dilate", apply("erode", once, shape=shape), shape=shape)
    assert (once[inside] <= array[inside]).all()
    np.testing.assert_array_equal(once[inside], twice[inside])
