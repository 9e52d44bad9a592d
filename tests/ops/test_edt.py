"""sweep-edt against scipy, voxel by voxel equal where the spacing is the same along all axes, else within 2 ulp; by value
against scipy for each value; and a slow loop for what scipy does not define."""

import numpy as np
import pytest
from harness import apply, collect, head_of, prepare, source
from scipy import ndimage

from sweeptools.errors import SweepError, UsageError
from sweeptools.kernels import distance as kernels
from sweeptools.ops import _distance as parts
from sweeptools.ops import load
from sweeptools.run import Run, Settings
from sweeptools.spec import Node
from sweeptools.spool import Disk

SPACINGS = (None, (0.4, 0.4, 0.4), (2.0, 1.0, 0.5), (0.29, 0.26, 0.26))


def oracle(array, spacing=None):
    """scipy's distances; infinite where there is no zero voxel, of which scipy says nothing."""
    if (array != 0).all():
        return np.full(array.shape, np.inf)
    return ndimage.distance_transform_edt(array, sampling=spacing)


def signed(array, spacing=None):
    return oracle(array == 0, spacing) - oracle(array, spacing)


def by_value(array, spacing=None, every=False):
    out = np.zeros(array.shape)
    for value in np.unique(array):
        if value or every:
            out += np.where(array == value, oracle(array == value, spacing), 0)
    return out


def slow(array, steps, every):
    """To the nearest voxel with another value, one voxel at a time."""
    places = np.argwhere(np.ones(array.shape)) * steps
    values = array.ravel()
    out = np.full(array.size, np.inf)
    for i, value in enumerate(values):
        others = places[values != value]
        if value == 0 and not every:
            out[i] = 0
        elif len(others):
            out[i] = np.sqrt(((others - places[i]) ** 2).sum(axis=1).min())
    return out.reshape(array.shape)


def edt(array, tmp_path, again=True, **settings):
    return apply("edt", array, again=again, tmpdir=str(tmp_path), **settings)


def agrees(mine, theirs, spacing=None):
    if len(set(spacing or (1,))) == 1 and (spacing or (1,))[0] == 1:
        np.testing.assert_array_equal(mine, theirs.astype(mine.dtype))
    else:
        np.testing.assert_array_max_ulp(np.abs(mine), np.abs(theirs).astype(mine.dtype), 2)
        np.testing.assert_array_equal(np.signbit(mine), np.signbit(theirs.astype(mine.dtype)) & (mine != 0))


def direct(array, tmp_path, rng, spacing=None, signed=False, by_value=False):
    """The two scans alone, cut at random: a small part of what a run costs."""
    head = head_of(array, spacing=spacing)
    cuts = np.unique([0, len(array), *rng.integers(0, len(array) + 1, 2)])
    down = parts.fall_start(head, Disk(str(tmp_path)))
    for a, b in reversed(list(zip(cuts, cuts[1:]))):
        parts.fall_step(down, array[a:b], None, int(a), every=int(signed))
    ends = parts.ends.fn(down, every=int(signed))
    up, out = parts.rise_start(head, False), np.empty(array.shape, np.float32)
    for a, b in zip(cuts, cuts[1:]):
        how = {"ends": ends, "every": int(signed), "keyed": int(signed or by_value), "squared": 0}
        parts.rise_step(up, array[a:b], out[a:b], int(a), **how)
    parts.rise_end(up)
    return out


def random_masks(count, seed):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        shape = rng.integers(1, 9), rng.integers(1, 12), rng.choice((1, 2, 7, 8, 9, 40, 127, 130))
        yield rng, (rng.random(shape) < rng.choice((0, 0.1, 0.5, 0.9, 0.99, 0.999, 1))).astype(np.uint8)


@pytest.mark.parametrize("spacing", SPACINGS, ids=str)
def test_random_volumes_as_scipy(spacing, tmp_path):
    for i, (rng, mask) in enumerate(random_masks(200, 1)):
        agrees(direct(mask, tmp_path, rng, spacing), oracle(mask, spacing), spacing)
        if i % 25 == 0:
            mine = edt(mask, tmp_path, spacing=spacing, cut=int(rng.integers(1, 5)), threads=2)
            assert mine.dtype == np.float32
            agrees(mine, oracle(mask, spacing), spacing)


@pytest.mark.parametrize("spacing", SPACINGS[:3:2], ids=str)
def test_signed_is_positive_outside(spacing, tmp_path):
    for i, (rng, mask) in enumerate(random_masks(100, 2)):
        agrees(direct(mask, tmp_path, rng, spacing, signed=True), signed(mask, spacing), spacing)
        if i % 20 == 0:
            agrees(edt(mask, tmp_path, spacing=spacing, signed=True, cut=2), signed(mask, spacing), spacing)


@pytest.mark.parametrize("spacing", SPACINGS[:3:2], ids=str)
def test_by_value_objects_that_touch_are_apart(spacing, tmp_path):
    for i, (rng, mask) in enumerate(random_masks(100, 3)):
        values = mask * rng.integers(1, 4, (mask.shape[0], 1, mask.shape[2]), dtype=np.uint32)
        agrees(direct(values, tmp_path, rng, spacing, by_value=True), by_value(values, spacing), spacing)
        if i % 20 == 0:
            both = np.where(values, -1, 1) * by_value(values, spacing, every=True)
            mine = edt(values.astype("u2"), tmp_path, spacing=spacing, by_value=True, signed=True, cut=3)
            agrees(mine, both, spacing)


def test_the_oracle_itself_against_the_definition():
    for _, mask in random_masks(6, 4):
        mask = mask[:4, :4, :9]
        values = mask * np.arange(1, mask.shape[2] + 1, dtype=np.uint8) // 3
        for steps in ((1, 1, 1), (2, 1, 0.5)):
            np.testing.assert_allclose(by_value(values, steps), slow(values, steps, False), rtol=1e-15)
            np.testing.assert_allclose(by_value(values, steps, True), slow(values, steps, True), rtol=1e-15)


def far_volumes():
    """Volumes whose distances reach beyond the search, along each axis."""
    for shape in ((150, 3, 5), (3, 200, 4), (2, 3, 300), (40, 80, 90)):
        corner = np.ones(shape, np.uint8)
        corner[-1, 0, -1] = 0
        yield corner
        lone = np.ones(shape, np.uint8)
        lone[tuple(np.random.default_rng(5).integers(0, shape, (4, 3)).T)] = 0
        yield lone


@pytest.mark.parametrize("spacing", (None, (2.0, 1.0, 0.5)), ids=str)
def test_any_distance(spacing, tmp_path):
    for mask in far_volumes():
        agrees(edt(mask, tmp_path, spacing=spacing, cut=16, threads=2), oracle(mask, spacing), spacing)


def test_any_distance_by_value(tmp_path):
    for mask in far_volumes():
        values = mask * (1 + (np.indices(mask.shape).sum(axis=0) > sum(mask.shape) // 2)).astype(np.uint32)
        rng = np.random.default_rng(6)
        agrees(direct(values, tmp_path, rng, by_value=True), by_value(values))
        agrees(direct(mask, tmp_path, rng, signed=True), signed(mask))


def worst_cases():
    yield "checkerboard", np.indices((9, 10, 131)).sum(axis=0) % 2
    for axis in range(3):
        yield f"teeth along {axis}", np.moveaxis(np.indices((8, 9, 140)) % 3 > 0, 0, 0)[axis]
    yield "noise at the percolation threshold", np.random.default_rng(6).random((12, 40, 150)) < 0.3116
    rings = np.abs(np.indices((21, 40, 150)) - np.array([10, 20, 75])[:, None, None, None]).max(axis=0)
    yield "shells", rings % 7 > 0
    yield "all background", np.zeros((3, 4, 5))
    yield "all foreground", np.ones((3, 4, 5))
    yield "one voxel", np.ones((1, 1, 1))
    yield "one row", np.arange(300).reshape(1, 1, 300) % 150 > 0
    yield "one column", np.arange(300).reshape(1, 300, 1) % 150 > 0
    yield "one line", np.arange(300).reshape(300, 1, 1) % 150 > 0


@pytest.mark.parametrize("name, array", list(worst_cases()), ids=lambda v: v if isinstance(v, str) else "")
def test_worst_cases(name, array, tmp_path):
    array = np.ascontiguousarray(array, np.uint8)
    rng = np.random.default_rng(6)
    agrees(edt(array, tmp_path, cut=3), oracle(array))
    agrees(direct(array, tmp_path, rng), oracle(array))
    agrees(direct(array, tmp_path, rng, signed=True), signed(array))


@pytest.mark.parametrize("dtype", ["int16", "float32", "float64"])
def test_any_type(dtype, tmp_path):
    array = np.random.default_rng(7).integers(0, 3, (5, 6, 20)).astype(dtype)
    mine = edt(array, tmp_path)
    assert mine.dtype == (np.float64 if dtype == "float64" else np.float32)
    agrees(mine, oracle(array))
    agrees(edt(array, tmp_path, by_value=True), by_value(array))


def test_zeros_and_nan(tmp_path):
    array = np.array([-0.0, 0.0, np.nan, np.nan, 1, np.inf, np.inf], np.float32).reshape(1, 1, 7)
    assert edt(array, tmp_path).ravel().tolist() == [0, 0, 1, 2, 3, 4, 5]
    assert edt(array, tmp_path, by_value=True).ravel().tolist() == [0, 0, 1, 1, 1, 1, 2]


def test_units(tmp_path):
    mask = (np.random.default_rng(8).random((6, 7, 30)) < 0.95).astype(np.uint8)
    head, mine = apply("edt", mask, spacing=(2.0, 1.0, 0.5), with_head=True, again=True, tmpdir=str(tmp_path))
    assert (head.spacing, head.unit, head.role) == ((2.0, 1.0, 0.5), "micrometer", "image")
    np.testing.assert_array_equal(edt(mask, tmp_path, spacing=(2.0, 1.0, 0.5), voxels=True), oracle(mask).astype("f4"))
    squares = edt(mask, tmp_path, squared=True)
    np.testing.assert_array_equal(squares, np.rint(oracle(mask) ** 2))
    np.testing.assert_array_equal(edt(mask, tmp_path, squared=True, spacing=(0.5,) * 3), squares / 4)
    np.testing.assert_array_equal(edt(mask, tmp_path, squared=True, signed=True) < 0, mask > 0)
    with pytest.raises(UsageError, match="spacing along some axes only; use --voxels"):
        edt(mask, tmp_path, spacing=(None, 1.0, 1.0))
    with pytest.raises(UsageError, match="components r, g"):
        edt(np.zeros((2, 2, 2, 2), np.uint8), tmp_path, components="rg")


def test_whole_numbers_grow_with_the_volume():
    small, large, wide = (head_of(np.empty(0)).but(whole=s) for s in ((9, 9, 9), (40000, 9, 9), (1 << 20, 1 << 20, 9)))
    assert parts.number_type(small, (2.0, 2.0, 2.0)) == np.int32
    assert parts.number_type(large, (1.0, 1.0, 1.0)) == np.float64
    assert parts.number_type(small, (1.0, 1.0, 2.0)) == np.float64
    assert sum(n * n for n in wide.shape) < 1 << 53


def test_squares_beyond_32_bits(tmp_path):
    mask = np.ones((1, 2, 33000), np.uint8)
    mask[0, 0, 0] = 0
    agrees(edt(mask, tmp_path), oracle(mask))


def test_nothing_to_have_a_distance_to_is_told(tmp_path):
    told = []
    for array, how, says in (
        (np.ones((2, 3, 4), "u1"), {}, "a zero voxel"), (np.zeros((2, 3, 4), "u1"), {}, ""),
        (np.zeros((2, 3, 4), "u1"), {"signed": True}, "another value"), (np.eye(4, dtype="u1")[None], {}, ""),
        (np.zeros((2, 3, 4), "u4"), {"by_value": True}, ""), (np.full((2, 3, 4), 7, "u4"), {"by_value": True}, "a zero"),
        (np.array([1, 2], "u4").reshape(2, 1, 1), {"by_value": True}, ""),
    ):  # fmt: skip
        run = prepare("edt", array, again=True, tmpdir=str(tmp_path), **how)
        run.settings.warn = told.append
        out = collect(run)[1]
        assert bool(told) == bool(says) and says in "".join(told)
        assert np.isinf(out).any() == bool(says)
        told.clear()


@pytest.mark.parametrize("sweep", ["up", "down"])
def test_a_pipe_that_cannot_be_read_twice(sweep, tmp_path):
    mask = (np.random.default_rng(9).random((7, 8, 30)) < 0.9).astype(np.uint8)
    for again in (False, True):
        run = prepare("edt", mask, head=head_of(mask, sweep=sweep), again=again, cut=2, tmpdir=str(tmp_path))
        head, out = collect(run)
        assert head.sweep == "up" and run.graph.sweeps == 2
        agrees(out, oracle(mask))
        assert len(run.spools) == (not again)


def test_of_a_wide_type_only_the_mask_is_kept(tmp_path):
    volume = np.random.default_rng(9).integers(0, 2, (7, 30, 40)).astype(np.float64)
    run = prepare("edt", volume, cut=2, tmpdir=str(tmp_path))
    agrees(collect(run)[1], oracle(volume))
    assert [task.name for task in run.spools] == ["nonzero"]


@pytest.mark.parametrize("change, value", [((0, 0, 0), 0), ((2, 3, 4), 0), ((4, 4, 4), 0), ((2, 3, 4), 2)])
def test_a_source_that_changed_between_sweeps_is_an_error(change, value, tmp_path):
    first = np.ones((5, 5, 5), np.uint8)
    first[1::2, ::2, ::2] = 0
    second = first.copy()
    second[change] = value if value else 1 - first[change]
    versions = iter([source(first, cut=2), source(second, cut=2)])
    feed = source(first, again=True)
    feed.blocks = lambda direction: next(versions).blocks(direction)
    by_value = value == 2
    node = Node(head=feed.head, name="stdin") | load("edt")(by_value=by_value)
    run = Run([node], {"stdin": feed}, Settings(tmpdir=str(tmp_path)))
    with pytest.raises(SweepError, match="the source changed between sweeps"):
        list(run.blocks())


def test_memory_is_for_a_slice_and_as_declared(tmp_path):
    for dtype, spacing in (("uint8", None), ("uint32", (2.0, 1.0, 1.0))):
        sizes = []
        for n in (2, 40):
            array = np.random.default_rng(1).integers(0, 3, (n, 60, 61)).astype(dtype)
            head = head_of(array, spacing=spacing)
            down = parts.fall_start(head, Disk(str(tmp_path)))
            up = parts.rise_start(head, False)
            scratch = vars(parts.Scratch(up)).values()
            bytes_of = lambda values: sum(v.nbytes for v in values if isinstance(v, np.ndarray))  # noqa: E731
            assert bytes_of(down.values()) <= load_memory(parts.ends, head)
            assert bytes_of(up.values()) + bytes_of(scratch) <= parts.held(head, False, 1)
            sizes.append(bytes_of(down.values()))
        assert sizes[0] == sizes[1]


def load_memory(op, head):
    return op.memory(head)


def test_what_is_logged_does_not_depend_on_threads(tmp_path):
    mask = (np.random.default_rng(10).random((3, 300, 301)) < 0.5).astype(np.uint8)
    one, two = (edt(mask, tmp_path, threads=n) for n in (1, 3))
    assert mask[0].size > parts.SMALL
    np.testing.assert_array_equal(one, two)
    agrees(one, oracle(mask))


def test_the_table_is_longer_than_any_distance():
    assert parts.table(3, 2.0, np.dtype("float64")).tolist() == [0, 4, 16, 36, np.inf]
    assert parts.table(3, 1.0, np.dtype("int32")).tolist() == [0, 1, 4, 9, 1 << 30]
    assert parts.pitch(1) % kernels.LANES == 16
