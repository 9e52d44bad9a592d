"""affine: scipy.ndimage.affine_transform; in mode nearest, at points clipped to the volume."""

import numpy as np
import pytest
from harness import apply, head_of, prepare
from samples import names, volume
from scipy import ndimage

from sweeptools.errors import Refused, UsageError
from sweeptools.ops import load
from sweeptools.params import DTYPES

C, S = np.cos(0.3), np.sin(0.3)
MATRICES = {
    "tilted": [[1.02, 0.17, -0.1, 0.4], [0.1, 0.9, 0.3, -1.0], [0.0, -0.2, 1.1, 0.7]],
    "in the plane": [[1, 0, 0, 0], [0, C, -S, 1.5], [0, S, C, -1]],
    "moved": [[1, 0, 0, -2.25], [0, 1, 0, 3.5], [0, 0, 1, 0]],
    "backwards": [[-0.9, 0.05, 0, 5.3], [0, -1, 0, 6], [0, 0, 1, 0]],
    "along y": [[0.1, 1, 0, 0.3], [1, 0, 0.2, 0], [0, 0, -1, 5.5]],
    "along x, backwards": [[0, 1, 0, 0], [0.2, 0, 1, 0], [-1, 0.1, 0, 5]],
    "stretched": [[0.4, 0, 0, 0.3], [0, 2.1, 0, 0.2], [0, 0, 0.7, 0]],
    "flat": [[0, 0, 0, 2.5], [0, 1, 0, 0], [0, 0, 1, 0]],
    "nowhere": [[1, 0, 0, 100], [0, 1, 0, 0], [0, 0, 1, 0]],
    "in at the end": [[2, 0, 0, -9], [0, 1, 0, 0], [0, 0, 1, 0]],
}  # fmt: skip
HOW = [{}, {"cut": 1, "depth": 1, "threads": 2}, {"cut": 3, "depth": 2, "again": True}]


def spelt(matrix):
    return ",".join(repr(float(v)) for v in np.ravel(matrix))


def slow(a, matrix, shape, order, mode, cval=0):
    m, a = np.array(matrix, float), a.astype("f8")
    if mode == "constant":
        return ndimage.affine_transform(a, m[:, :3], m[:, 3], shape, order=order, mode=mode, cval=cval)
    at = np.indices(shape).reshape(3, -1)
    at = sum((m[:, i : i + 1] * at[i] for i in (0, 1, 2)), m[:, 3:])          # in scipy's order
    at = np.clip(at, 0, np.array(a.shape)[:, None] - 1)
    return ndimage.map_coordinates(a, at, order=order, mode="mirror").reshape(shape)


def smooth(dtype, shape, seed=0):
    a = np.random.default_rng(seed).normal(120, 60, shape)
    return np.clip(a, 0, 255).astype(dtype) if dtype == "uint8" else a.astype(dtype)


@pytest.mark.parametrize("mode", ["constant", "nearest"])
@pytest.mark.parametrize("matrix", MATRICES)
def test_as_scipy_transforms(matrix, mode, tmp_path):
    m = MATRICES[matrix]
    for shape, out in (((7, 9, 6), None), ((8, 5, 7), (4, 11, 6)), ((1, 1, 1), (3, 2, 4)), ((2, 3, 1), (5, 1, 3))):
        a = smooth("float32", shape)
        for order in (0, 1, 3):
            expected = slow(a, m, out or shape, order, mode, 7)
            said = {"matrix": spelt(m), "order": str(order), "mode": mode, **({"cval": 7} if mode == "constant" else {})}
            said |= {"shape": spelt(out).replace(".0", "")} if out else {}
            for how, sweep in zip(HOW, ("up", "down", "down")):
                got = apply("affine", a, head=head_of(a, sweep=sweep), tmpdir=str(tmp_path), **said, **how)
                assert got.dtype == a.dtype
                within = 2e-4 if order else 0
                np.testing.assert_allclose(got, expected, rtol=0, atol=within, err_msg=f"{shape} {order} {how}")


@pytest.mark.parametrize("dtype, within", [("uint8", 0.51), ("float64", 1e-9)])
@pytest.mark.parametrize("order", [1, 3])
def test_types(dtype, within, order):
    a = smooth(dtype, (7, 9, 6))
    got = apply("affine", a, matrix=spelt(MATRICES["tilted"]), order=str(order), cut=2)
    expected = slow(a, MATRICES["tilted"], a.shape, order, "constant")
    expected = np.clip(expected, 0, 255) if dtype == "uint8" else expected
    assert got.dtype == a.dtype and np.abs(got - expected).max() <= within
    got = apply("affine", a, matrix=spelt(MATRICES["tilted"]), order=str(order), dtype="float64")
    np.testing.assert_allclose(got, slow(a, MATRICES["tilted"], a.shape, order, "constant"), rtol=0, atol=1e-4)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_nearest_voxel_is_exact(dtype):
    a, shift = volume(dtype, (5, 6, 7)), [[1, 0, 0, 1], [0, -1, 0, 5], [0, 0, 1, -2]]
    got = apply("affine", a, matrix=spelt(shift), order="0", cval=1, cut=2)
    expected = np.full(a.shape, 1, dtype)
    expected[:4, :, 2:] = a[1:, ::-1, :5]
    assert got.dtype == a.dtype and got.tobytes() == expected.tobytes()


@pytest.mark.parametrize("order", ["0", "1", "3"])
def test_components(order):
    a = smooth("float32", (4, 5, 6, 3))
    said = {"matrix": spelt(MATRICES["tilted"]), "order": order}
    got = apply("affine", a, components=names(a.shape), cut=1, **said)
    for c in range(3):
        assert got[..., c].tobytes() == apply("affine", a[..., c].copy(), **said).tobytes()


def test_the_order_goes_by_the_role():
    a, m = volume("uint16", (4, 5, 6)), spelt(MATRICES["tilted"])
    labels = apply("affine", a, head=head_of(a, role="labels"), matrix=m)
    np.testing.assert_array_equal(labels, apply("affine", a, matrix=m, order="0"))


def test_it_is_flip_and_permute_where_these_do(tmp_path):
    a = volume("int16", (6, 5, 7))
    flipped = apply("affine", a, matrix="-1,0,0,5,0,1,0,0,0,0,1,0", order="0")
    np.testing.assert_array_equal(flipped, a[::-1])
    turned = apply("affine", a, matrix="0,1,0,1,0,0,0,0,1", shape="5,6,7", order="0", tmpdir=str(tmp_path))
    np.testing.assert_array_equal(turned, a.transpose(1, 0, 2))
    np.testing.assert_array_equal(apply("affine", a, matrix="1,0,0,0,1,0,0,0,1"), a)


def test_files_of_matrices(tmp_path):
    parse = load("affine").params["matrix"].parse
    whole = np.array(MATRICES["tilted"])
    for name, rows in (("3x4", whole), ("4x4", np.r_[whole, [[0, 0, 0, 1]]]), ("3x3", whole[:, :3])):
        np.save(tmp_path / f"{name}.npy", rows)
        np.savetxt(tmp_path / f"{name}.txt", rows, fmt="%.17g")
        told = np.array(parse(str(tmp_path / f"{name}.npy")))
        np.testing.assert_array_equal(told, np.c_[rows, np.zeros(3)] if name == "3x3" else whole)
        assert parse(str(tmp_path / f"{name}.txt")) == tuple(map(tuple, told.tolist()))
    assert parse(load("affine").params["matrix"].canonical(parse(spelt(whole)))) == parse(spelt(whole))


def test_only_the_tilt_is_held():
    held = {}
    for n in (64, 512):
        a = np.zeros((n, 64, 128), "u1")
        for name, tilt in (("none", 0.0), ("some", 0.2)):
            run = prepare("affine", a, matrix=spelt([[1, tilt, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]]), depth=4, cut=4)
            held[name, n] = sum(b for what, b in run.memory() if "affine" in what and "state" in what) / 64 / 128
    assert held["none", 64] == held["none", 512] and held["some", 64] == held["some", 512]
    assert held["none", 64] <= 20 and 12 <= held["some", 64] - held["none", 64] <= 14


def test_head_follows():
    a = volume("uint8", (9, 20, 30))
    head = head_of(a, spacing=(2.0, 0.5, 0.5), origin=(10.0, 0.0, -1.0), chunks=(4, 10, 10))
    out = prepare("affine", a, head=head, matrix="0.5,0,0,1,0,2,0,0,0,0,1,-4", shape="3,40,30").head
    assert (out.whole, out.spacing, out.unit) == ((3, 40, 30), (1.0, 1.0, 0.5), "micrometer")
    assert (out.origin, out.chunks, out.axes) == ((12.0, 0.0, -3.0), None, ("z", "y", "x"))
    turned = prepare("affine", a, head=head, matrix=spelt(MATRICES["in the plane"])).head
    assert turned.spacing == pytest.approx((2.0, 0.5, 0.5))
    bare = prepare("affine", a, matrix="0.5,0,0,1,0,2,0,0,0,0,1,-4").head
    assert (bare.spacing, bare.origin) == (None, (1.0, 0.0, -4.0))
    half = prepare("affine", a, head=head_of(a, spacing=(None, 0.5, 0.5)), matrix=spelt(MATRICES["stretched"])).head
    assert half.spacing == pytest.approx((None, 1.05, 0.35), nan_ok=True) or half.spacing[0] is None
    assert half.origin == pytest.approx((0.3, 0.1, 0.0))


def test_refusals(tmp_path):
    parse = load("affine").params["matrix"].parse
    np.save(tmp_path / "bad.npy", np.zeros((2, 3)))
    np.save(tmp_path / "row.npy", np.ones((4, 4)))
    for word, why in (("1,2,3", "has 3 numbers, must have 9, or 12"), ("1,0,0,0,1,0,0,0,x", "must be a number"),
                      ("1,0,0,0,inf,0,0,0,1", "not finite"), ("none.txt", "cannot be read"),
                      (str(tmp_path / "bad.npy"), "holds 2 x 3 float64, must be numbers of 3 x 3"),
                      (str(tmp_path / "row.npy"), "must be 0, 0, 0, 1")):  # fmt: skip
        with pytest.raises(UsageError, match=why):
            parse(word)
    a = volume("uint8")
    with pytest.raises(UsageError, match="cval is 256, which a uint8 voxel cannot hold"):
        prepare("affine", a, matrix="1,0,0,0,1,0,0,0,1", cval=256)
    with pytest.raises(UsageError, match="the volume has no voxels"):
        prepare("affine", np.zeros((0, 3, 4), "u1"), matrix="1,0,0,0,1,0,0,0,1", shape="3")
    with pytest.raises(Refused, match="a part of a volume"):
        prepare("affine", a, head=head_of(a).but(whole=(9, 6, 7), box=((0, 5), (0, 6), (0, 7))), matrix="1,0,0,0,1,0,0,0,1")
