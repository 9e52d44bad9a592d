"""sweep-gauss against scipy on float64 input, rounded once."""

from itertools import product

import numpy as np
import pytest
from harness import apply
from scipy import ndimage

from sweeptools.errors import UsageError
from sweeptools.ops.gauss import weights
from sweeptools.params import DTYPES, MODES

SHAPES = [(9, 11, 13), (3, 4, 2), (1, 1, 1), (1, 7, 6), (6, 1, 5), (7, 6, 1)]


def noise(shape, dtype, seed=0):
    rng = np.random.default_rng(seed)
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return rng.normal(0, 100, shape).astype(dtype)
    info = np.iinfo(dtype)
    return rng.integers(info.min, info.max, shape, dtype, endpoint=True)


def expected(array, sigma, mode="reflect", cval=0.0, order=0, truncate=4.0):
    """scipy on float64; in mode constant on the volume extended once, far enough for all its passes."""
    array = array.astype(np.float64)
    if mode != "constant":
        return ndimage.gaussian_filter(array, sigma, order, mode=mode, cval=cval, truncate=truncate)
    radii = [int(truncate * s + 0.5) for s in np.broadcast_to(sigma, 3)]
    wide = np.pad(array, [(r, r) for r in radii], constant_values=cval)
    whole = ndimage.gaussian_filter(wide, sigma, order, mode="nearest", truncate=truncate)
    return whole[tuple(slice(r, r + n) for r, n in zip(radii, array.shape, strict=True))]


def assert_close(out, array, right, weight=1.0, cval=0.0):
    """The tolerances of the project: 0.51 of a grey level, or 4 ulp of the largest magnitude."""
    if out.dtype.kind in "iu":
        info = np.iinfo(out.dtype)
        # 64-bit values have more digits than the float64 they are compared in
        slack = 0.51 if out.dtype.itemsize < 8 else 4 * np.spacing(np.float64(info.max))
        assert np.abs(out.astype(np.float64) - np.clip(right, info.min, info.max)).max() <= slack
    else:
        most = max(np.abs(array.astype(np.float64)).max(), abs(cval)) * weight
        ulp = np.spacing(np.dtype(out.dtype).type(most))
        assert np.abs(out.astype(np.float64) - right).max() <= 4 * ulp


def triple(words):
    values = tuple(float(w) for w in words.split(","))
    return values if len(values) == 3 else values * 3


@pytest.mark.parametrize("order", range(5))
@pytest.mark.parametrize("sigma", [0.1, 0.4, 1.0, 2.5, 9.0])
def test_weights_are_scipys(sigma, order):
    delta = np.zeros(101)
    delta[50] = 1
    half, odd = weights(sigma, 4.0, order)
    right = ndimage.correlate1d(delta, np.array([(-w if odd else w) for w in half[:0:-1]] + list(half)))
    scale = np.abs(right).max()
    np.testing.assert_allclose(right, ndimage.gaussian_filter1d(delta, sigma, order=order), atol=1e-14 * scale)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("mode", MODES)
def test_every_type_and_edge(dtype, mode):
    array = noise((9, 11, 13), dtype)
    out = apply("gauss", array, sigma="1,2,0.7", mode=mode, cut=4, depth=3)
    assert out.dtype == array.dtype
    assert_close(out, array, expected(array, (1, 2, 0.7), mode))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("sigma", ["2", "0,1,2", "3,0,0", "0,0,1", "0,3,0", "0.1", "0"])
def test_shapes_below_the_window(shape, mode, sigma):
    array = noise(shape, "uint8")
    right = expected(array, triple(sigma), mode)
    assert_close(apply("gauss", array, sigma=sigma, mode=mode), array, right)
    assert_close(apply("gauss", array, sigma=sigma, mode=mode, dtype="float32"), array, right)


@pytest.mark.parametrize("order", ["1,0,0", "0,1,0", "0,0,1", "2,0,1", "1,1,1", "0,3,2"])
@pytest.mark.parametrize("mode", MODES)
def test_derivatives(order, mode):
    array = noise((9, 8, 10), "float32")
    orders = tuple(int(o) for o in order.split(","))
    right = expected(array, 1.2, mode, 3.5, orders)
    out = apply("gauss", array, sigma="1.2", derivative=order, mode=mode, cval=3.5)
    weight = np.prod([2 * sum(abs(w) for w in weights(1.2, 4.0, o)[0]) for o in orders])
    assert_close(out, array, right, max(1.0, weight), 3.5)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32", "float64"])
@pytest.mark.parametrize("cval", [0, 7, -3, 0.25])
@pytest.mark.parametrize("sigma", ["1", "2,0,1", "3,0,0", "0,0,1"])
def test_constant_edges_extend_the_volume_once(dtype, cval, sigma):
    array = noise((5, 6, 7), dtype)
    out = apply("gauss", array, sigma=sigma, mode="constant", cval=cval)
    assert_close(out, array, expected(array, triple(sigma), "constant", cval), cval=cval)


@pytest.mark.parametrize("truncate", [0.0, 1.0, 2.5, 9.0])
def test_truncate(truncate):
    array = noise((9, 8, 10), "float64")
    out = apply("gauss", array, sigma="1.5", truncate=truncate)
    assert_close(out, array, expected(array, 1.5, truncate=truncate))


def test_wide_range_of_magnitudes():
    decades = np.random.default_rng(1).integers(-12, 13, (8, 9, 10))
    array = (noise((8, 9, 10), "float64") * 10.0**decades).astype(np.float32)
    assert_close(apply("gauss", array, sigma="1"), array, expected(array, 1))


def test_not_finite_as_in_scipy():
    array = noise((9, 20, 22), "float32")
    array[2, 3, 4], array[6, 15, 16], array[6, 4, 18] = np.nan, np.inf, -np.inf
    with np.errstate(invalid="ignore"):
        right = expected(array, 1)
    out = apply("gauss", array, sigma="1")
    np.testing.assert_array_equal(np.isfinite(out), np.isfinite(right))
    np.testing.assert_array_equal(np.isnan(out), np.isnan(right))
    whole = apply("gauss", array, sigma="1", dtype="int32")
    assert not whole[np.isnan(right)].any()


@pytest.mark.parametrize("threads, cut, depth", list(product([1, 3], [1, 5], [1, 4])))
def test_the_cut_changes_no_bit(threads, cut, depth):
    array = noise((11, 17, 19), "float32") * np.float32(10) ** np.arange(-9, 10, dtype=np.float32)
    whole = apply("gauss", array, sigma="1.3,2,0.8")
    out = apply("gauss", array, sigma="1.3,2,0.8", threads=threads, cut=cut, depth=depth)
    np.testing.assert_array_equal(out.view(np.uint32), whole.view(np.uint32))


def test_wide_rows_are_worked_through_in_strips():
    array = noise((3, 3, 5000), "uint16")
    assert_close(apply("gauss", array, sigma="1"), array, expected(array, 1))


def test_components_are_filtered_apart():
    array = noise((5, 6, 7, 3), "uint8")
    out = apply("gauss", array, sigma="1,2,3", components=("r", "g", "b"))
    for c in range(3):
        np.testing.assert_array_equal(out[..., c], apply("gauss", np.ascontiguousarray(array[..., c]), sigma="1,2,3"))


def test_world_units():
    array = noise((6, 7, 8), "float32")
    out = apply("gauss", array, sigma="2um", spacing=(2.0, 1.0, 0.5))
    np.testing.assert_array_equal(out, apply("gauss", array, sigma="1,2,4"))


def test_sigma_zero_leaves_large_integers_alone():
    array = noise((3, 4, 5), "int64")
    np.testing.assert_array_equal(apply("gauss", array, sigma="0"), array)


def test_law_of_semigroup():
    """Twice sigma 3 is once sigma 5 with 4."""
    array = noise((40, 40, 40), "float64")
    twice = apply("gauss", apply("gauss", array, sigma="3", truncate=8), sigma="4", truncate=8)
    np.testing.assert_allclose(twice, apply("gauss", array, sigma="5", truncate=8), atol=1e-6)


@pytest.mark.parametrize("sigma", ["inf", "-1", "nan"])
def test_refuses(sigma):
    with pytest.raises(UsageError, match="sigma is"):
        apply("gauss", noise((3, 3, 3), "uint8"), sigma=sigma)
