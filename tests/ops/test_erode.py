"""sweep-erode against scipy.ndimage.grey_erosion, and five plain loops where there is NaN."""

import numpy as np
import pytest
from harness import apply
from scipy import ndimage

from sweeptools.errors import UsageError
from sweeptools.ops import _extrema
from sweeptools.params import DTYPES, MODES

SHAPES = [(9, 11, 13), (2, 3, 2), (1, 1, 1), (1, 7, 6), (6, 1, 5), (7, 6, 1)]
ELEMENTS = ["box:1", "box:3", "box:2,5,4", "box:1,1,9", "box:9,1,1", "box:17,16,8"]
ELEMENTS += ["cross", "ball:0", "ball:2", "ball:2.5", "ball:6", "file"]


def noise(shape, dtype, seed=0):
    rng = np.random.default_rng(seed)
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return rng.normal(0, 100, shape).astype(dtype)
    return rng.integers(np.iinfo(dtype).min, np.iinfo(dtype).max, shape, dtype, endpoint=True)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("footprint") / "f.npy"
    np.save(path, np.random.default_rng(5).random((2, 4, 5)) < 0.4)
    return str(path)


def element(word, file):
    """(the word on the command line, the footprint) of one of ELEMENTS."""
    kind, _, rest = word.partition(":")
    if kind == "file":
        return f"file:{file}", np.load(file)
    if kind == "box":
        sizes = [int(n) for n in rest.split(",")]
        return word, np.ones(sizes if len(sizes) == 3 else sizes * 3, bool)
    radius = 1.0 if kind == "cross" else float(rest)
    d = np.arange(-int(radius), int(radius) + 1)
    return word, sum(np.square(g) for g in np.meshgrid(d, d, d, indexing="ij")) <= radius**2


def loops(array, footprint, least=np.minimum, below=lambda n: n // 2):
    """least over the footprint placed on every voxel: exact for 64-bit integers, and NaN wins."""
    wide = np.pad(array, [(below(n), n - 1 - below(n)) for n in footprint.shape], mode="symmetric")
    out = np.empty_like(array)
    for at in np.ndindex(array.shape):
        window = wide[tuple(slice(i, i + n) for i, n in zip(at, footprint.shape, strict=True))]
        out[at] = least.reduce(window[footprint])
    return out


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("word", ["box:3", "box:2,5,4", "cross", "ball:2", "file"])
def test_every_type(dtype, word, file):
    shape, footprint = element(word, file)
    array = noise((9, 11, 13), dtype)
    out = apply("erode", array, shape=shape, cut=4, depth=3)
    assert out.dtype == array.dtype
    if array.dtype.itemsize < 8 or dtype == "float64":           # scipy compares integers as float64
        np.testing.assert_array_equal(out, ndimage.grey_erosion(array, footprint=footprint))
    np.testing.assert_array_equal(out, loops(array, footprint))


@pytest.mark.parametrize("size", SHAPES)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("word", ELEMENTS)
def test_edges_of_volumes_below_the_element(size, mode, word, file):
    shape, footprint = element(word, file)
    array = noise(size, "int16")
    right = ndimage.grey_erosion(array, footprint=footprint, mode=mode, cval=-9)
    np.testing.assert_array_equal(apply("erode", array, shape=shape, mode=mode, cval=-9), right)


@pytest.mark.parametrize("word", ["box:3", "box:2,1,4", "cross", "file"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_nan_under_the_element_gives_nan(word, dtype, file):
    shape, footprint = element(word, file)
    array = noise((6, 7, 8), dtype)
    array[0, 1, 2], array[3, 3, 3], array[4, 0, 7], array[5, 6, 0] = np.nan, -np.nan, np.inf, -np.inf
    np.testing.assert_array_equal(apply("erode", array, shape=shape), loops(array, footprint))


def test_zeros_of_both_signs_have_one_order():
    array = np.zeros((4, 5, 6), np.float32)
    array[::2, 1::2, ::3] = -0.0
    for word in ("box:2", "ball:1"):
        whole = apply("erode", array, shape=word)
        for cut, threads in ((1, 1), (2, 2), (3, 1)):
            out = apply("erode", array, shape=word, cut=cut, depth=cut, threads=threads)
            np.testing.assert_array_equal(out.view(np.uint32), whole.view(np.uint32))


@pytest.mark.parametrize("word", ["box:1,9,3", "box:7", "ball:3", "file"])
@pytest.mark.parametrize("threads, cut, depth", [(1, 1, 1), (3, 5, 2), (2, 2, 70)])
def test_the_cut_changes_nothing(word, threads, cut, depth, file):
    shape, footprint = element(word, file)
    array = noise((90, 75, 6), "uint16")
    out = apply("erode", array, shape=shape, threads=threads, cut=cut, depth=depth)
    np.testing.assert_array_equal(out, ndimage.grey_erosion(array, footprint=footprint))


@pytest.mark.parametrize("word", ["box:3", "ball:2"])
def test_wide_rows_are_worked_through_in_strips(word, file):
    array = noise((3, 4, 9001), "uint8")
    right = ndimage.grey_erosion(array, footprint=element(word, file)[1])
    np.testing.assert_array_equal(apply("erode", array, shape=word), right)


@pytest.mark.parametrize("word", ["box:3,2,5", "ball:1"])
def test_components_apart(word):
    array = noise((5, 6, 7, 3), "float32")
    out = apply("erode", array, shape=word, components=("r", "g", "b"))
    for c in range(3):
        np.testing.assert_array_equal(out[..., c], apply("erode", np.ascontiguousarray(array[..., c]), shape=word))


@pytest.mark.parametrize("room", [1, 20_000, 1 << 22])
@pytest.mark.parametrize("word", ["ball:6", "ball:12"])
def test_large_footprints_are_taken_in_groups_of_slices(room, word, file, monkeypatch):
    monkeypatch.setattr(_extrema, "ROOM", room)
    array = noise((14, 9, 40), "int16")
    right = ndimage.grey_erosion(array, footprint=element(word, file)[1])
    np.testing.assert_array_equal(apply("erode", array, shape=word, depth=9), right)


@pytest.mark.parametrize("size", [*range(1, 20), 63, 64, 65])
def test_parts_of_a_box_make_its_length(size):
    count, hop, span = _extrema.parts(size)
    assert (count - 1) * hop + span == size and hop <= span and count + span < 2 + max(8, 4 * size**0.5)


def test_a_ball_in_world_units_is_an_ellipsoid():
    array = noise((9, 15, 30), "uint8")
    d = [np.arange(-2, 3) / 2, np.arange(-4, 5) / 4, np.arange(-8, 9) / 8]
    footprint = sum(np.square(g) for g in np.meshgrid(*d, indexing="ij")) <= 1
    out = apply("erode", array, shape="ball:0.8um", spacing=(0.4, 0.2, 0.1))
    np.testing.assert_array_equal(out, ndimage.grey_erosion(array, footprint=footprint))


def test_a_type_that_is_asked_for():
    array = noise((4, 5, 6), "int16")
    out = apply("erode", array, shape="box:3", dtype="uint8")
    np.testing.assert_array_equal(out, np.clip(ndimage.grey_erosion(array, 3), 0, 255).astype(np.uint8))
    out = apply("erode", array, shape="box:1", dtype="float32")
    np.testing.assert_array_equal(out, array.astype(np.float32))


def test_balls_are_scikit_images():
    skimage = pytest.importorskip("skimage.morphology")
    for r in range(8):
        np.testing.assert_array_equal(_extrema.ball((r, r, r)), skimage.ball(r))


@pytest.mark.parametrize("array", [np.zeros((3, 3, 3)), np.ones((3, 3)), np.array(["a"])])
def test_refuses_a_footprint_that_is_none(array, tmp_path):
    np.save(tmp_path / "bad.npy", array)
    with pytest.raises(UsageError, match=r"bad\.npy.*(must be|must have)"):
        apply("erode", noise((3, 3, 3), "uint8"), shape=f"file:{tmp_path / 'bad.npy'}")


def test_refuses_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UsageError, match=r"none\.npy"):
        apply("erode", noise((3, 3, 3), "uint8"), shape=f"file:{tmp_path / 'none.npy'}")


@pytest.mark.parametrize("word", ["ball:inf", "ball:-1", "box:0", "star"])
def test_refuses_an_element(word):
    with pytest.raises(UsageError):
        apply("erode", noise((3, 3, 3), "uint8"), shape=word)
