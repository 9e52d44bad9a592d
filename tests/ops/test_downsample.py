"""downsample: against a loop over the blocks, in exact numbers."""

from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from harness import apply, head_of, prepare
from samples import FLOATS, INTEGERS, names, volume

from sweeptools.errors import UsageError
from sweeptools.kernels.blocks import reduce_blocks
from sweeptools.ops import load
from sweeptools.params import DTYPES

FACTORS = [(2, 2, 2), (1, 2, 2), (3, 3, 3), (1, 1, 1), (2, 3, 4), (9, 1, 5), (20, 20, 20)]
METHODS = ["mean", "mode", "nearest", "max", "min"]


def float_mean(block, dtype):
    """Rows along x, added up row by row in float64, then along x, as documented."""
    row = np.zeros(block.shape[2])
    with np.errstate(all="ignore"):
        for plane in block.astype(np.float64):
            for line in plane:
                row = row + line
        total = row[0]
        for v in row[1:]:
            total = total + v
        return np.float64(total / block.size).astype(dtype)


def float_mode(values):
    counts = Counter("nan" if v != v else v for v in values)
    return min(counts, key=lambda v: (-counts[v], np.inf if v == "nan" else v, v == "nan"))


def reduced(block, method):
    """One voxel of a block [z, y, x]."""
    values = block.ravel().tolist()
    if method == "nearest":
        return values[0]
    if method == "mean":
        return float_mean(block, block.dtype) if block.dtype.kind == "f" else round(Fraction(sum(values), len(values)))
    if method == "mode":
        mode = float_mode(values)
        return np.nan if mode == "nan" else mode
    return (np.max if method == "max" else np.min)(block)


def slow(a, factor, method):
    """Blocks one by one; components each on their own."""
    if a.ndim == 4:
        return np.stack([slow(a[..., c], factor, method) for c in range(a.shape[3])], axis=3)
    out = np.empty([-(-n // f) for n, f in zip(a.shape, factor)], a.dtype)
    for at in np.ndindex(*out.shape):
        out[at] = reduced(a[tuple(slice(i * f, (i + 1) * f) for i, f in zip(at, factor))], method)
    return out


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_blocks_one_by_one(dtype, factor, method):
    a = volume(dtype, (5, 7, 18))
    if method == "mode":
        a[:, :5] = a[:1, :1, :1]
    out = apply("downsample", a, factor=factor, method=method, cut=2, threads=2)
    assert out.dtype == a.dtype
    np.testing.assert_array_equal(out, slow(a, factor, method))


@pytest.mark.parametrize("dtype", INTEGERS)
def test_halves_go_to_the_even_neighbour(dtype):
    least, most = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
    pairs = [(v, v + 1) for v in (least, least + 1, 0, 1, 2, 3, most - 2, most - 1)]
    a = np.array(pairs, dtype).reshape(1, len(pairs), 2)
    expected = [round(Fraction(p + q, 2)) for p, q in pairs]
    assert apply("downsample", a, factor=(1, 1, 2)).ravel().tolist() == expected
    assert apply("downsample", a.repeat(2, 0).repeat(2, 1), factor="2").ravel().tolist() == expected


@pytest.mark.parametrize("dtype", ["uint32", "int32", "int64", "uint64"])
def test_large_blocks_do_not_overflow(dtype):
    a = np.full((2, 800, 900), np.iinfo(dtype).max, dtype)
    a[0, 0, :2] = np.iinfo(dtype).min
    total = int(a.sum(dtype=object))
    assert apply("downsample", a, factor="1000").item() == round(Fraction(total, a.size))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", ["uint8", "float32", "int64"])
@pytest.mark.parametrize("shape", [(5, 4, 6, 3), (1, 1, 1), (3, 1, 9, 2), (0, 3, 4), (1, 7, 1)])
def test_shapes_and_components(shape, dtype, method):
    a = volume(dtype, shape)
    out = apply("downsample", a, factor="2", method=method, components=names(shape), cut=1, threads=2)
    np.testing.assert_array_equal(out, slow(a, (2, 2, 2), method))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", ["uint8", "uint32", "uint64", "float64"])
def test_only_the_box_is_written(dtype, method):
    a = volume(dtype, (7, 9, 31))
    part = np.full((4, 5, 16), 99, dtype)
    for box in ((1, 4, 2, 5, 3, 16), (0, 2, 1, 3, 5, 9), (1, 1, 0, 5, 0, 16), (0, 4, 0, 5, 7, 7)):
        expected = part.copy()
        inside = tuple(slice(*box[i : i + 2]) for i in (0, 2, 4))
        expected[inside] = slow(a, (2, 2, 2), method)[inside]
        reduce_blocks(a, part, box, (2, 2, 2), method)
        np.testing.assert_array_equal(part, expected)


def test_nearest_is_a_crop_with_a_step():
    a = volume("int16", (9, 8, 7))
    out = apply("downsample", a, factor="3", method="nearest", cut=2)
    np.testing.assert_array_equal(out, apply("crop", a, ranges="::3,::3,::3", cut=4))


@pytest.mark.parametrize("role, method", [("image", "mean"), ("labels", "mode"), ("mask", "mode")])
def test_the_method_goes_by_the_role(role, method):
    a = volume("uint8")
    out = apply("downsample", a, head=head_of(a, role=role), factor="2")
    np.testing.assert_array_equal(out, slow(a, (2, 2, 2), method))


@pytest.mark.parametrize("dtype", FLOATS)
def test_means_are_those_of_numpy(dtype):
    a = np.random.default_rng(0).normal(size=(6, 8, 9)).astype(dtype)
    expected = a.astype("f8").reshape(3, 2, 4, 2, 3, 3).mean(axis=(1, 3, 5))
    out = apply("downsample", a, factor=(2, 2, 3))
    np.testing.assert_allclose(out, expected, rtol=1e-6 if dtype == "float32" else 1e-13)


def test_head_follows():
    a = volume("uint8", (9, 20, 30))
    head = head_of(a, spacing=(2.0, 0.5, 0.25), origin=(10.0, 0.0, -1.0), chunks=(4, 10, 1), nodata=0)
    out = prepare("downsample", a, head=head, factor=(1, 2, 4)).head
    assert (out.whole, out.spacing, out.origin) == ((9, 10, 8), (2.0, 1.0, 1.0), (10.0, 0.25, -0.625))
    assert (out.chunks, out.nodata) == ((4, 5, 1), None)
    out = prepare("downsample", a, head=head, factor=(1, 2, 4), method="nearest").head
    assert (out.spacing, out.origin, out.nodata) == ((2.0, 1.0, 1.0), (10.0, 0.0, -1.0), 0)


def test_head_without_or_with_half_a_spacing():
    a = volume("uint8", (9, 20, 30))
    out = prepare("downsample", a, factor="2").head
    assert (out.spacing, out.origin) == (None, (0.5, 0.5, 0.5))
    out = prepare("downsample", a, head=head_of(a, spacing=(None, 0.5, 0.5)), factor="2").head
    assert (out.spacing, out.origin) == ((None, 1.0, 1.0), (0.5, 0.25, 0.25))


def test_refusals():
    with pytest.raises(UsageError, match="factor is 0"):
        load("downsample").params["factor"].parse("0")
    with pytest.raises(UsageError, match="method is 'median', must be one of auto, mean"):
        load("downsample").params["method"].parse("median")
