import random

import numpy as np
import pytest
from harness import head_of, source
from test_stats import TYPES, hostile, noise

from sweeptools.ops._levels import tally
from sweeptools.ops._quantile import of_keys, of_tally, quantiles, select
from sweeptools.run import Run, Settings
from sweeptools.spec import Node

SHARES = (0.0, 0.02, 0.25, 1 / 3, 0.5, 0.9, 0.999, 1.0)


def found(a, q=SHARES, finite=True, cut=2):
    stream = source(a, None, cut, True)
    return Run([quantiles(Node(head=stream.head), q, finite)], {"stdin": stream}, Settings(threads=2)).values()[0]


@pytest.mark.parametrize("dtype", [*TYPES, "int8", "uint16"])
@pytest.mark.parametrize("shape", [(5, 6, 7), (1, 1, 1), (1, 1, 2)])
def test_as_numpy_on_float64(dtype, shape):
    a = noise(dtype, shape)
    np.testing.assert_array_equal(np.array(found(a), float), np.quantile(a.astype(float), SHARES))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_values_that_begin_alike_and_values_far_apart(dtype):
    a = hostile(dtype)
    fine = (1 + np.arange(a.size) % 91 * 2.0**-22).astype(dtype).reshape(a.shape)
    for b in (fine, a):
        np.testing.assert_array_equal(found(b), np.quantile(b[np.isfinite(b)].astype(float), SHARES))


def test_infinities_count_where_they_are_wanted():
    a = np.array([np.inf, -np.inf, 1, 2, 3, np.nan, np.inf, np.inf]).reshape(2, 2, 2)
    assert found(a, (0.0, 1.0, 0.5)) == [1.0, 3.0, 2.0]
    assert found(a, (0.0, 1.0, 0.5), finite=False) == [-np.inf, np.inf, 3.0]


def test_wide_integers_are_exact():
    a = np.array([2**63 - 1, 2**63 - 2, 2**53 + 1, -(2**63)]).reshape(1, 2, 2)
    assert found(a, (0.0, 1 / 3, 2 / 3, 1.0)) == [-(2**63), 2**53 + 1, 2**63 - 2, 2**63 - 1]


@pytest.mark.parametrize("array", [np.full((1, 2, 3), np.nan), np.full((1, 2, 3), np.inf, "float32")])
def test_without_a_voxel_that_counts(array):
    assert found(array) is None


def test_any_order_of_merging_narrows_down_the_same():
    a, dice, sought = noise("float64", (4, 5, 6)), random.Random(0), (0.1, 0.5, 0.77)
    for _ in range(4):
        states = [select.reduce.start(head_of(a), sought) for _ in range(3)]
        for z in range(4):
            for y in range(5):
                select.reduce.add(dice.choice(states), a, (z, z + 1, y, y + 1, 0, 6), 0, finite=True)
        dice.shuffle(states)
        sought = select.fn(select.reduce.merge(select.reduce.merge(states[1], states[2]), states[0]), sought=sought)
    assert of_keys(sought) == np.quantile(a, (0.1, 0.5, 0.77)).tolist()


def test_thousands_of_small_volumes_of_every_density_are_numpys():
    rng, head = np.random.default_rng(6), head_of(np.zeros((2, 3, 4), "int8"))
    for i in range(1000):
        a = (rng.random((2, 3, 4)) < i / 999) * rng.integers(-128, 128, (2, 3, 4)).astype("int8")
        state = tally.reduce.start(head)
        for z in (1, 0):
            tally.reduce.add(state, a, (z, z + 1, 0, 3, 0, 4), 0)
        values, counts = tally.fn(state)
        np.testing.assert_array_equal([values, counts], np.unique(a, return_counts=True))
        np.testing.assert_array_equal(of_tally(SHARES, (values, counts)), np.quantile(a.astype(float), SHARES))
