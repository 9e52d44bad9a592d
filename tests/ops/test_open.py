"""sweep-open and sweep-close against scipy.ndimage.grey_opening and grey_closing, and five plain loops where scipy errs."""

import numpy as np
import pytest
from harness import apply
from scipy import ndimage
from test_dilate import mirrored
from test_erode import element, file, loops, noise  # noqa: F401 (file is a fixture)

from sweeptools.params import MODES

SCIPY = {"open": ndimage.grey_opening, "close": ndimage.grey_closing}
ELEMENTS = ["box:1", "box:3", "box:2,5,4", "cross", "ball:2", "file"]


@pytest.mark.parametrize("name", SCIPY)
@pytest.mark.parametrize("word", ELEMENTS)
@pytest.mark.parametrize("mode", MODES)
def test_edges_of_volumes_below_the_element(name, word, mode, file):  # noqa: F811
    shape, footprint = element(word, file)
    for size in ((9, 11, 13), (2, 3, 2), (1, 1, 1), (1, 7, 6), (6, 1, 5)):
        array = noise(size, "int16")
        right = SCIPY[name](array, footprint=footprint, mode=mode, cval=-9)
        out = apply(name, array, shape=shape, mode=mode, cval=-9, cut=4, depth=3, threads=2)
        assert out.dtype == array.dtype
        np.testing.assert_array_equal(out, right)


@pytest.mark.parametrize("name", SCIPY)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int64", "float64"])
def test_types(name, dtype, file):  # noqa: F811
    shape, footprint = element("file", file)
    array = noise((6, 7, 8), dtype)
    steps = [loops, mirrored] if name == "open" else [mirrored, loops]
    np.testing.assert_array_equal(apply(name, array, shape=shape), steps[1](steps[0](array, footprint), footprint))


@pytest.mark.parametrize("name", SCIPY)
def test_nan_spreads_twice_as_far(name):
    array = noise((7, 8, 9), "float32")
    array[3, 4, 4], array[0, 0, 0], array[6, 7, 8] = np.nan, np.inf, -np.inf
    out = apply(name, array, shape="cross")
    d = sum(np.abs(i - j) for i, j in zip(np.indices(array.shape), (3, 4, 4), strict=True))
    np.testing.assert_array_equal(np.isnan(out), d <= 2)


def test_components_apart():
    array = noise((5, 6, 7, 2), "uint8")
    out = apply("open", array, shape="box:3,1,2", components=("a", "b"))
    for c in range(2):
        right = apply("open", np.ascontiguousarray(array[..., c]), shape="box:3,1,2")
        np.testing.assert_array_equal(out[..., c], right)


@pytest.mark.parametrize("word", ["box:3,5,3", "ball:2", "file"])
def test_laws_of_opening_and_closing(word, file):  # noqa: F811
    """Idempotent; below and above the volume; each the other's dual. Away from edges, which each step pads anew."""
    shape, footprint = element(word, file)
    array = noise((24, 25, 26), "uint8")
    inside = (slice(8, -8),) * 3
    once, closed = apply("open", array, shape=shape), apply("close", array, shape=shape)
    np.testing.assert_array_equal(apply("open", once, shape=shape)[inside], once[inside])
    np.testing.assert_array_equal(apply("close", closed, shape=shape)[inside], closed[inside])
    assert (once <= array)[inside].all() and (array <= closed)[inside].all()
    if (footprint == footprint[::-1, ::-1, ::-1]).all() and all(n % 2 for n in footprint.shape):
        turned = apply("open", apply("invert", array), shape=shape)
        np.testing.assert_array_equal(apply("invert", turned), closed)
