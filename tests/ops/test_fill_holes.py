"""sweep-fill-holes against scipy.ndimage.binary_fill_holes."""

from functools import partial

import numpy as np
import pytest
from harness import apply, prepare
from scipy import ndimage
from test_label import random_volumes, worst_cases
from test_remove_small import mask_of

from sweeptools.errors import UsageError
from sweeptools.ops import _objects as parts


def test_random_volumes(tmp_path):
    rule = partial(parts.at_least, least=0)
    for i, (rng, mask) in enumerate(random_volumes(500, 1)):
        expected = ndimage.binary_fill_holes(mask)
        np.testing.assert_array_equal(mask | mask_of(1 - mask, rule, tmp_path, rng, faces=1), expected)
        if i % 25 == 0:
            mine = apply("fill-holes", mask, cut=int(rng.integers(1, 5)), threads=2, tmpdir=str(tmp_path))
            np.testing.assert_array_equal(mine, expected)


@pytest.mark.parametrize("name, array", list(worst_cases()), ids=lambda v: v if isinstance(v, str) else "")
def test_worst_cases(name, array, tmp_path):
    for mask in (array, 1 - array, np.pad(array, 1, constant_values=1)):
        mine = apply("fill-holes", np.ascontiguousarray(mask), cut=3, tmpdir=str(tmp_path))
        np.testing.assert_array_equal(mine, ndimage.binary_fill_holes(mask))


def test_the_mask_of_any_type(tmp_path):
    array = np.full((5, 6, 7), -3.0)
    array[2, 2:4, 3] = 0
    array[0, 0, 0] = np.nan
    array[4, 5, 6] = 0
    head, mine = apply("fill-holes", array, with_head=True, tmpdir=str(tmp_path))
    assert (head.dtype, head.role) == (np.uint8, "mask")
    assert (mine == 1).sum() == array.size - 1 and mine[4, 5, 6] == 0


def test_holes_are_counted_and_components_refused(tmp_path):
    array = np.ones((3, 3, 9), np.uint8)
    array[1, 1, 1::2] = 0
    run = prepare("fill-holes", array, tmpdir=str(tmp_path))
    list(run.blocks())
    assert run.found == {"holes": 4}
    with pytest.raises(UsageError, match="components r, g, b"):
        apply("fill-holes", np.zeros((2, 2, 2, 3), np.uint8), components="rgb", tmpdir=str(tmp_path))
