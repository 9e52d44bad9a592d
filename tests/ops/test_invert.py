"""invert: max - v, -1 - v, -v, in exact numbers."""

import numpy as np
import pytest
from harness import apply, prepare
from samples import FLOATS, INTEGERS, SHAPES, names, volume

from sweeptools.ops import load


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integers(dtype):
    a = volume(dtype)
    top = np.iinfo(dtype).max if dtype.startswith("u") else -1
    out = apply("invert", a, cut=2, threads=2)
    assert out.dtype == a.dtype
    assert out.ravel().tolist() == [int(top) - v for v in a.ravel().tolist()]


@pytest.mark.parametrize("dtype", FLOATS)
def test_floats(dtype):
    a = volume(dtype)
    np.testing.assert_array_equal(apply("invert", a, cut=3), -a)


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_components_and_twice(shape):
    a = volume("int16", shape)
    once = apply("invert", a, components=names(shape), cut=1, threads=2)
    np.testing.assert_array_equal(once, -1 - a)
    np.testing.assert_array_equal(apply("invert", once, components=names(shape)), a)


def test_only_the_box_is_written():
    a = volume("uint8", (6, 7, 30))
    part = np.full(a.shape, 99, "u1")
    load("invert").fn(a, part, (1, 5, 2, 6, 3, 29))
    expected = np.full(a.shape, 99)
    expected[1:5, 2:6, 3:29] = 255 - a[1:5, 2:6, 3:29]
    np.testing.assert_array_equal(part, expected)


def test_another_type_afterwards_and_head():
    a = volume("uint8")
    np.testing.assert_array_equal(apply("invert", a, dtype="int8"), (255 - a).clip(0, 127))
    assert prepare("invert", a).head.role == "image"
