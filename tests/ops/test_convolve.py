"""sweep-convolve against scipy.ndimage.convolve on float64, rounded once."""

import numpy as np
import pytest
from harness import apply
from scipy import ndimage
from test_gauss import noise

from sweeptools.errors import UsageError
from sweeptools.ops.convolve import factors, load
from sweeptools.params import MODES

RNG = np.random.default_rng(4)
SHAPES = [(9, 11, 13), (2, 3, 2), (1, 1, 1), (1, 7, 6)]
KERNELS = {
    "any": RNG.normal(size=(3, 4, 5)), "even": RNG.normal(size=(2, 2, 4)), "sparse": (RNG.random((3, 5, 3)) < 0.1) * 2.5,
    "one": np.full((1, 1, 1), 0.25), "zero": np.zeros((2, 3, 1)),
    "product": RNG.normal(size=(3, 1, 1)) * RNG.normal(size=(1, 4, 1)) * RNG.normal(size=(1, 1, 5)),
    "sobel": np.array([1, 2, 1]).reshape(3, 1, 1) * np.array([1, 2, 1]).reshape(1, 3, 1) * np.array([-1, 0, 1]),
    "float32": (np.hanning(7)[:, None, None] * np.hanning(9)[None, :, None] * np.arange(1, 7)).astype("float32"),
}  # fmt: skip


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kernels")
    for name, kernel in KERNELS.items():
        np.save(folder / f"{name}.npy", kernel)
    return {name: str(folder / f"{name}.npy") for name in KERNELS}


def expected(array, kernel, mode="reflect", cval=0.0):
    return ndimage.convolve(array.astype(np.float64), kernel.astype(np.float64), mode=mode, cval=cval)


def assert_close(out, right, array, kernel, cval=0.0):
    if out.dtype.kind in "iu":
        info = np.iinfo(out.dtype)
        assert np.abs(out - np.clip(right, info.min, info.max)).max() <= 0.51
    else:
        most = max(np.abs(array.astype(np.float64)).max(), abs(cval)) * max(np.abs(kernel).sum(), 1)
        assert np.abs(out - right).max() <= 4 * np.spacing(out.dtype.type(most))


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("mode", MODES)
def test_edges_of_volumes_below_the_kernel(name, mode, files):
    for shape in SHAPES:
        array = noise(shape, "int16")
        out = apply("convolve", array, kernel=files[name], mode=mode, cval=7, dtype="float32", cut=2, depth=3, threads=2)
        assert_close(out, expected(array, KERNELS[name], mode, 7), array, KERNELS[name], 7)


@pytest.mark.parametrize("name", ["any", "product"])
@pytest.mark.parametrize("dtype", ["uint8", "int32", "float32", "float64"])
def test_the_type_is_kept(name, dtype, files):
    array = noise((6, 7, 8), dtype)
    out = apply("convolve", array, kernel=files[name])
    assert out.dtype == dtype
    assert_close(out, expected(array, KERNELS[name]), array, KERNELS[name])


def test_what_is_a_product():
    for name, kernel in KERNELS.items():
        found = factors(kernel.astype(float), 4 * np.finfo(kernel.dtype).eps if kernel.dtype.kind == "f" else 1e-15)
        assert (found is None) == (name in ("any", "even", "sparse")), name
        if found:
            np.testing.assert_allclose(np.einsum("i,j,k", *found), kernel, atol=1e-6 * np.abs(kernel).max())


def test_not_finite_within_the_kernel(files):
    array = noise((9, 10, 11), "float32")
    array[2, 3, 4], array[7, 8, 9] = np.nan, np.inf
    out = apply("convolve", array, kernel=files["any"])
    with np.errstate(invalid="ignore"):
        right = expected(array, KERNELS["any"])
    np.testing.assert_array_equal(np.isnan(out), np.isnan(right))
    np.testing.assert_array_equal(np.isinf(out), np.isinf(right))


@pytest.mark.parametrize("name", ["any", "product"])
def test_wide_rows_and_components_apart(name, files):
    array = noise((3, 4, 1500, 2), "float32")
    out = apply("convolve", array, kernel=files[name], components=("a", "b"))
    for c in range(2):
        one = np.ascontiguousarray(array[..., c])
        np.testing.assert_array_equal(out[..., c], apply("convolve", one, kernel=files[name]))


def test_numbers_in_so_many_words():
    np.testing.assert_array_equal(load("0,1/2,3;4,5/6,7")[0], np.arange(8).reshape(2, 2, 2))
    assert load("1,2.5,-3e2")[0].shape == (1, 1, 3)


def test_law_of_shifts():
    """A kernel of one voxel moves the volume; of two kernels' sum the convolutions sum."""
    array = noise((5, 6, 7), "uint8")
    np.testing.assert_array_equal(apply("convolve", array, kernel="0,0,1")[:, :, 1:], array[:, :, :-1])
    parts = [apply("convolve", array, kernel=word, dtype="float64") for word in ("1,2/3,1", "0,1/1,0", "1,1/2,1")]
    np.testing.assert_allclose(parts[0], parts[1] + parts[2])


@pytest.mark.parametrize("what", [np.ones((3, 3)), np.full((1, 1, 2), np.nan), np.array(["a"]), np.ones((0, 1, 1))])
def test_refuses_a_file_that_is_no_kernel(what, tmp_path):
    np.save(tmp_path / "bad.npy", what)
    with pytest.raises(UsageError, match=r"kernel is .*bad\.npy"):
        apply("convolve", noise((3, 3, 3), "uint8"), kernel=str(tmp_path / "bad.npy"))


@pytest.mark.parametrize("word", ["none.npy", "1,x", "1,2/3", ""])
def test_refuses(word):
    with pytest.raises(UsageError, match="kernel is"):
        apply("convolve", noise((3, 3, 3), "uint8"), kernel=word)
