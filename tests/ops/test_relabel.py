"""sweep-relabel against scikit-image."""

import numpy as np
import pytest
from harness import apply, prepare
from skimage.segmentation import relabel_sequential

from sweeptools.errors import UsageError
from sweeptools.ops import _relabel as parts


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint32", "uint64"])
def test_as_scikit_image(dtype):
    rng = np.random.default_rng(1)
    for i in range(6):
        most = min(np.iinfo(dtype).max, 10 ** (i + 1))
        array = (rng.integers(0, most, (4, 5, 30)) * (rng.random((4, 5, 30)) < 0.6)).astype(dtype)
        mine = apply("relabel", array, cut=2, threads=2)
        assert mine.dtype == array.dtype
        np.testing.assert_array_equal(mine, relabel_sequential(array)[0])


def test_more_labels_than_the_table_begins_with():
    array = np.random.default_rng(2).permutation(40000).reshape(10, 40, 100).astype(np.uint32) * 100000
    run = prepare("relabel", array, threads=3, cut=3, again=True)
    out = np.concatenate([block.array(run.head).copy() for block in run.blocks()])
    np.testing.assert_array_equal(out, array // 100000)
    assert run.found == {"labels": 39999}


def test_what_is_no_label():
    array = np.array([-3, 0, 7, 5, np.iinfo(np.int64).max], np.int64).reshape(1, 1, 5)
    assert apply("relabel", array).ravel().tolist() == [0, 0, 2, 1, 3]
    assert not apply("relabel", np.zeros((2, 3, 4), "u1")).any()
    with pytest.raises(UsageError, match="needs labels, whole numbers, the stream has float32"):
        apply("relabel", np.zeros((2, 3, 4), "f4"))


def test_largest_numbers_of_64_bits():
    array = np.array([2**64 - 1, 2**63, 2**64 - 1, 0], np.uint64).reshape(1, 2, 2)
    assert apply("relabel", array).ravel().tolist() == [2, 1, 2, 0]


def test_the_table_is_a_slice_of_the_labels():
    state = parts.start(prepare("relabel", np.zeros((1, 1, 9), "u1")).graph.leaves[0].head)
    assert parts.present.fn(state).tolist() == []
