"""cast: against Python's exact integers and fractions, voxel by voxel."""

import subprocess
import sys
from fractions import Fraction
from math import isinf, isnan

import numpy as np
import pytest
from harness import apply, head_of, prepare
from samples import FLOATS, INTEGERS, SHAPES, names, volume

from sweeptools.ops import load
from sweeptools.params import DTYPES


def to_integer(value, dtype):
    """A number (int, float or Fraction) as an integer type has it."""
    least, most = np.iinfo(dtype).min, np.iinfo(dtype).max
    if isinstance(value, float):
        if isnan(value):
            return 0
        if isinf(value):
            return most if value > 0 else least
    return min(max(round(value), least), most)


def range_of(dtype):
    return (int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)) if dtype in INTEGERS else (0, 1)


@pytest.mark.parametrize("source", DTYPES)
@pytest.mark.parametrize("type", INTEGERS)
def test_to_integers(source, type):
    a = volume(source)
    out = apply("cast", a, type=type, cut=2, threads=2)
    assert out.dtype == type
    assert out.ravel().tolist() == [to_integer(v, type) for v in a.ravel().tolist()]


@pytest.mark.parametrize("source", DTYPES)
@pytest.mark.parametrize("type", FLOATS)
def test_to_floats(source, type):
    a = volume(source)
    with np.errstate(over="ignore"):
        expected = a.astype(type)
    np.testing.assert_array_equal(apply("cast", a, type=type, cut=3), expected)


@pytest.mark.parametrize("source", INTEGERS)
@pytest.mark.parametrize("type", INTEGERS)
def test_scale_between_integers_is_exact(source, type):
    a = volume(source)
    (low, high), (least, most) = range_of(source), range_of(type)
    expected = [round(Fraction((v - low) * (most - least), high - low)) + least for v in a.ravel().tolist()]
    assert apply("cast", a, type=type, scale=True, cut=2).ravel().tolist() == expected


@pytest.mark.parametrize("source", INTEGERS)
@pytest.mark.parametrize("type", FLOATS)
def test_scale_to_floats(source, type):
    a = volume(source)
    low, high = range_of(source)
    expected = np.array([float(v - low) / float(high - low) for v in a.ravel().tolist()]).astype(type)
    np.testing.assert_array_equal(apply("cast", a, type=type, scale=True).ravel(), expected)


@pytest.mark.parametrize("source", FLOATS)
@pytest.mark.parametrize("type", INTEGERS)
def test_scale_from_floats(source, type):
    a = np.concatenate([volume(source), np.random.default_rng(1).random((20, 6, 7)).astype(source)])
    least, most = range_of(type)
    expected = [to_integer(float(v) * float(most - least) + float(least), type) for v in a.ravel().tolist()]
    assert apply("cast", a, type=type, scale=True, cut=4).ravel().tolist() == expected


def test_scale_between_floats_changes_nothing():
    a = volume("float32")
    np.testing.assert_array_equal(apply("cast", a, type="float64", scale=True), a.astype("float64"))


@pytest.mark.parametrize("source", ["uint8", "uint16"])
def test_scale_to_float32_and_back_gives_the_volume(source):
    a = np.arange(np.iinfo(source).max + 1, dtype=source).reshape(1, -1, 16)
    assert (apply("cast", apply("cast", a, type="float32", scale=True), type=source, scale=True) == a).all()


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_and_components(shape):
    a = volume("float32", shape)
    out = apply("cast", a, type="int16", components=names(shape), cut=1, threads=2)
    assert out.shape == shape
    assert out.ravel().tolist() == [to_integer(v, "int16") for v in a.ravel().tolist()]


@pytest.mark.parametrize("scale", [False, True])
@pytest.mark.parametrize(
    "source, type", [("float64", "uint8"), ("int16", "uint8"), ("uint8", "int32"), ("uint8", "float32")]
)
def test_only_the_box_is_written(source, type, scale):
    a = volume(source, (6, 7, 300))
    full, part = np.full(a.shape, 99, type), np.full(a.shape, 99, type)
    load("cast").fn(a, full, (0, 6, 0, 7, 0, 300), type=type, scale=scale)
    load("cast").fn(a, part, (1, 5, 2, 6, 3, 290), type=type, scale=scale)
    inside = np.zeros(a.shape, bool)
    inside[1:5, 2:6, 3:290] = True
    np.testing.assert_array_equal(part, np.where(inside, full, 99).astype(type))


def test_nan_is_counted():
    a = volume("float64")
    box = (0, 5, 0, 6, 0, 7)
    for scale in (False, True):
        assert load("cast").fn(a, np.empty(a.shape, "u1"), box, type="uint8", scale=scale) == np.isnan(a).sum() > 0
        assert not load("cast").fn(a, np.empty(a.shape, "f4"), box, type="float32", scale=scale)
        assert not load("cast").fn(a, np.empty(a.shape, "u1"), (2, 2, 0, 6, 0, 7), type="uint8", scale=scale)


@pytest.mark.parametrize(
    "nodata, type, kept",
    [(None, "uint8", None), (255, "uint8", 255), (-1, "uint8", None), (0.5, "int16", None), (0.5, "float32", 0.5)],
)
def test_nodata_is_kept_where_the_type_holds_it(nodata, type, kept):
    head = head_of(volume("float64"), nodata=nodata)
    assert prepare("cast", volume("float64"), head=head, type=type).head.nodata == kept


def test_starts_without_numba():
    code = """
import sys, numpy
from sweeptools.ops import load
for source in ("float32", "uint16", "int64"):
    for type in ("uint8", "float64"):
        for scale in (False, True):
            a = numpy.ones((2, 3, 4), source)
            load("cast").fn(a, numpy.empty(a.shape, type), (0, 2, 0, 3, 0, 4), type=type, scale=scale)
sys.exit("numba" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
