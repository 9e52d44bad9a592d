"""mask: numpy.where, voxel by voxel."""

from math import inf, nan

import numpy as np
import pytest
from harness import apply, prepare
from samples import SHAPES, names, volume

from sweeptools.errors import UsageError
from sweeptools.ops import load
from sweeptools.params import DTYPES


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("other", ["uint8", "int64", "float32"])
def test_kept_where_not_zero(dtype, other):
    a, m = volume(dtype), volume(other, seed=1)
    assert (m == 0).any() and (m != 0).any()
    out = apply("mask", a, inputs={"volume": m}, fill="7", cut=2, threads=2)
    assert out.dtype == a.dtype
    np.testing.assert_array_equal(out, np.where(m != 0, a, np.dtype(dtype).type(7)))


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_and_components(shape):
    a, m = volume("int16", shape), volume("uint8", shape[:3], seed=1) > 3
    m = m.astype("u1")
    out = apply("mask", a, inputs={"volume": m}, components=names(shape), cut=1, threads=2)
    np.testing.assert_array_equal(out, np.where(m[..., None] if len(shape) == 4 else m, a, 0))


def test_components_each_with_their_own_and_only_the_box():
    a, m = volume("float32", (4, 5, 6, 3)), volume("uint8", (4, 5, 6, 3), seed=1)
    for inside in (m, m[..., 0].copy()):
        part = np.full(a.shape, 99, "f4")
        load("mask").fn(a, inside, part, (1, 3, 2, 5, 0, 4), volume=None, fill=nan)
        expected = np.full(a.shape, 99, "f4")
        keep = (inside if inside.ndim == 4 else inside[..., None]) != 0
        expected[1:3, 2:5, 0:4] = np.where(keep, a, np.float32(nan))[1:3, 2:5, 0:4]
        np.testing.assert_array_equal(part, expected)


def test_the_role_is_kept():
    assert prepare("mask", volume("uint8"), inputs={"volume": volume("uint8")}).head.role == "image"


@pytest.mark.parametrize("dtype, fill", [("uint8", 256), ("uint8", -1), ("int16", 0.5), ("int64", nan), ("int8", inf)])
def test_a_fill_that_the_type_does_not_hold(dtype, fill):
    with pytest.raises(UsageError, match=f"fill is {fill}, which {dtype} does not hold"):
        prepare("mask", volume(dtype), inputs={"volume": volume(dtype)}, fill=fill)
