from fractions import Fraction

import numpy as np
import pytest
from harness import apply, prepare, value
from test_stats import TYPES, hostile, noise, oracle


def slow(a):
    """(v - mean) / std by the exact mean and deviation, in float64."""
    row = oracle(a)
    return (a.astype(float) - row["mean"]) / (row["std"] or 1.0)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", [(5, 6, 7), (1, 1, 5)])
def test_any_type_equals_the_exact_form(dtype, shape):
    a = noise(dtype, shape)
    out = apply("normalize", a, cut=2, threads=2, again=True)
    assert out.dtype == (np.float64 if dtype == "float64" else np.float32)
    np.testing.assert_array_equal(out, slow(a).astype(out.dtype))


def test_as_numpy_on_ordinary_voxels():
    a = noise("float64", (6, 7, 8)) * 3 + 100
    np.testing.assert_allclose(apply("normalize", a, cut=1), (a - a.mean()) / a.std(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_finite_voxels_decide_and_the_others_stay(dtype):
    a = hostile(dtype)
    a = np.where(np.isfinite(a), noise(dtype, a.shape), a)
    out = apply("normalize", a, cut=1, again=True)
    np.testing.assert_array_equal(out, slow(a).astype(dtype))
    assert np.isnan(out).sum() == np.isnan(a).sum() > 0


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32", "float64"])
def test_one_value_gives_zero(dtype):
    assert not apply("normalize", np.full((3, 4, 5), 42, dtype), again=True).any()


def test_without_a_finite_voxel():
    assert np.isnan(apply("normalize", np.full((2, 3, 4), np.nan))).all()


def test_differences_beyond_float64():
    a = np.array([1.7e308, -1.7e308, -1.7e308, -1.7e308]).reshape(1, 1, 4)
    row = oracle(a)
    expected = [float((Fraction(v) - Fraction(row["mean"])) / Fraction(row["std"])) for v in a.ravel().tolist()]
    np.testing.assert_allclose(apply("normalize", a).ravel(), expected, rtol=1e-15)


def test_the_type_asked_for_is_rounded_once():
    a = noise("int16")
    np.testing.assert_array_equal(apply("normalize", a, dtype="float64", again=True), slow(a))
    out = apply("normalize", a, dtype="int8", again=True, cut=2)
    np.testing.assert_array_equal(out, np.rint(slow(a)).astype("int8"))


def test_mean_and_deviation_are_found_in_two_sweeps():
    a = noise("uint8")
    run = prepare("normalize", a, again=True)
    assert run.graph.sweeps == 2
    assert sum(b.n for b in run.blocks()) == len(a)
    table = value("stats", a)
    assert run.found == {"mean": table["mean"][0], "std": table["std"][0]}


def test_one_mean_for_all_components():
    a = noise("uint8", (3, 4, 10))
    out = apply("normalize", a.reshape(3, 2, 10, 2), components=("a", "b"), again=True, cut=1)
    np.testing.assert_array_equal(out.reshape(a.shape), slow(a).astype("float32"))
