from math import inf, nan

import numpy as np
import pytest
from harness import head_of, source
from test_stats import TYPES, hostile, noise

from sweeptools.ops._levels import above, edges, ends
from sweeptools.run import Run, Settings
from sweeptools.spec import Node


def extremes(a, cut=1):
    stream = source(a, None, cut)
    return Run([Node(head=stream.head) | ends()], {"stdin": stream}, Settings(threads=2)).values()[0]


@pytest.mark.parametrize("dtype", TYPES)
def test_extremes(dtype):
    a = noise(dtype)
    assert extremes(a).tolist() == [a.min(), a.max()] and extremes(a).dtype == a.dtype


def test_extremes_of_finite_voxels():
    a = hostile("float32")
    finite = a[np.isfinite(a)]
    assert extremes(a).tolist() == [finite.min(), finite.max()]
    assert extremes(np.full((2, 3, 4), nan)) is None and extremes(np.full((2, 3, 4), inf, "float32")) is None
    assert [str(v) for v in extremes(np.full((1, 1, 2), -0.0)).tolist()] == ["0.0", "0.0"]


def test_extremes_of_types_that_reach_their_own():
    for v in np.iinfo("int8").min, np.iinfo("int8").max:
        assert extremes(np.full((1, 2, 2), v, "int8")).tolist() == [v, v]


@pytest.mark.parametrize("dtype", TYPES)
def test_above_is_greater_and_leaves_the_rest_of_the_buffer(dtype):
    a = noise(dtype)
    dst = np.full(a.shape, 9, "uint8")
    level = np.sort(a.ravel())[a.size // 2].item()
    above.fn(a, dst, (1, 4, 0, 6, 2, 5), level=level)
    expected = np.full(a.shape, 9, "uint8")
    expected[1:4, :, 2:5] = (a > a.dtype.type(level))[1:4, :, 2:5]
    np.testing.assert_array_equal(dst, expected)


def test_above_at_the_ends_of_a_type_and_without_a_level():
    dst = np.full((1, 1, 4), 9, "uint8")
    above.fn(np.array([0, 255, 254, 1], "uint8").reshape(1, 1, 4), dst, (0, 1, 0, 1, 0, 4), level=255)
    assert not dst.any()
    above.fn(np.array([inf, -inf, nan, 1.0]).reshape(1, 1, 4), dst, (0, 1, 0, 1, 0, 4), level=None)
    assert not dst.any()
    above.fn(np.array([inf, -inf, nan, 1.0]).reshape(1, 1, 4), dst, (0, 1, 0, 1, 0, 4), level=0.5)
    assert dst.ravel().tolist() == [1, 0, 0, 1]


def test_edges_that_cannot_be_told_apart():
    assert edges(np.dtype("float32"), 10, (1.0, 1.0000001)) is None
    assert edges(np.dtype("float64"), 10, None, np.array([-1.7e308, 1.7e308])) is None
    assert len(edges(head_of(np.zeros((1, 1, 1))).dtype, 10)) == 11
