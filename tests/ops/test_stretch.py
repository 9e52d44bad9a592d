import numpy as np
import pytest
from harness import apply, prepare
from skimage.exposure import rescale_intensity
from test_stats import TYPES, hostile, noise

from sweeptools.errors import UsageError


def span(dtype):
    dtype = np.dtype(dtype)
    return (0, 1) if dtype.kind == "f" else (int(np.iinfo(dtype).min), int(np.iinfo(dtype).max))


def slow(a, dtype=None, percent=(0, 100)):
    """scikit-image on float64, with exact percentiles of the finite voxels; rounded to nearest even and clipped."""
    dtype, wide = np.dtype(dtype or a.dtype), a.astype(float)
    low, high = np.percentile(wide[np.isfinite(wide)], percent)
    out = rescale_intensity(wide, in_range=(low, high), out_range=span(dtype))
    if dtype.kind == "f":
        return out.astype(dtype)
    least, most = span(dtype)
    whole = [0 if v != v else min(max(int(np.rint(v)), least), most) for v in out.ravel().tolist()]
    return np.array(whole, dtype).reshape(a.shape)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("percent", [(0, 100), (2, 98), (33.3, 50)])
def test_any_type_as_scikit_image(dtype, percent):
    a = noise(dtype) // 3 if np.dtype(dtype).kind != "f" else noise(dtype)
    out = apply("stretch", a, percent=percent, cut=2, threads=2, again=True)
    assert out.dtype == a.dtype
    np.testing.assert_array_equal(out, slow(a, percent=percent))


OTHERS = [("uint8", other) for other in ("uint8", "int8", "uint16", "int64", "uint64", "float32", "float64")]
OTHERS += [(dtype, other) for dtype in ("int16", "float32", "float64") for other in ("uint8", "float32")]


@pytest.mark.parametrize(("dtype", "other"), OTHERS)     # what is read and what is written meet in float64 only
def test_to_another_type(dtype, other):
    a = noise(dtype)
    out = apply("stretch", a, dtype=other, cut=3, again=True, percent=(1, 99))
    assert out.dtype == other and (out.min(), out.max()) == span(other)
    np.testing.assert_array_equal(out, slow(a, other, (1, 99)))


@pytest.mark.parametrize("other", ["float32", "uint8"])
def test_nan_stays_and_infinities_are_clipped(other):
    a = hostile("float32")
    a = np.where(np.isfinite(a), noise("float32", a.shape), a)
    out = apply("stretch", a, dtype=other, cut=1, again=True)
    np.testing.assert_array_equal(out, slow(a, other))
    assert out[np.isposinf(a)].tolist() == [span(other)[1]] * np.isposinf(a).sum()


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float32"])
@pytest.mark.parametrize("one", [0, 1, 99])
def test_one_value_is_kept_and_clipped(dtype, one):
    a = np.full((2, 3, 4), one, dtype)
    np.testing.assert_array_equal(apply("stretch", a, again=True), slow(a))
    assert (apply("stretch", a, again=True) == (one if dtype != "float32" else min(one, 1))).all()


def test_percentiles_that_fall_together():
    a = np.full((4, 5, 6), 9, "uint8")
    a[0, 0, 0], a[3, 4, 5] = 1, 200
    np.testing.assert_array_equal(apply("stretch", a, percent=(10, 90)), slow(a, percent=(10, 90)))


def test_without_a_finite_voxel():
    for percent in (0, 100), (2, 98):
        assert np.isnan(apply("stretch", np.full((2, 3, 4), np.nan), percent=percent)).all()
        assert not apply("stretch", np.full((2, 3, 4), np.nan), percent=percent, dtype="uint8").any()


def test_a_range_beyond_float64():
    a = np.array([-1.7e308, 0.0, 1.7e308]).reshape(1, 1, 3)
    assert apply("stretch", a).ravel().tolist() == [0.0, 0.5, 1.0]


def test_sweeps_and_what_is_found():
    assert prepare("stretch", noise("float64")).graph.sweeps == 2
    assert prepare("stretch", noise("int16"), percent=(2, 98)).graph.sweeps == 2
    assert prepare("stretch", noise("int32"), percent=(2, 98)).graph.sweeps == 3
    assert prepare("stretch", noise("float64"), percent=(2, 98)).graph.sweeps == 5
    a = noise("uint8")
    run = prepare("stretch", a, again=True, percent=(2, 98))
    assert sum(b.n for b in run.blocks()) == len(a)
    assert run.found["limits"] == np.percentile(a, (2, 98)).tolist()


@pytest.mark.parametrize("percent", [(50, 50), (90, 10)])
def test_percentiles_in_the_wrong_order(percent):
    with pytest.raises(UsageError, match="percent is .* the first must be less"):
        apply("stretch", noise("uint8"), percent=percent)


def test_one_line_for_all_components():
    a = noise("uint8", (3, 4, 10)) // 2
    out = apply("stretch", a.reshape(3, 2, 10, 2), components=("a", "b"), again=True, cut=1)
    np.testing.assert_array_equal(out.reshape(a.shape), slow(a))
