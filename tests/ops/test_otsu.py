import warnings
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from harness import apply, prepare, value
from skimage.filters import threshold_multiotsu, threshold_otsu
from test_stats import hostile, noise

from sweeptools.ops.otsu import best, parted

TYPES = ("uint8", "int8", "uint16", "int16", "int32", "uint64", "float32", "float64")


def oracle(levels, counts):
    """Index of the threshold: the loop of the definition, scikit-image's formula in fractions."""
    most, place = -1, None
    for t in range(len(levels)):
        low = [(v, n) for v, n in zip(levels[: t + 1], counts) if n]
        high = [(v, n) for v, n in zip(levels[t + 1 :], counts[t + 1 :]) if n]
        variance = 0
        if low and high:
            weight1, weight2 = sum(n for _, n in low), sum(n for _, n in high)
            mean1, mean2 = Fraction(sum(v * n for v, n in low), weight1), Fraction(sum(v * n for v, n in high), weight2)
            variance = weight1 * weight2 * (mean1 - mean2) ** 2
        if variance > most and low:
            most, place = variance, t
    return place


def slow(a):
    """The threshold of an array, by one bin per value or numpy's 256 bins."""
    finite = a[np.isfinite(a)]
    if a.dtype.itemsize <= 2:
        values, counts = np.unique(finite, return_counts=True)
        return int(values[oracle(values.tolist(), counts.tolist())])
    counts, edges = np.histogram(finite, 256)
    i = oracle(list(range(256)), counts.tolist())
    return ((edges[i] + edges[i + 1]) / 2).item()


def modes(dtype, shape=(6, 9, 20), seed=0):
    """Two hills."""
    rng = np.random.default_rng(seed)
    a = np.where(rng.random(shape) < 0.3, rng.normal(90, 9, shape), rng.normal(40, 12, shape))
    return np.clip(a, 0, 127).astype(dtype)


def found(a, **how):
    run = prepare("otsu", a, again=True, **how)
    out = np.concatenate([b.array(run.head).copy() for b in run.blocks()])
    return run.found["threshold"], out


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("make", [modes, noise])
def test_the_threshold_of_the_definition(dtype, make):
    a = make(dtype, (3, 5, 20))
    t, out = found(a, cut=2, threads=2)
    assert t == slow(a) and type(t) in (int, float)
    assert out.dtype == np.uint8
    np.testing.assert_array_equal(out, a > a.dtype.type(np.floor(t) if a.dtype.kind != "f" else t))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
@pytest.mark.parametrize("seed", range(3))
def test_ordinary_volumes_as_scikit_image(dtype, seed):
    a = modes(dtype, (8, 30, 40), seed)
    assert found(a)[0] == threshold_otsu(a)


def test_sweeps():
    assert prepare("otsu", noise("int16")).graph.sweeps == 2
    assert prepare("otsu", noise("int32")).graph.sweeps == 3


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_a_pipe_that_cannot_be_read_twice(dtype, tmp_path):
    a = modes(dtype)
    head, out = apply("otsu", a, cut=1, with_head=True, tmpdir=str(tmp_path))
    np.testing.assert_array_equal(out, a > slow(a))
    assert head.role == "mask" and head.dtype == np.uint8


def test_of_equal_thresholds_the_least():
    a = np.array([0, 0, 5, 9, 9, 14], "uint8").reshape(1, 2, 3)
    assert found(a)[0] == 5 == slow(a)
    assert best([0, 1, 2], [5, 0, 5]) == 0 == oracle([0, 1, 2], [5, 0, 5])
    assert best([-3, 0, 3], [1, 1, 1]) == 0 == oracle([-3, 0, 3], [1, 1, 1])


@pytest.mark.parametrize("dtype", TYPES)
def test_one_value_is_the_threshold_and_nothing_is_above(dtype):
    a = np.full((2, 3, 4), 77, dtype)
    t, out = found(a)
    assert t == 77 and not out.any()


def test_neither_nan_nor_infinities_count_but_infinity_is_above():
    a = hostile("float32")
    a = np.where(np.isfinite(a), modes("float32", a.shape), a)
    t, out = found(a, cut=1)
    assert t == slow(a) == slow(a[np.isfinite(a)])
    np.testing.assert_array_equal(out, a > t)
    assert out.ravel()[np.isposinf(a.ravel())].all() and not out[np.isnan(a)].any()


def test_without_a_finite_voxel_there_is_no_threshold():
    t, out = found(np.full((2, 3, 4), np.inf))
    assert t is None and not out.any()


@pytest.mark.parametrize("pair", [(1.0, 1.0 + 2.0**-52), (2**62, 2**62 + 1), (-1.7e308, 1.7e308), (0.0, 5e-324)])
def test_two_values_however_close_or_far_are_parted(pair):
    a = np.array([pair[0], pair[1], pair[0]]).reshape(1, 1, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        t, out = found(a)
    assert pair[0] <= t < pair[1] and out.ravel().tolist() == [0, 1, 0]


def test_one_threshold_for_all_components():
    a = modes("uint8", (4, 6, 10))
    out = apply("otsu", a.reshape(4, 3, 10, 2), components=("a", "b"), again=True, cut=1)
    np.testing.assert_array_equal(out.reshape(a.shape), a > slow(a))


def test_the_type_asked_for():
    a = modes("uint8")
    out = apply("otsu", a, dtype="uint16", again=True)
    assert out.dtype == np.uint16
    np.testing.assert_array_equal(out, a > slow(a))


def test_parts_the_histogram_where_a_threshold_would():
    a = modes("uint8")
    table = value("hist", a)
    i = best(table["low"].tolist(), table["count"].tolist())
    np.testing.assert_array_equal(apply("otsu", a), apply("threshold", a, low=int(table["high"][i])))


def variance(levels, counts, ends):
    """The sum of s^2 / n over the classes that end at these places."""
    total, cuts = Fraction(0), [0, *(e + 1 for e in ends), len(levels)]
    for a, b in zip(cuts, cuts[1:]):
        s, n = sum(v * c for v, c in zip(levels[a:b], counts[a:b])), sum(counts[a:b])
        total += Fraction(s * s, n)
    return total


@pytest.mark.parametrize("classes", [2, 3, 4, 5])
def test_more_classes_are_those_of_the_greatest_variance(classes):
    rng = np.random.default_rng(classes)
    for n in (classes, classes + 1, 9, 12):
        levels, counts = sorted(rng.permutation(200)[:n].tolist()), rng.integers(1, 50, n).tolist()
        every = {ends: variance(levels, counts, ends) for ends in combinations(range(n - 1), classes - 1)}
        most = max(every.values())
        assert tuple(parted(levels, counts, classes)) == min(ends for ends, v in every.items() if v == most)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32"])
@pytest.mark.parametrize("classes", [3, 4])
def test_classes_as_scikit_image(dtype, classes):
    rng = np.random.default_rng(2)
    a = np.clip(rng.choice([20, 60, 90, 110], (6, 9, 30)) + rng.normal(0, 5, (6, 9, 30)), 0, 127).astype(dtype)
    run = prepare("otsu", a, classes=classes, again=True, cut=2)
    out = np.concatenate([b.array(run.head).copy() for b in run.blocks()])
    theirs = threshold_multiotsu(a, classes)
    assert run.head.role == "labels" and run.head.dtype == np.uint8
    np.testing.assert_allclose(run.found["thresholds"], theirs, atol=1 if dtype == "int16" else 1e-5)
    np.testing.assert_array_equal(out, sum((a > t).astype(int) for t in run.found["thresholds"]))


def test_more_values_than_bins_are_gathered():
    a = np.repeat([1000, 20000, 40000], 700).reshape(3, 7, 100) + np.arange(700).reshape(7, 100)
    a = a.astype("uint16")
    assert len(np.unique(a)) > 256
    run = prepare("otsu", a, classes=3, again=True)
    out = np.concatenate([b.array(run.head).copy() for b in run.blocks()])
    np.testing.assert_array_equal(out, np.broadcast_to(np.arange(3)[:, None, None], a.shape))


def test_fewer_values_than_classes():
    for values, expected in (([7, 7], [0, 0]), ([5, 9], [0, 1]), ([np.nan, np.inf], [0, 0])):
        a = np.array(values, np.float32).reshape(1, 1, 2)
        assert apply("otsu", a, classes=4, again=True).ravel().tolist() == expected
