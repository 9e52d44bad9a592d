"""sweep-li against scikit-image on integers, and against its loop on the middles of the bins."""

import numpy as np
import pytest
from harness import prepare
from skimage.filters import threshold_li
from test_otsu import modes
from test_stats import hostile, noise

from sweeptools.ops.li import least_cross_entropy


def found(name, array, **how):
    run = prepare(name, array, again=True, cut=2, **how)
    out = np.concatenate([b.array(run.head).copy() for b in run.blocks()])
    assert run.head.dtype == np.uint8 and run.head.role == "mask"
    return run.found["threshold"], out


def binned(array):
    """The middles of 256 bins and what is in them."""
    finite = array[np.isfinite(array)]
    counts, edges = np.histogram(finite, 256)
    return (edges[:-1] + edges[1:]) / 2, counts


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16"])
@pytest.mark.parametrize("make", [modes, noise])
def test_integers_as_scikit_image(dtype, make):
    for seed in range(3):
        a = make(dtype, (4, 9, 40), seed)
        t, out = found("li", a)
        np.testing.assert_allclose(t, threshold_li(a.astype(np.int64), tolerance=0.5), rtol=2e-5)
        np.testing.assert_array_equal(out, a > t)


@pytest.mark.parametrize("dtype", ["int32", "float32", "float64"])
def test_other_types_as_scikit_image_on_their_bins(dtype):
    a = (modes("float64", (4, 9, 40)) * 1000 - 500).astype(dtype)
    t, out = found("li", a)
    middles, counts = binned(a.astype(np.float64))
    theirs = threshold_li(np.repeat(middles, counts), tolerance=0.5 * (middles[1] - middles[0]))
    np.testing.assert_allclose(t, theirs, rtol=1e-9 if dtype != "float32" else 1e-6)
    np.testing.assert_array_equal(out, a > t)


@pytest.mark.parametrize("name", ["li", "triangle", "moments"])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_hardly_any_voxels(name, dtype):
    t, out = found(name, np.full((2, 3, 4), 77, dtype))
    assert t == 77 and not out.any()
    t, out = found(name, np.array([3, 9, 3, 3], dtype).reshape(1, 2, 2))
    assert 3 <= t < 9 and out.ravel().tolist() == [0, 1, 0, 0]


@pytest.mark.parametrize("name", ["li", "triangle", "moments"])
def test_only_finite_voxels_count(name):
    a = hostile("float32")
    a = np.where(np.isfinite(a), modes("float32", a.shape), a)
    t, out = found(name, a)
    assert t == found(name, a[np.isfinite(a)].reshape(1, 1, -1))[0]
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(out, a > t)
    t, out = found(name, np.full((2, 3, 4), np.inf))
    assert t is None and not out.any()


@pytest.mark.parametrize("name", ["li", "triangle", "moments"])
def test_nothing_overflows(name):
    t, out = found(name, np.array([-1.7e308, 1.7e308, 1.7e308]).reshape(1, 1, 3))
    assert np.isfinite(t) and out.ravel().tolist() == [0, 1, 1]


def test_it_does_not_matter_where_the_least_level_is():
    levels, counts = [0, 3, 10, 11], [5, 1, 2, 9]
    t = least_cross_entropy(levels, counts)
    assert least_cross_entropy([level - 7 for level in levels], counts) == t - 7
