"""sweep-quantile against numpy.quantile on the finite voxels; selection itself is tested in test__quantile.py."""

import numpy as np
import pytest
from harness import prepare, value
from test_stats import hostile, noise

Q = (0.5, 0.0, 1.0, 0.013, 0.9)


@pytest.mark.parametrize("dtype, sweeps", [("uint8", 1), ("int16", 1), ("float32", 2), ("uint32", 2), ("float64", 4)])
def test_as_numpy(dtype, sweeps):
    array = noise(dtype, (5, 6, 70))
    run = prepare("quantile", array, q=Q, cut=2, threads=2, again=True)
    assert run.graph.sweeps == sweeps
    table = run.values()[0]
    assert table["q"] == list(Q)
    np.testing.assert_array_equal(table["value"], np.quantile(array.astype(np.float64), Q))


def test_only_finite_voxels_count():
    array = hostile("float32")
    finite = array[np.isfinite(array)].astype(np.float64)
    np.testing.assert_array_equal(value("quantile", array, q=Q)["value"], np.quantile(finite, Q))


@pytest.mark.parametrize("array", [np.full((1, 2, 3), np.nan), np.zeros((0, 2, 3), "u1"), np.zeros((0, 2, 3), "u4")])
def test_without_a_voxel_the_value_is_empty(array):
    assert value("quantile", array, q=(0.5, 1.0)) == {"q": [0.5, 1.0], "value": [None, None]}


def test_a_voxel_is_given_exactly():
    array = np.array([2**64 - 1, 2**64 - 3, 7], np.uint64).reshape(1, 1, 3)
    assert value("quantile", array, q=(0.0, 0.5, 1.0))["value"] == [7, 2**64 - 3, 2**64 - 1]
