"""rescale: against the same line in Python's floats, and scikit-image."""

from math import inf, isinf, isnan, nan

import numpy as np
import pytest
from harness import apply, prepare
from samples import FLOATS, SHAPES, names, volume
from skimage.exposure import rescale_intensity

from sweeptools.errors import UsageError
from sweeptools.kernels import voxel
from sweeptools.params import DTYPES

KEYS = ("in_low", "in_high", "out_low", "out_high")
LINES = [(0, 100, 0, 255), (0, 255, 255, 0), (-1000, 3000, 0, 1), (0.25, 0.75, -5, 5.5), (3, 4, 7, 7),
         (200, 10, 0, 1e6)]  # fmt: skip


def as_type(v, dtype):
    """A Python float as a voxel of the type."""
    if dtype in FLOATS:
        return v
    least, most = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
    return 0 if isnan(v) else (most if v > 0 else least) if isinf(v) else min(max(round(v), least), most)


def slow(a, dtype, line, inside=False):
    in_low, in_high, out_low, out_high = map(float, line)
    values = [float(v) for v in a.ravel().tolist()]
    if inside:
        values = [v if isnan(v) else min(max(v, min(in_low, in_high)), max(in_low, in_high)) for v in values]
    out = [(v - in_low) / (in_high - in_low) * (out_high - out_low) + out_low for v in values]
    with np.errstate(over="ignore"):
        voxels = np.array([as_type(v, dtype) for v in out], None if dtype in FLOATS else dtype)
        return voxels.astype(dtype).reshape(a.shape)


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_type_is_kept(dtype, line):
    a = volume(dtype)
    words = dict(zip(KEYS, map(str, line)))
    out = apply("rescale", a, **words, cut=2, threads=2)
    assert out.dtype == dtype
    np.testing.assert_array_equal(out, slow(a, dtype, line))


OTHERS = [("float32", dtype) for dtype in DTYPES]
OTHERS += [("uint8", "int16"), ("uint8", "float32"), ("int64", "uint8"), ("int64", "uint64"), ("int64", "float64")]


@pytest.mark.parametrize(("source", "dtype"), OTHERS)    # what is read and what is written meet in float64 only
def test_any_other_type_is_rounded_once(source, dtype):
    a = volume(source)
    out = apply("rescale", a, in_low=0, in_high=250, out_low=-3, out_high=300.5, clip=True, dtype=dtype, cut=3)
    np.testing.assert_array_equal(out, slow(a, dtype, (0, 250, -3, 300.5), inside=True))


@pytest.mark.parametrize("line", LINES)
def test_clip_as_scikit_image(line):
    a = volume("float64")
    a[np.isnan(a)] = 0
    out = apply("rescale", a, **dict(zip(KEYS, line)), clip=True)
    ordered = line if line[0] < line[1] else (line[1], line[0], line[3], line[2])
    np.testing.assert_allclose(out, rescale_intensity(a, ordered[:2], ordered[2:]), rtol=1e-14, atol=1e-9)


def test_ends_are_met_exactly():
    a = np.array([[[-1000, 3071]]], "int16")
    out = apply("rescale", a, in_low=-1000, in_high=3071, out_low=0, out_high=1, dtype="float32")
    assert out.tolist() == [[[0.0, 1.0]]]


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_and_components(shape):
    a = volume("float32", shape)
    out = apply("rescale", a, in_low=0, in_high=2, out_low=0, out_high=1, components=names(shape), cut=1, threads=2)
    np.testing.assert_array_equal(out, slow(a, "float32", (0, 2, 0, 1)))


def test_only_the_box_is_written_and_nan_counted():
    a = volume("float32", (6, 7, 30))
    part, box = np.full(a.shape, 99, "u1"), (1, 5, 2, 6, 3, 29)
    nan_count = voxel.linear(a, part, box, (0, 1), (0, 9), False)
    inside = np.zeros(a.shape, bool)
    inside[1:5, 2:6, 3:29] = True
    assert nan_count == np.isnan(a[inside]).sum() > 0
    np.testing.assert_array_equal(part, np.where(inside, slow(a, "uint8", (0, 1, 0, 9)), 99))


def test_a_range_without_width_found_on_the_way_is_only_clipped():
    a = np.full((1, 2, 2), 7.0)
    out = np.empty(a.shape)
    voxel.linear(a, out, (0, 1, 0, 2, 0, 2), (7, 7), (0, 1), False)
    np.testing.assert_array_equal(out, rescale_intensity(a, (7, 7), (0, 1)))


@pytest.mark.parametrize(
    "line, why",
    [((5, 5, 0, 1), "in_low and in_high are both 5, must differ"), ((0, nan, 0, 1), "in_high is nan, must be a number"),
     ((0, 1, 0, inf), "out_high is inf, must be finite")],
)  # fmt: skip
def test_refusals(line, why):
    with pytest.raises(UsageError, match=why):
        prepare("rescale", volume("uint8"), **dict(zip(KEYS, line)))
