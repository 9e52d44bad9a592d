"""sweep-equalize against a slow form: a loop over values, or numpy's histogram and a line within each bin."""

from fractions import Fraction

import numpy as np
import pytest
from harness import apply, collect, prepare
from test_stats import hostile, noise


def of_range(share, dtype):
    """A share (0 to 1) on the range of a type, rounded once."""
    if np.dtype(dtype).kind == "f":
        return np.dtype(dtype).type(share)
    low, high = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
    return min(max(round(float(share) * (float(high) - float(low)) + float(low)), low), high)


def slow(a, dtype):
    """Every value alone."""
    least, n = (a == a.min()).sum(), a.size
    table = {v: of_range(((a <= v).sum() - least) / max(1, n - least), dtype) for v in np.unique(a).tolist()}
    return np.array([table[v] for v in a.ravel().tolist()], dtype).reshape(a.shape)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16"])
@pytest.mark.parametrize("to", [None, "uint8", "int32", "uint64", "float32"])
def test_each_value_for_itself(dtype, to):
    a = noise(dtype, (3, 5, 30)) // 3
    head, mine = apply("equalize", a, dtype=to, cut=1, depth=2, threads=2, again=True, with_head=True)
    assert head.dtype == np.dtype(to or dtype)
    np.testing.assert_array_equal(mine, slow(a, to or dtype))


@pytest.mark.parametrize("dtype", ["int32", "uint64", "float32", "float64"])
def test_wider_types_by_bins(dtype):
    a = noise(dtype, (3, 5, 60))
    counts, edges = np.histogram(a, 4096)
    shares = np.concatenate([[0], np.cumsum(counts)]) / a.size
    expected = np.interp(a, edges.astype(np.float64), shares)
    mine = apply("equalize", a, cut=2, dtype="float64")
    np.testing.assert_array_equal(mine, expected)
    kept = apply("equalize", a, cut=2)
    assert kept.dtype == a.dtype
    np.testing.assert_array_equal(kept, np.vectorize(lambda v: of_range(v, dtype), otypes=[dtype])(expected))
    order = np.argsort(a, axis=None)
    assert (np.diff(mine.ravel()[order]) >= 0).all() and mine.min() == 0 and mine.max() == 1


def test_the_share_is_exact():
    a = np.array([3, 3, 5, 9, 9, 9, 9], "u1").reshape(1, 1, 7)
    assert apply("equalize", a).ravel().tolist() == [0, 0, round(Fraction(255, 5)), 255, 255, 255, 255]


def test_nan_and_infinities():
    a = hostile("float32")
    run = prepare("equalize", a, dtype="uint8", again=True)
    told = []
    run.settings.warn = told.append
    out = collect(run)[1]
    assert told == ["1 voxels were NaN and became 0"]
    assert out[a == np.inf] == 255 and out[a == -np.inf] == 0 and out[np.isnan(a)] == 0
    kept = apply("equalize", a, again=True)
    np.testing.assert_array_equal(np.isnan(kept), np.isnan(a))


@pytest.mark.parametrize("array", [np.full((2, 3, 4), 7, "u1"), np.full((2, 3, 4), np.nan), np.full((1, 1, 2), 3.0)])
def test_one_value_or_none(array):
    mine = apply("equalize", array, again=True)
    np.testing.assert_array_equal(mine, np.where(np.isnan(array), np.nan, 0))


def test_one_histogram_for_all_components():
    a = noise("uint8", (4, 6, 10))
    mine = apply("equalize", a.reshape(4, 3, 10, 2), components=("a", "b"), again=True, cut=1)
    np.testing.assert_array_equal(mine.reshape(a.shape), slow(a, "uint8"))
