"""resize: scipy.ndimage.zoom with grid_mode, and for cubic splines the same on a volume mirrored far beyond its border.

(scipy starts its inverse filter in mode reflect from a sum that it changes while it reads it: 1e-7 off on long axes, a
tenth on axes of two voxels.)
"""

import numpy as np
import pytest
from harness import apply, head_of, prepare
from samples import names, volume
from scipy import ndimage

from sweeptools.errors import UsageError
from sweeptools.ops import load
from sweeptools.params import DTYPES

SHAPES = [((7, 9, 6), (11, 5, 13)), ((7, 9, 6), (3, 9, 6)), ((7, 9, 6), (7, 20, 6)), ((1, 1, 1), (3, 2, 4)),
          ((2, 3, 1), (5, 1, 3)), ((9, 4, 5), (1, 1, 1)), ((5, 6, 7), (5, 6, 7)), ((40, 2, 3), (7, 2, 3))]  # fmt: skip
HOW = [{}, {"cut": 1, "depth": 1, "threads": 2}, {"cut": 3, "depth": 2, "again": True}]
FAR = 40


def places(n, m):
    return (np.arange(m) + 0.5) * (n / m) - 0.5


def slow(a, shape, order):
    """Values in float64."""
    if order < 3:
        factors = np.array(shape) / np.array(a.shape)
        return ndimage.zoom(a.astype("f8"), factors, order=order, mode="reflect", grid_mode=True)
    wide = np.pad(a.astype("f8"), FAR, "symmetric")
    at = np.meshgrid(*(places(n, m) + FAR for n, m in zip(a.shape, shape)), indexing="ij")
    return ndimage.map_coordinates(wide, at, order=3, mode="mirror")


def spelt(shape):
    return ",".join(map(str, shape))


def smooth(dtype, shape, seed=0):
    a = np.random.default_rng(seed).normal(120, 60, shape)
    return np.clip(a, 0, 255).astype(dtype) if dtype == "uint8" else a.astype(dtype)


@pytest.mark.parametrize("order", [0, 1, 3])
@pytest.mark.parametrize("shape, out", SHAPES)
def test_as_scipy_zooms(shape, out, order):
    a = smooth("float32", shape)
    for how in HOW:
        for sweep in ("up", "down"):
            got = apply("resize", a, head=head_of(a, sweep=sweep), shape=spelt(out), order=str(order), **how)
            assert got.dtype == a.dtype
            np.testing.assert_allclose(got, slow(a, out, order), rtol=0, atol=1e-4 if order else 0)


@pytest.mark.parametrize("dtype, within", [("uint8", 0.51), ("float64", 1e-11)])
@pytest.mark.parametrize("order", [1, 3])
def test_types(dtype, within, order):
    a = smooth(dtype, (7, 9, 6))
    for out in ((11, 5, 13), (3, 9, 6)):
        got = apply("resize", a, shape=spelt(out), order=str(order), cut=2)
        expected = slow(a, out, order)
        expected = np.clip(expected, 0, 255) if dtype == "uint8" else expected
        assert got.dtype == a.dtype and np.abs(got - expected).max() <= within
    got = apply("resize", a, shape="11,5,13", order=str(order), dtype="float64")
    np.testing.assert_allclose(got, slow(a, (11, 5, 13), order), rtol=0, atol=1e-9)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_nearest_voxel_is_exact(dtype):
    a = volume(dtype, (5, 6, 7))
    got = apply("resize", a, shape="8,3,21", order="0", cut=2)
    at = [np.clip(np.floor(places(n, m) + 0.5).astype(int), 0, n - 1) for n, m in zip(a.shape, (8, 3, 21))]
    assert got.dtype == a.dtype and got.tobytes() == a[np.ix_(*at)].tobytes()


@pytest.mark.parametrize("order", ["0", "1", "3"])
def test_components(order):
    a = smooth("float32", (4, 5, 6, 3))
    got = apply("resize", a, shape="7,4,9", order=order, components=names(a.shape), cut=1)
    for c in range(3):
        alone = apply("resize", a[..., c].copy(), shape="7,4,9", order=order)
        assert got[..., c].tobytes() == alone.tobytes()


def test_the_order_goes_by_the_role():
    a = volume("uint16", (4, 5, 6))
    labels = apply("resize", a, head=head_of(a, role="labels"), shape="9")
    np.testing.assert_array_equal(labels, apply("resize", a, shape="9", order="0"))
    assert set(np.unique(labels)) <= set(np.unique(a))
    np.testing.assert_array_equal(apply("resize", a, shape="9"), apply("resize", a, shape="9", order="1"))


def test_whole_factors_are_a_mean_and_a_copy():
    a = smooth("float64", (4, 6, 8))
    np.testing.assert_allclose(apply("resize", a, shape="2,3,4"), apply("downsample", a, factor="2"), rtol=1e-14)
    np.testing.assert_array_equal(apply("resize", a, shape="8,12,16", order="0"), a.repeat(2, 0).repeat(2, 1).repeat(2, 2))
    np.testing.assert_allclose(apply("resize", np.full((3, 4, 5), 7.0), shape="8", order="3"), 7.0, rtol=1e-14)


def test_what_is_not_finite_spreads_and_no_further():
    a = smooth("float32", (9, 9, 9))
    a[4, 4, 4] = np.nan
    got = apply("resize", a, shape="18", order="1")
    assert np.isnan(got[7:11, 7:11, 7:11]).any() and not np.isnan(got[:5]).any() and not np.isnan(got[..., 13:]).any()
    run = prepare("resize", a, shape="18", order="1", dtype="uint8")
    said = []
    run.settings.warn = said.append
    assert sum(b.n for b in run.blocks()) == 18 and "voxels were NaN and became 0" in said[0]


def test_head_follows():
    a = volume("uint8", (9, 20, 30))
    head = head_of(a, spacing=(2.0, 0.5, 0.25), origin=(10.0, 0.0, -1.0), chunks=(4, 10, 10))
    out = prepare("resize", a, head=head, shape="3,40,30").head
    assert (out.whole, out.spacing, out.unit) == ((3, 40, 30), (6.0, 0.25, 0.25), "micrometer")
    assert (out.origin, out.chunks, out.axes) == ((12.0, -0.125, -1.0), None, ("z", "y", "x"))
    down = prepare("downsample", a, head=head, factor=(3, 1, 1)).head
    assert (down.spacing[0], down.origin[0]) == (out.spacing[0], out.origin[0])
    bare = prepare("resize", a, shape="3,40,30").head
    assert (bare.spacing, bare.origin) == (None, (1.0, -0.25, 0.0))


def test_what_is_held_does_not_grow_with_depth():
    held = []
    for n in (64, 512):
        a = np.zeros((n, 256, 256), "u1")
        held.append(sum(b for _, b in prepare("resize", a, shape=f"{2 * n},256,256", cut=8).memory()))
    assert held[1] <= held[0] * 1.01


def test_refusals():
    for word in ("0", "-1", "1,2", "x"):
        with pytest.raises(UsageError, match="shape is"):
            load("resize").params["shape"].parse(word)
    with pytest.raises(UsageError, match="the volume has no voxels along y to make 3 of"):
        prepare("resize", np.zeros((3, 0, 4), "u1"), shape="3")
