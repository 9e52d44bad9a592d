"""sweep-project against numpy."""

import numpy as np
import pytest
from harness import apply, head_of
from test_stats import hostile, noise

from sweeptools import volumes
from sweeptools.errors import UsageError
from sweeptools.params import unit_name

TYPES = ("uint8", "int16", "uint32", "int64", "float32", "float64")


def oracle(array, at, method):
    wide = array.astype("f8" if array.dtype.kind == "f" else f"{array.dtype.kind}8")
    if method == "sum":
        return wide.sum(axis=at)
    if method == "mean":
        return wide.mean(axis=at).astype("f8" if array.dtype == np.float64 else "f4")
    return getattr(array, method)(axis=at)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("at, axis", list(enumerate("zyx")))
def test_as_numpy(dtype, at, axis):
    array = noise(dtype, (7, 6, 40)) // (1000 if dtype == "int64" else 1)
    for method in ("max", "min", "mean", "sum"):
        expected = oracle(array, at, method)
        for cut in (None, 1, 3):
            mine = apply("project", array, axis=axis, method=method, cut=cut)[0]
            assert mine.dtype == expected.dtype
            if array.dtype.kind != "f" or method in ("max", "min"):
                np.testing.assert_array_equal(mine, expected)
            else:
                np.testing.assert_allclose(mine, expected, rtol=1e-6 if dtype == "float32" else 1e-12, atol=1e-12)


@pytest.mark.parametrize("at, axis", list(enumerate("zyx")))
def test_a_sum_of_floats_does_not_depend_on_the_stream(at, axis):
    array = np.where(np.isfinite(hostile()), hostile(), 1.0)
    whole = apply("project", array, axis=axis, method="sum")
    for cut, sweep in ((1, "up"), (2, "down"), (None, "down")):
        again = apply("project", array, axis=axis, method="sum", cut=cut, head=head_of(array, sweep=sweep))
        assert again.tobytes() == whole.tobytes()


def test_nan_and_components():
    array = hostile("float32", (4, 5, 6)).reshape(4, 5, 3, 2)
    for at, axis in enumerate("zyx"):
        with np.errstate(all="ignore"):
            mine = apply("project", array, axis=axis, method="max", components="ab", cut=2)
            np.testing.assert_array_equal(mine[0], array.max(axis=at))


@pytest.mark.parametrize("axis, order", [("z", "zyx"), ("y", "yzx"), ("x", "xzy")])
def test_the_slice_is_where_the_volume_was(axis, order):
    array = np.zeros((3, 4, 5), np.uint8)
    head = head_of(array, spacing=(2.0, 1.0, 0.5)).but(origin=(10.0, 20.0, 30.0))
    out, _ = apply("project", array, axis=axis, method="max", head=head, with_head=True)
    size, step, first = ({"z": 3, "y": 4, "x": 5}, dict(zip("zyx", head.spacing)), dict(zip("zyx", head.origin)))
    step[axis], first[axis] = step[axis] * size[axis], first[axis] + (size[axis] - 1) / 2 * step[axis]
    assert out.axes == tuple(order) and out.order == tuple("zyx".index(letter) for letter in order)
    assert out.whole == (1, *(size[letter] for letter in order[1:]))
    assert out.spacing == tuple(step[letter] for letter in order)
    assert out.origin == tuple(first[letter] for letter in order)
    assert out.unit == unit_name("um")


def test_nothing_to_project():
    with pytest.raises(UsageError, match="without voxels"):
        apply("project", np.zeros((0, 3, 4), np.uint8), axis="z", method="max")
    assert apply("project", np.full((1, 1, 1), 7, np.uint8), axis="z", method="sum").item() == 7


def test_written_and_read_the_slice_has_the_volumes_axes(tmp_path, shell):
    array = noise("uint8", (3, 4, 5))
    np.save(tmp_path / "a.npy", array)
    done = shell("sweep-read a.npy | sweep-project y max | sweep-write b.npy")
    assert done.returncode == 0, done.stderr
    assert volumes.open(str(tmp_path / "b.npy")).head.whole == (3, 1, 5)
    np.testing.assert_array_equal(np.load(tmp_path / "b.npy")[:, 0], array.max(axis=1))
