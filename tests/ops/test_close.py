"""sweep-close fills what sweep-open leaves: test_open.py holds both to scipy; here what users close are masks."""

import numpy as np
from harness import apply, head_of
from scipy import ndimage


def test_holes_in_a_mask():
    mask = np.random.default_rng(3).random((12, 14, 16)) < 0.8
    array = mask.astype("uint8")
    head, out = apply("close", array, with_head=True, shape="cross", head=head_of(array, role="mask"))
    assert head.role == "mask"
    wide = np.pad(mask, 4, mode="symmetric")         # binary_closing knows no edge mode: only away from them
    right = ndimage.binary_closing(wide, ndimage.generate_binary_structure(3, 1))[(slice(4, -4),) * 3]
    inside = (slice(2, -2),) * 3
    np.testing.assert_array_equal(out[inside], right[inside])
