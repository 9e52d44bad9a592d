"""What becomes of a computed number: against Python's own exact integers and round-half-to-even."""

from math import isinf, isnan

import numpy as np
import pytest

from sweeptools.kernels import store
from sweeptools.params import DTYPES

INTEGERS = [d for d in DTYPES if d.startswith(("int", "uint"))]


def slow(value, dtype):
    """One number as `dtype` by arithmetic on Python's integers."""
    least, most = np.iinfo(dtype).min, np.iinfo(dtype).max
    if isnan(value):
        return 0
    if isinf(value):
        return most if value > 0 else least
    return min(max(round(value), least), most)


def hard_numbers(kind):
    """Halves, powers of two and their neighbours in that type, both signs, what is not finite."""
    kind = np.dtype(kind).type
    powers = [kind(2.0**k) for k in range(0, 70)]
    near = [np.nextafter(p, kind(to)) for p in powers for to in (0, np.inf)]
    some = [0.0, 0.25, 0.5, 1.5, 2.5, 127.5, 128.5, 254.5, 255.49, 255.5, 32767.5, 65534.5, 65535.5]
    values = np.array(powers + near + some + [1e-30, 1e30, np.inf, np.nan], kind)
    return np.concatenate([values, -values])


@pytest.mark.parametrize("source", ["float32", "float64"])
@pytest.mark.parametrize("dtype", INTEGERS)
def test_integers_take_the_nearest(source, dtype):
    values = hard_numbers(source)
    out = np.full(values.shape, 77, dtype)
    nan = store.put_row(values, out, *store.limits(dtype))
    assert nan == np.isnan(values).sum() > 0
    assert out.tolist() == [slow(float(v), dtype) for v in values]


@pytest.mark.parametrize("source", ["float32", "float64"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_floats_are_rounded_once_and_keep_nan(source, dtype):
    values = hard_numbers(source)
    out = np.zeros(values.shape, dtype)
    assert store.put_row(values, out, *store.limits(dtype)) == 0
    np.testing.assert_array_equal(out, values.astype(dtype))


def test_one_voxel_at_its_place():
    out = np.zeros(3, np.uint8)
    assert store.put(out, 1, 2.5, *store.limits("uint8")) == 0
    assert store.put(out, 2, np.nan, *store.limits("uint8")) == 1
    assert out.tolist() == [0, 2, 0]
