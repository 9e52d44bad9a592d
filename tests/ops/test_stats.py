import random
from decimal import Context, Decimal
from fractions import Fraction
from math import fsum, inf, isfinite, nan

import numpy as np
import pytest
from harness import head_of, value

from sweeptools.kernels import sums
from sweeptools.ops import load, stats
from sweeptools.ops._exact import root

EXACT = Context(prec=400, Emin=-99999, Emax=99999)
TYPES = ("uint8", "int16", "int32", "uint32", "int64", "uint64", "float32", "float64")


def oracle(array):
    """The row from fractions and 400 decimal digits, rounded once."""
    every = array.ravel().tolist()
    finite = [v for v in every if isfinite(v)]
    row = {"count": len(finite), "min": None, "max": None, "sum": None, "mean": None, "std": None}
    row |= {"nan": sum(v != v for v in every), "inf": sum(v in (inf, -inf) for v in every)}
    if finite:
        exact = [Fraction(v) for v in finite]
        total, n = sum(exact), len(exact)
        variance = sum(v * v for v in exact) / n - (total / n) ** 2
        deviation = EXACT.sqrt(EXACT.divide(Decimal(variance.numerator), Decimal(variance.denominator)))
        row |= {"min": min(finite), "max": max(finite), "mean": rounded(total / n), "std": float(deviation)}
        row["sum"] = rounded(total) if array.dtype.kind == "f" else int(total)
    return row


def rounded(fraction):
    try:
        return float(fraction)
    except OverflowError:
        return inf if fraction > 0 else -inf


def noise(dtype, shape=(5, 6, 7), seed=0):
    rng, dtype = np.random.default_rng(seed), np.dtype(dtype)
    if dtype.kind != "f":
        return rng.integers(np.iinfo(dtype).min, np.iinfo(dtype).max, shape, dtype, endpoint=True)
    return rng.normal(0, 1, shape).astype(dtype)


def hostile(dtype="float64", shape=(4, 5, 9), seed=0):
    """Values over hundreds of decades, most of which cancel, with subnormals, NaN, infinities and both zeros."""
    rng = np.random.default_rng(seed)
    reach = 300 if dtype == "float64" else 37
    with np.errstate(over="ignore", under="ignore"):
        a = (rng.normal(size=shape) * 10.0 ** rng.integers(-reach - 20, reach, shape)).astype(dtype)
    flat = a.ravel()
    flat[: flat.size // 2] = -flat[-(flat.size // 2) :][::-1]
    rng.shuffle(flat)
    flat[:6] = nan, inf, -inf, 0.0, -0.0, 1.0
    return a


def row(answer):
    assert list(answer) == ["count", "min", "max", "sum", "mean", "std", "nan", "inf"]
    return {name: column[0] for name, column in answer.items() if len(column) == 1}


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", [(5, 6, 7), (1, 1, 1), (3, 1, 40)])
def test_any_type_equals_exact_fractions(dtype, shape):
    a = noise(dtype, shape)
    assert row(value("stats", a, cut=2, threads=2)) == oracle(a)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", range(3))
def test_cancellation_over_all_decades_loses_nothing(dtype, seed):
    a = hostile(dtype, seed=seed)
    assert row(value("stats", a, cut=1)) == oracle(a)


def test_the_small_number_between_two_large_ones():
    a = np.array([1e300, 1.0, -1e300, 5e-324]).reshape(1, 2, 2)
    got = row(value("stats", a))
    assert got["sum"] == 1.0 and got["mean"] == 0.25 and got["std"] == oracle(a)["std"]


def test_agrees_with_numpy_on_ordinary_voxels():
    a = noise("float32", (8, 9, 10)) + 100
    got, wide = row(value("stats", a, cut=3)), a.astype(float)
    assert got["count"] == a.size and got["min"] == a.min() and got["max"] == a.max()
    assert got["mean"] == pytest.approx(wide.mean(), rel=1e-14) and got["std"] == pytest.approx(wide.std(), rel=1e-12)


def test_sums_beyond_64_bits_are_whole_numbers():
    a = np.full((3, 4, 5), np.iinfo("uint64").max)
    assert row(value("stats", a))["sum"] == 60 * (2**64 - 1)
    a = np.full((3, 4, 5), np.iinfo("int64").min)
    assert row(value("stats", a)) == oracle(a)


def test_a_float_sum_beyond_float64_is_infinite_and_the_mean_is_not():
    got = row(value("stats", np.full((1, 1, 4), 1.7e308)))
    assert got["sum"] == inf and got["mean"] == 1.7e308 and got["std"] == 0.0


def test_one_value_has_no_deviation():
    assert row(value("stats", np.full((4, 5, 6), 0.1)))["std"] == 0.0


@pytest.mark.parametrize("reach", [15, 16, 17, 30])
@pytest.mark.parametrize("least", [2.0**-149, 2.0**-126, 0.1, 2.0**90])
def test_float32_with_exponents_near_and_far(reach, least):
    rng = np.random.default_rng(reach)
    a = (least * 2.0 ** rng.uniform(0, reach, (1, 2, 20000)) * rng.choice([-1, 0, 1], (1, 2, 20000))).astype("float32")
    a[0, 0, 0], a[0, 0, 19999] = least, least * 2.0**reach * (2 - 2.0**-23)
    assert row(value("stats", a)) == oracle(a)
    a[0] = np.float32(least * 2.0**reach * (2 - 2.0**-23))
    a[0, 1, ::7] = least
    assert row(value("stats", a)) == oracle(a)


@pytest.mark.parametrize("odd", [nan, inf, -inf])
def test_nothing_finite_leaves_the_row_empty(odd):
    a = np.full((2, 3, 4), odd, "float32")
    assert row(value("stats", a)) == oracle(a)


def test_no_voxel_at_all():
    record = load("stats")
    state = record.reduce.start(head_of(np.zeros((1, 2, 3))))
    record.reduce.add(state, np.ones((1, 2, 3)), (0, 1, 1, 1, 0, 3), 0)
    assert row(record.fn(state)) == oracle(np.zeros((0, 2, 3)))


def test_zero_has_no_sign():
    a = np.array([-0.0, 0.0, -0.0]).reshape(1, 1, 3)
    assert [str(row(value("stats", a))[k]) for k in ("min", "max", "sum", "mean")] == ["0.0"] * 4


def test_every_component_counts():
    a = noise("uint8", (3, 4, 5)).reshape(3, 2, 5, 2)
    assert row(value("stats", a, components=("a", "b"))) == oracle(a)


@pytest.mark.parametrize("array", [hostile("float32"), hostile("float64"), noise("int64"), noise("uint8")])
@pytest.mark.parametrize("seed", range(3))
def test_any_partition_merged_in_any_order_has_the_same_state(array, seed):
    how, dice = load("stats").reduce, random.Random(seed)
    whole = how.start(head_of(array))
    how.add(whole, array, (0, array.shape[0], 0, array.shape[1], 0, array.shape[2]), 0)
    cuts = [sorted({0, n, *dice.choices(range(n), k=2)}) for n in array.shape]
    boxes = [(a, b, c, d, e, f) for a, b in pairs(cuts[0]) for c, d in pairs(cuts[1]) for e, f in pairs(cuts[2])]
    dice.shuffle(boxes)
    states = [how.start(head_of(array)) for _ in range(4)]
    for box in boxes:
        how.add(dice.choice(states), array, box, 0)
    dice.shuffle(states)
    while len(states) > 1:
        states.insert(0, how.merge(states.pop(), states.pop()))
    assert states[0].keys() == whole.keys()
    for name, expected in whole.items():
        np.testing.assert_array_equal(states[0][name], expected)
    assert row(stats.stats.fn(states[0])) == oracle(array)


def pairs(cuts):
    return zip(cuts, cuts[1:])


@pytest.mark.parametrize("seed", range(20))
def test_float_sums_are_fsums_whatever_the_cut(seed):
    rng, dice, how = np.random.default_rng(seed), random.Random(seed), load("stats").reduce
    reach, dtype = ((280, "float64"), (36, "float32"))[seed % 2]
    a = (rng.normal(size=(4, 5, 6)) * 10.0 ** rng.integers(-reach, reach, (4, 5, 6))).astype(dtype)
    a.ravel()[:60] = -a.ravel()[60:] * rng.choice([1, 1, 1, 0.5], 60).astype(dtype)
    cuts = [sorted({0, n, *dice.choices(range(n), k=2)}) for n in a.shape]
    states = []
    for z in pairs(cuts[0]):
        for y in pairs(cuts[1]):
            for x in pairs(cuts[2]):
                states.append(how.start(head_of(a)))
                how.add(states[-1], a, (*z, *y, *x), 0)
    while len(states) > 1:
        dice.shuffle(states)
        states.append(how.merge(states.pop(), states.pop()))
    assert stats.stats.fn(states[0])["sum"] == [fsum(a.ravel().tolist())]


def test_thousands_of_small_volumes_of_every_density_are_numpys():
    rng, how, head = np.random.default_rng(6), load("stats").reduce, head_of(np.zeros((2, 3, 4), "int16"))
    for i in range(2000):
        a = (rng.random((2, 3, 4)) < i / 1999) * rng.integers(-(2**15), 2**15, (2, 3, 4)).astype("int16")
        state = how.start(head)
        how.add(state, a, (0, 2, 0, 3, 0, 4), 0)
        got = row(stats.stats.fn(state))
        assert [got[k] for k in ("count", "min", "max", "sum")] == [a.size, a.min(), a.max(), a.sum()]
        assert got["mean"] == a.sum(dtype=int) / a.size and abs(got["std"] - a.std()) <= 1e-12 * got["std"]


@pytest.mark.parametrize("dtype", ["int32", "uint32", "int64", "uint64"])
def test_limbs_hold_the_largest_values_of_long_rows(dtype):
    a = np.full((1, 1, 70001), np.iinfo(dtype).max, dtype)
    a[..., ::3] = np.iinfo(dtype).min
    assert row(value("stats", a)) == oracle(a)


def test_carry_keeps_the_sign_in_the_highest_limb():
    limbs = np.zeros(3, np.int64)
    sums.carry(limbs, 0, -1)
    assert limbs.tolist() == [2**32 - 1, -1, 0]


def test_the_root_of_a_quotient_is_rounded_once():
    dice = random.Random(1)
    for _ in range(300):
        a, b = dice.getrandbits(dice.choice([3, 60, 900])), dice.getrandbits(dice.choice([2, 50, 800])) + 1
        assert root(a, b) == float(EXACT.sqrt(EXACT.divide(Decimal(a), Decimal(b))))
    half = 2**53 + 1                                 # a tie, and what lies just above it
    assert root(half * half, 1) == 2.0**53 and root(half * half + 1, 1) == 2.0**53 + 2


@pytest.mark.parametrize("array", [hostile("float32"), noise("int16")], ids=["float32", "int16"])
@pytest.mark.parametrize("how", [{}, {"cut": 1, "threads": 2}, {"cut": 3, "depth": 2, "threads": 3}])
def test_a_row_for_each_slice(array, how):
    table = value("stats", array, per_slice=True, **how)
    assert table.pop("z") == list(range(len(array)))
    for z, one in enumerate(array):
        assert {name: column[z] for name, column in table.items()} == pytest.approx(oracle(one), rel=0, nan_ok=True)
    assert value("stats", np.zeros((0, 3, 4), "u1"), per_slice=True)["z"] == []
