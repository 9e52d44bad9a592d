"""sweep-hessian, tensor, frangi and sato against scipy and numpy's eigen-solver, and loosely against scikit-image."""

import numpy as np
import pytest
from harness import apply
from scipy import ndimage
from test_gauss import noise

from sweeptools.errors import UsageError
from sweeptools.params import MODES

PAIRS = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]
SHAPES = [(9, 10, 11), (2, 3, 2), (1, 1, 1), (1, 7, 6)]


def gauss(array, sigma, *axes, mode="reflect"):
    return ndimage.gaussian_filter(array.astype(np.float64), sigma, [axes.count(axis) for axis in range(3)], mode=mode)


def hessian(array, sigma, mode="reflect"):
    return np.stack([gauss(array, sigma, a, b, mode=mode) for a, b in PAIRS], -1)


def tensor(array, sigma, rho, mode="reflect"):
    slope = [gauss(array, sigma, axis, mode=mode) for axis in range(3)]
    return np.stack([gauss(slope[a] * slope[b], rho, mode=mode) for a, b in PAIRS], -1)


def matrices(components):
    out = np.empty((*components.shape[:-1], 3, 3))
    for k, (a, b) in enumerate(PAIRS):
        out[..., a, b] = out[..., b, a] = components[..., k]
    return out


def eigenvalues(components):
    return np.linalg.eigvalsh(matrices(components))[..., ::-1]


def sato(array, sigma, mode="reflect", bright=False):
    e = eigenvalues(hessian(-1.0 * array if bright else array, sigma, mode))
    return sigma**2 * np.sqrt(np.maximum(e[..., :2], 0).prod(-1))


def frangi(array, sigma, gamma, mode="reflect", alpha=0.5, beta=0.5, bright=False):
    e = eigenvalues(hessian(-1.0 * array if bright else array, sigma, mode))
    a, b, c = np.moveaxis(np.take_along_axis(e, np.abs(e).argsort(-1), -1), -1, 0)
    strength = (e**2).sum(-1)
    b, c = np.maximum(b, 1e-10), np.maximum(c, 1e-10)
    rule = (1 - np.exp(-((b / c) ** 2) / (2 * alpha**2))) * np.exp(-(a**2) / (b * c) / (2 * beta**2))
    return rule * (1 - np.exp(-strength / (2 * gamma**2)))


@pytest.mark.parametrize("mode", [m for m in MODES if m != "constant"])
def test_components_and_eigenvalues(mode):
    for shape in SHAPES:
        array = noise(shape, "uint8")
        how = {"mode": mode, "cut": 2, "depth": 3, "threads": 2}
        for name, right, more in (
            ("hessian", hessian(array, 1.2, mode), {"sigma": "1.2"}),
            ("tensor", tensor(array, 1, 0.7, mode), {"sigma": "1", "rho": "0.7"}),
        ):
            scale = max(np.abs(right).max(), 1.0)
            head, out = apply(name, array, with_head=True, **more, **how)
            assert head.components == ("zz", "zy", "zx", "yy", "yx", "xx") and out.dtype == "float32"
            np.testing.assert_allclose(out, right, atol=1e-5 * scale)
            head, out = apply(name, array, with_head=True, output="eigenvalues", **more, **how)
            assert head.components == ("e1", "e2", "e3")
            np.testing.assert_allclose(out, eigenvalues(right), atol=1e-5 * scale)


def test_constant_edges_extend_the_volume_once():
    array = noise((4, 5, 6), "float64")
    right = hessian(np.pad(array, 6, constant_values=7.5), 1, "nearest")[(slice(6, -6),) * 3]
    np.testing.assert_allclose(apply("hessian", array, sigma="1", mode="constant", cval=7.5), right, atol=1e-9)


@pytest.mark.parametrize("dtype", ["uint16", "float32", "float64"])
def test_eigenvectors(dtype):
    array = noise((6, 7, 8), dtype)
    m = matrices(apply("tensor", array, sigma="1", rho="1", dtype="float64").astype(float))
    head, out = apply("tensor", array, with_head=True, sigma="1", rho="1", output="eigenvectors", dtype="float64")
    assert head.components[:4] == ("v1z", "v1y", "v1x", "v2z") and len(head.components) == 9
    v = out.reshape(*array.shape, 3, 3)                              # row k is vector k
    values = apply("tensor", array, sigma="1", rho="1", output="eigenvalues", dtype="float64")
    scale = np.abs(m).max((-1, -2))
    residue = np.einsum("...ij,...kj->...ki", m, v) - values[..., None] * v
    assert (np.abs(residue).max((-1, -2)) <= 1e-13 * scale).all()
    np.testing.assert_allclose(np.einsum("...ki,...li->...kl", v, v), np.broadcast_to(np.eye(3), v.shape), atol=1e-13)
    longest = np.take_along_axis(v, np.abs(v).argmax(-1)[..., None], -1)
    assert (longest > 0).all()


def test_matrices_that_are_hard_to_solve():
    """Equal eigenvalues, none at all, one far above the others: by the tensors of ramps and flat volumes."""
    ramp = np.arange(8.0).reshape(1, 1, 8) * np.ones((8, 8, 1))
    inside = (slice(5, -5),) * 2 + (slice(3, -3),)
    for array in (np.pad(ramp, ((4, 4), (4, 4), (0, 0)), mode="edge"), np.full((9, 9, 9), 3.0)):
        values = apply("tensor", array, sigma="0.5", rho="0.5", output="eigenvalues")[inside]
        right = eigenvalues(tensor(array, 0.5, 0.5))[inside]
        np.testing.assert_allclose(values, right, atol=1e-12)
    zero = apply("tensor", np.zeros((3, 3, 3)), sigma="1", rho="1", output="eigenvectors")
    np.testing.assert_array_equal(zero[1, 1, 1], np.eye(3).ravel())


def test_not_finite_is_nan_within_the_window():
    array = noise((9, 20, 11), "float32")
    array[4, 4, 4], array[4, 16, 4] = np.nan, np.inf
    lost = ~np.isfinite(hessian(array, 0.5)).all(-1)
    for output in ("eigenvalues", "eigenvectors"):
        out = apply("hessian", array, sigma="0.5", output=output)
        np.testing.assert_array_equal(np.isnan(out), np.broadcast_to(lost[..., None], out.shape))
    np.testing.assert_array_equal(np.isnan(apply("sato", array, sigmas="0.5")), lost)
    np.testing.assert_array_equal(np.isnan(apply("frangi", array, sigmas="0.5", gamma=10)), lost)


@pytest.mark.parametrize("bright", [False, True])
@pytest.mark.parametrize("mode", ["reflect", "wrap"])
def test_ridges_over_scales(bright, mode):
    for shape in SHAPES:
        array = noise(shape, "uint8")
        how = {"mode": mode, "bright": bright, "cut": 2, "depth": 3, "threads": 2}
        right = np.maximum(sato(array, 0.8, mode, bright), sato(array, 1.5, mode, bright))
        np.testing.assert_allclose(apply("sato", array, sigmas="0.8,1.5", **how), right, atol=2e-3)
        right = np.maximum(frangi(array, 0.8, 15, mode, bright=bright), frangi(array, 1.5, 15, mode, bright=bright))
        out = apply("frangi", array, sigmas="0.8,1.5", gamma=15, dtype="float64", **how)
        np.testing.assert_allclose(out, right, atol=1e-9)


def test_gamma_of_frangi_is_found():
    array = noise((8, 9, 10), "float64")
    h = matrices(hessian(array, 1))
    right = frangi(array, 1, np.sqrt((h**2).sum((-1, -2))).max() / 2)
    np.testing.assert_allclose(apply("frangi", array, sigmas="1", again=True), right, atol=1e-9)
    assert not apply("frangi", np.full((3, 4, 5), 7, "uint8"), sigmas="1").any()


def test_scikit_image_comes_near():
    filters = pytest.importorskip("skimage.filters")
    z, y, x = np.mgrid[:24, :24, :24].astype(float)
    array = np.exp(-((y - 12) ** 2 + (x - 10 - z / 12) ** 2) / 18)
    tube = array > 0.9                               # beside it eigenvalues change sign, and all with them
    for name, more in (("sato", {}), ("frangi", {"gamma": 0.02})):
        right = getattr(filters, name)(array, sigmas=[2, 3], black_ridges=False, **more)
        out = apply(name, array, sigmas="2,3", bright=True, **more)
        assert np.abs(out - right)[tube].max() < 0.05 * right[tube].min()


def test_scales_in_world_units():
    array = noise((8, 9, 10), "float64")
    values = apply("sato", array, sigmas="2um", spacing=(2.0, 1.0, 0.5))
    h = hessian(array, (1, 2, 4))
    step = np.array([0.5, 1.0, 2.0])                 # derivatives per unit of length
    right = eigenvalues(h * np.array([step[a] * step[b] for a, b in PAIRS]))
    np.testing.assert_allclose(values, 4 * np.sqrt(np.maximum(right[..., :2], 0).prod(-1)), atol=1e-9)


def test_laws_of_traces():
    """Eigenvalues sum to the trace: for the Hessian the Laplacian, for an unsmoothed tensor the squared gradient."""
    array = noise((7, 8, 9), "float64")
    values = apply("hessian", array, sigma="1", output="eigenvalues")
    np.testing.assert_allclose(values.sum(-1), apply("laplace", array, sigma="1"), atol=1e-10)
    values = apply("tensor", array, sigma="1", rho="0", output="eigenvalues")
    np.testing.assert_allclose(values.sum(-1), apply("gradmag", array, sigma="1") ** 2, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(values[..., 1:], 0, atol=1e-9)


@pytest.mark.parametrize("name, how, says", [
    ("hessian", {"sigma": "0,1,1"}, "above 0 along every axis"), ("tensor", {"sigma": "1", "rho": "-1"}, "at least 0"),
    ("sato", {"sigmas": "1,0"}, "above 0 and finite"), ("frangi", {"sigmas": "1,x,2"}, "must be a number"),
    ("sato", {"sigmas": "1parsec"}, "unit of length"), ("frangi", {"sigmas": "1um"}, "no spacing"),
])  # fmt: skip
def test_refuses(name, how, says):
    with pytest.raises(UsageError, match=says):
        apply(name, noise((3, 3, 3), "uint8"), **how)


def test_refuses_components():
    for name, how in (("hessian", {"sigma": "1"}), ("tensor", {"sigma": "1", "rho": "1"}), ("sato", {"sigmas": "1"})):
        with pytest.raises(UsageError, match="one value a voxel, this one has r,g"):
            apply(name, noise((3, 3, 3, 2), "uint8"), components=("r", "g"), **how)
