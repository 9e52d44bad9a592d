"""sweep-gradmag, laplace, sobel, dog and unsharp against scipy on float64: they share their passes."""

import numpy as np
import pytest
from harness import apply
from scipy import ndimage
from test_gauss import noise, triple

from sweeptools.errors import UsageError
from sweeptools.params import MODES

SHAPES = [(9, 11, 13), (3, 4, 2), (1, 1, 1), (1, 7, 6), (6, 1, 5)]
COMMANDS = [
    ("gradmag", {"sigma": "1"}), ("gradmag", {"sigma": "0,1,0.5"}), ("laplace", {"sigma": "1,0.7,2"}),
    ("laplace", {"sigma": "0,0,1"}), ("sobel", {}), ("dog", {"first": "1,0.5,0", "second": "2,1,1"}),
    ("unsharp", {"sigma": "1,2,0", "amount": 1.5}),
]  # fmt: skip
IDS = [" ".join((name, *map(str, how.values()))) for name, how in COMMANDS]


def expected(name, array, mode="reflect", cval=0.0, sigma="0", first="0", second="0", amount=0.0):
    """scipy's; in mode constant on the volume extended once, farther than any window here reaches."""
    array = array.astype(np.float64)
    if mode == "constant":
        wide = np.pad(array, 9, constant_values=cval)
        return expected(name, wide, "nearest", 0.0, sigma, first, second, amount)[(slice(9, -9),) * 3]

    def gauss(sigma, *axes):
        return ndimage.gaussian_filter(array, triple(sigma), [axes.count(axis) for axis in range(3)], mode=mode)

    axes = [axis for axis in range(3) if triple(sigma)[axis]]
    if name == "gradmag":
        return np.sqrt(sum(gauss(sigma, axis) ** 2 for axis in axes))
    if name == "laplace":
        return sum(gauss(sigma, axis, axis) for axis in axes)
    if name == "sobel":
        return ndimage.generic_gradient_magnitude(array, ndimage.sobel, mode=mode)
    if name == "dog":
        return gauss(first) - gauss(second)
    return array + amount * (array - gauss(sigma))


def assert_close(out, right, array, cval=0.0):
    """To integers within 0.51, floats to 32 ulp of the largest magnitude: the weights of no filter here sum to more than 8
    times the largest, sobel's to 56."""
    if out.dtype.kind in "iu":
        info = np.iinfo(out.dtype)
        assert np.abs(out - np.clip(right, info.min, info.max)).max() <= 0.51
        return
    most = max(np.abs(array.astype(np.float64)).max(), abs(cval), 1e-30)
    assert np.abs(out - right).max() <= 32 * np.spacing(out.dtype.type(most))


@pytest.mark.parametrize("name, how", COMMANDS, ids=IDS)
@pytest.mark.parametrize("mode", MODES)
def test_edges_of_volumes_below_the_window(name, how, mode):
    for shape in SHAPES:
        array = noise(shape, "int16")
        out = apply(name, array, mode=mode, cval=7.5, cut=2, depth=3, threads=2, dtype="float32", **how)
        assert_close(out, expected(name, array, mode, 7.5, **how), array, 7.5)


@pytest.mark.parametrize("name, how", COMMANDS, ids=IDS)
@pytest.mark.parametrize("dtype", ["uint8", "int32", "float32", "float64"])
def test_types(name, how, dtype):
    array = noise((6, 7, 8), dtype)
    out = apply(name, array, **how)
    assert out.dtype == (dtype if name == "unsharp" or dtype == "float64" else "float32")
    assert_close(out, expected(name, array, **how), array)


@pytest.mark.parametrize("name, how", COMMANDS, ids=IDS)
def test_a_type_that_is_asked_for(name, how):
    array = noise((5, 6, 7), "uint8") // 8
    for dtype in ("int16", "float64"):
        out = apply(name, array, dtype=dtype, **how)
        assert out.dtype == dtype
        assert_close(out, expected(name, array, **how), array)


@pytest.mark.parametrize("name, how", COMMANDS, ids=IDS)
def test_not_finite_as_in_scipy(name, how):
    array = noise((9, 20, 22), "float32")
    array[2, 3, 4], array[6, 15, 16], array[6, 4, 18] = np.nan, np.inf, -np.inf
    out = apply(name, array, **how)
    with np.errstate(invalid="ignore"):
        right = expected(name, array, **how)
    np.testing.assert_array_equal(np.isnan(out), np.isnan(right))
    np.testing.assert_array_equal(np.isinf(out), np.isinf(right))


@pytest.mark.parametrize("name, how", COMMANDS, ids=IDS)
def test_components_apart_and_wide_rows_in_strips(name, how):
    array = noise((3, 4, 1500, 2), "float32")
    out = apply(name, array, components=("a", "b"), mode="constant", cval=3, **how)
    for c in range(2):
        right = apply(name, np.ascontiguousarray(array[..., c]), mode="constant", cval=3, **how)
        np.testing.assert_array_equal(out[..., c], right)


def test_large_and_small_gradients():
    array = np.arange(6, dtype="float32").reshape(1, 1, 6) * np.ones((4, 5, 1), "float32")
    for scale in (1e30, 1e-30):                      # whose squares float32 cannot hold
        out = apply("sobel", (array * scale).astype("float32"))[1:-1, 1:-1, 1:-1]
        np.testing.assert_allclose(out, 32 * scale, rtol=1e-6)


def test_law_of_squares():
    """The squared components of the gradient, which gauss --derivative gives, sum to the squared magnitude."""
    array = noise((8, 9, 10), "uint8")
    parts = [apply("gauss", array, sigma="1.2", derivative=d, dtype="float64") for d in ("1,0,0", "0,1,0", "0,0,1")]
    out = apply("gradmag", array, sigma="1.2", dtype="float64")
    np.testing.assert_allclose(out**2, sum(p**2 for p in parts), rtol=1e-12)


def test_laws_of_differences():
    """A difference of Gaussians turns over with its sigmas; to unsharpen by -1 is to smooth."""
    array = noise((8, 9, 10), "float64")
    one, other = apply("dog", array, first="1", second="2"), apply("dog", array, first="2", second="1")
    np.testing.assert_allclose(one, -other, atol=1e-11)
    np.testing.assert_allclose(apply("unsharp", array, sigma="1.5", amount=-1), apply("gauss", array, sigma="1.5"))


def test_world_units():
    array = noise((6, 7, 8), "float32")
    out = apply("laplace", array, sigma="2um", spacing=(2.0, 1.0, 0.5))
    np.testing.assert_array_equal(out, apply("laplace", array, sigma="1,2,4"))


@pytest.mark.parametrize("name, how, says", [
    ("gradmag", {"sigma": "0"}, "above 0 along one axis"), ("laplace", {"sigma": "inf"}, "must be finite"),
    ("dog", {"first": "-1", "second": "1"}, "at least 0"), ("unsharp", {"sigma": "1", "amount": np.inf}, "must be finite"),
])  # fmt: skip
def test_refuses(name, how, says):
    with pytest.raises(UsageError, match=says):
        apply(name, noise((3, 3, 3), "uint8"), **how)
