"""sweep-bilateral against a slow loop."""

import numpy as np
import pytest
from harness import apply
from test_gauss import noise
from test_std import NUMPY

from sweeptools.errors import UsageError
from sweeptools.params import MODES


def loop(array, space, value, truncate=2.5, mode="reflect", cval=0):
    radii = [int(truncate * s + 0.5) for s in space]
    more = {"constant_values": cval} if mode == "constant" else {}
    wide = np.pad(array.astype(np.float64), [(r, r) for r in radii], mode=NUMPY[mode], **more)
    d = np.meshgrid(*(np.arange(-r, r + 1) / (s or 1) for r, s in zip(radii, space, strict=True)), indexing="ij")
    near = np.exp(-0.5 * sum(g**2 for g in d))
    out = np.empty(array.shape)
    for at in np.ndindex(array.shape):
        window = wide[tuple(slice(i, i + 2 * r + 1) for i, r in zip(at, radii, strict=True))]
        weights = near * np.exp(-0.5 * ((window - float(array[at])) / value) ** 2)
        out[at] = (weights * window).sum() / weights.sum()
    return out


@pytest.mark.parametrize("mode", MODES)
def test_edges_of_volumes_below_the_window(mode):
    for shape in ((5, 6, 7), (2, 3, 2), (1, 1, 1), (1, 7, 6)):
        array = noise(shape, "uint8")
        how = {"mode": mode, "cval": 9, "cut": 2, "depth": 3, "threads": 2}
        out = apply("bilateral", array, space="1,0,0.5", value=60, dtype="float64", **how)
        np.testing.assert_allclose(out, loop(array, (1, 0, 0.5), 60, mode=mode, cval=9), rtol=1e-12)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32", "float64"])
def test_the_type_is_kept(dtype):
    array = noise((5, 6, 7), dtype)
    value = float(array.std())
    out, right = apply("bilateral", array, space="0.6", value=value), loop(array, (0.6,) * 3, value)
    assert out.dtype == dtype
    if out.dtype.kind == "f":
        np.testing.assert_allclose(out, right, rtol=1e-12 if dtype == "float64" else 2e-7, atol=1e-10)
    else:
        assert np.abs(out - right).max() <= 0.5 + 1e-9


def test_weights_in_value_from_all_to_none():
    array = noise((5, 6, 7), "float64")
    for value in (1e-3, 1.0, 20.0, 1e6):
        out = apply("bilateral", array, space="0.6", value=value)
        np.testing.assert_allclose(out, loop(array, (0.6,) * 3, value), rtol=1e-11)


def test_nan_and_infinity_within_the_window():
    array = noise((7, 8, 9), "float32")
    array[1, 1, 1], array[5, 6, 7] = np.nan, -np.inf
    out = apply("bilateral", array, space="0.5", value=100)
    far = [np.abs(np.indices(array.shape) - np.reshape(at, (3, 1, 1, 1))).max(0) for at in ((1, 1, 1), (5, 6, 7))]
    np.testing.assert_array_equal(np.isnan(out), far[0] <= 1)
    np.testing.assert_array_equal(np.isinf(out), far[1] <= 1)
    assert not apply("bilateral", array, space="0.5", value=100, dtype="int16")[1, 1, 1]


def test_wide_rows_and_components_apart():
    array = noise((2, 3, 600, 2), "uint8")
    out = apply("bilateral", array, space="0.5", value=50, components=("a", "b"))
    for c in range(2):
        one = np.ascontiguousarray(array[..., c])
        np.testing.assert_array_equal(out[..., c], apply("bilateral", one, space="0.5", value=50))


def test_laws_of_edges():
    """Steps far above S_VALUE stay; with S_VALUE without bound it is a Gaussian; with 0 nothing."""
    array = np.zeros((5, 6, 8), "float64")
    array[:, :, 4:] = 1000
    noisy = array + np.random.default_rng(1).normal(0, 1, array.shape)
    out = apply("bilateral", noisy, space="1", value=20)
    assert np.abs(out - array).max() < np.abs(noisy - array).max() and np.abs(out - array).std() < 0.5
    smooth = apply("gauss", noisy, sigma="0.7", truncate=2.5)
    np.testing.assert_allclose(apply("bilateral", noisy, space="0.7", value=1e12), smooth, rtol=1e-9)
    np.testing.assert_allclose(apply("bilateral", noisy, space="1", value=0), noisy, rtol=1e-14)


@pytest.mark.parametrize("space, value, says", [
    ("inf", 1, "must be finite"), ("99", 1, "at most 100000 voxels"), ("1", np.inf, "must be finite"),
    ("-1", 1, "at least 0"),
])  # fmt: skip
def test_refuses(space, value, says):
    with pytest.raises(UsageError, match=says):
        apply("bilateral", noise((3, 3, 3), "uint8"), space=space, value=value)
