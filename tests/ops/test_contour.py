"""sweep-contour against scikit-image."""

import numpy as np
import pytest
from harness import apply
from skimage.segmentation import find_boundaries

from sweeptools.errors import UsageError


@pytest.mark.parametrize("connectivity", [6, 18, 26])
@pytest.mark.parametrize("side, mode", [("inner", "inner"), ("both", "thick")])
def test_as_scikit_image(connectivity, side, mode):
    rng = np.random.default_rng(connectivity)
    for shape in ((6, 9, 30), (1, 7, 9), (4, 1, 5), (3, 4, 1), (1, 1, 1), (2, 2, 2)):
        coarse = rng.integers(0, 4, [-(-n // 3) for n in shape])
        array = coarse.repeat(3, 0).repeat(3, 1).repeat(3, 2)[tuple(map(slice, shape))].astype("u2")
        array = np.where(rng.random(shape) < 0.9, array, 0).astype("u2")
        expected = find_boundaries(array, connectivity={6: 1, 18: 2, 26: 3}[connectivity], mode=mode)
        mine = apply("contour", array, connectivity=str(connectivity), side=side, cut=1, depth=2, threads=2)
        np.testing.assert_array_equal(mine, expected)


def test_head_and_types():
    array = np.zeros((3, 3, 3), np.float32)
    array[1, 1, 1] = np.nan
    head, mine = apply("contour", array, with_head=True)
    assert (head.dtype, head.role) == (np.uint8, "mask")
    assert mine.sum() == 1 and mine[1, 1, 1] == 1
    assert apply("contour", array, side="both").sum() == 7
    with pytest.raises(UsageError, match="components r, g, b"):
        apply("contour", np.zeros((2, 2, 2, 3), np.uint8), components="rgb")
