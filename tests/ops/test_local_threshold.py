"""sweep-local-threshold against scikit-image, slice by slice and in 3-D."""

import numpy as np
import pytest
from harness import apply
from scipy import ndimage
from skimage.filters import threshold_local
from test_stats import hostile, noise


@pytest.mark.parametrize("dtype", ["uint8", "float64"])
@pytest.mark.parametrize("mode", ["reflect", "constant"])
def test_the_mean_as_scikit_image(dtype, mode):
    for shape, size in (((5, 9, 30), (3, 5, 7)), ((1, 4, 5), (3, 3, 3)), ((4, 2, 3), (1, 9, 1))):
        a = noise(dtype, shape)
        wide = a.astype(np.float64)
        expected = wide > threshold_local(wide, size, "mean", mode=mode, cval=2, offset=3) + 0.0
        with np.errstate(invalid="ignore"):
            close = np.isclose(wide, ndimage.uniform_filter(wide, size, mode=mode, cval=2) - 3, rtol=1e-12, atol=1e-12)
        mine = apply("local-threshold", a, size=size, offset=3, mode=mode, cval=2, cut=1, depth=2, threads=2)
        np.testing.assert_array_equal(mine[~close], expected[~close])


@pytest.mark.parametrize("dtype", ["uint8", "float64"])
def test_the_median_and_the_gaussian(dtype):
    a = noise(dtype, (5, 9, 30))
    wide = a.astype(np.float64)
    np.testing.assert_array_equal(
        apply("local-threshold", a, size=(3, 3, 5), method="median", cut=2), a > ndimage.median_filter(a, (3, 3, 5))
    )
    level = ndimage.gaussian_filter(wide, [(n - 1) / 6 for n in (3, 7, 5)])
    clear = ~np.isclose(wide, level, rtol=1e-12)
    mine = apply("local-threshold", a, size=(3, 7, 5), method="gauss", cut=2)
    np.testing.assert_array_equal(mine[clear], (wide > level)[clear])


def test_what_equals_the_level_is_not_above():
    a = np.full((3, 4, 5), 7, np.uint8)
    assert not apply("local-threshold", a, size=(3, 3, 3)).any()
    assert apply("local-threshold", a, size=(3, 3, 3), offset=0.5).all()


def test_head_nan_and_components():
    a = hostile("float32", (3, 4, 6))
    head, mine = apply("local-threshold", a, size=(1, 1, 3), with_head=True)
    assert (head.dtype, head.role) == (np.uint8, "mask")
    assert not mine[np.isnan(a)].any()
    a = noise("uint8", (3, 4, 6))
    both = apply("local-threshold", np.stack([a, a.T.reshape(a.shape)], 3), size=(3, 3, 3), components="ab")
    np.testing.assert_array_equal(both[..., 0], apply("local-threshold", a, size=(3, 3, 3)))
