"""sweep-label against scipy.ndimage.label, numbering included, and by value against the same for each value."""

import numpy as np
import pytest
from harness import apply, head_of, prepare, source
from scipy import ndimage

from sweeptools.errors import Refused, SweepError, UsageError
from sweeptools.ops import _components as parts
from sweeptools.run import Run, Settings
from sweeptools.spec import Head, Node
from sweeptools.spool import Disk, Log

RANK = {6: 1, 18: 2, 26: 3}
WIDTHS = (1, 2, 5, 63, 64, 65, 127, 128, 129, 130)
DENSITIES = (0, 0.05, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1)


def oracle(array, connectivity):
    with np.errstate(invalid="ignore"):
        return ndimage.label(array != 0, ndimage.generate_binary_structure(3, RANK[connectivity]))[0]


def oracle_by_value(array, connectivity):
    """Label each value alone, then number all by first voxel."""
    out, top = np.zeros(array.shape, np.int64), 0
    for v in np.unique(array[array != 0]):
        each, n = ndimage.label(array == v, ndimage.generate_binary_structure(3, RANK[connectivity]))
        out += np.where(each > 0, each + top, 0)
        top += n
    return renumbered(out)


def renumbered(labels):
    """The same components, numbered by first voxel."""
    found, first, where = np.unique(labels, return_index=True, return_inverse=True)
    number = np.zeros(len(found), np.int64)
    inside = np.flatnonzero(found)
    number[inside[np.argsort(first[inside])]] = np.arange(1, len(inside) + 1)
    return number[where].reshape(labels.shape)


def label(array, tmp_path, connectivity=6, **settings):
    return apply("label", array, connectivity=str(connectivity), tmpdir=str(tmp_path), **settings)


def random_volumes(count, seed):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        shape = (rng.integers(1, 8), rng.integers(1, 9), rng.choice(WIDTHS))
        yield rng, (rng.random(shape) < rng.choice(DENSITIES)).astype(np.uint8)


@pytest.mark.parametrize("connectivity", RANK)
def test_numbers_of_random_volumes_are_scipys(connectivity, tmp_path):
    for rng, mask in random_volumes(320, connectivity):
        mine = label(mask, tmp_path, connectivity, cut=int(rng.integers(1, 5)))
        np.testing.assert_array_equal(mine, oracle(mask, connectivity))


@pytest.mark.parametrize("connectivity", RANK)
def test_by_value_only_equal_neighbours_belong_together(connectivity, tmp_path):
    for rng, mask in random_volumes(120, connectivity):
        values = mask * rng.integers(1, 4, mask.shape).astype(rng.choice(["uint8", "int16", "float32"]))
        mine = label(values, tmp_path, connectivity, by_value=True, cut=int(rng.integers(1, 5)))
        np.testing.assert_array_equal(mine, oracle_by_value(values, connectivity))


@pytest.mark.parametrize("connectivity", RANK)
def test_by_value_is_cc3ds(connectivity, tmp_path):
    cc3d = pytest.importorskip("cc3d")
    for rng, mask in random_volumes(40, connectivity):
        values = mask * rng.integers(1, 4, mask.shape).astype(np.uint16)
        theirs = cc3d.connected_components(values, connectivity=connectivity)
        np.testing.assert_array_equal(label(values, tmp_path, connectivity, by_value=True), renumbered(theirs))


def checkerboard(n):
    return (np.indices((n, n, n)).sum(axis=0) % 2).astype(np.uint8)


def comb(axis, closed):
    """Teeth along an axis that meet at its end, or at its beginning."""
    a = np.zeros((20, 21, 70), np.uint8)
    teeth = np.moveaxis(a, axis, 0)
    teeth[:, ::2, ::2] = 1
    teeth[-1 if closed else 0] = 1
    return a


def spiral(n):
    """One wall that winds to the centre of a square."""
    a = np.zeros((n, n), np.uint8)
    y, x, dy, dx = 0, 0, 0, 1
    a[0, 0] = 1
    while True:
        for _ in range(2):
            u, v, w, z = y + dy, x + dx, y + 2 * dy, x + 2 * dx
            free = 0 <= u < n and 0 <= v < n and not a[u, v] and not (0 <= w < n and 0 <= z < n and a[w, z])
            if free:
                break
            dy, dx = dx, -dy
        else:
            return a
        y, x = y + dy, x + dx
        a[y, x] = 1


def worst_cases():
    flat = spiral(67)
    yield "checkerboard", checkerboard(12)
    for axis in range(3):
        for closed in (False, True):
            yield f"comb {axis} {closed}", comb(axis, closed)
    yield "spiral in a slice", np.stack([flat, np.zeros_like(flat), flat])
    yield "spiral across slices", np.ascontiguousarray(np.repeat(flat[:, None, :], 3, axis=1))
    yield "spiral of background", np.stack([1 - flat] * 2)
    rings = np.abs(np.indices((31, 33, 66)) - np.array([15, 16, 33])[:, None, None, None]).max(axis=0)
    yield "shells", (rings % 2).astype(np.uint8)
    yield "opened shells", np.where(np.arange(66) == 33, 1, rings % 2).astype(np.uint8)
    yield "full", np.ones((5, 6, 128), np.uint8)
    yield "empty", np.zeros((5, 6, 64), np.uint8)


@pytest.mark.parametrize("name, array", list(worst_cases()), ids=lambda v: v if isinstance(v, str) else "")
def test_worst_cases(name, array, tmp_path):
    for connectivity in RANK:
        for turned in (array, array[::-1, ::-1, ::-1]):
            turned = np.ascontiguousarray(turned)
            np.testing.assert_array_equal(label(turned, tmp_path, connectivity, cut=3), oracle(turned, connectivity))
            by_value = label(turned, tmp_path, connectivity, by_value=True, cut=3)
            np.testing.assert_array_equal(by_value, oracle(turned, connectivity))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint64", "int8", "int64", "float32", "float64"])
def test_foreground_is_what_is_not_zero_in_any_type(dtype, tmp_path):
    array = np.random.default_rng(3).integers(-1, 2, (5, 6, 66)).astype(dtype)
    for again in (False, True):
        np.testing.assert_array_equal(label(array, tmp_path, again=again, cut="fill"), oracle(array, 6))


def test_nan_is_not_zero_and_equals_nothing(tmp_path):
    array = np.zeros((2, 2, 6), np.float32)
    array[0, 0] = [np.nan, np.nan, 1, -0.0, np.inf, np.inf]
    np.testing.assert_array_equal(label(array, tmp_path), oracle(array, 6))
    assert label(array, tmp_path)[0, 0].tolist() == [1, 1, 1, 0, 2, 2]
    assert label(array, tmp_path, by_value=True)[0, 0].tolist() == [1, 2, 3, 0, 4, 4]


def test_head_and_count(tmp_path):
    array = checkerboard(4)
    run = prepare("label", array, tmpdir=str(tmp_path), dtype="uint64", facts={"spacing": (2, 1, 1)})
    assert (run.head.dtype, run.head.role, run.head.spacing) == (np.uint64, "labels", (2, 1, 1))
    assert sum(block.n for block in run.blocks()) == 4
    assert run.found == {"labels": 32}


def test_numbers_are_by_first_voxel_when_the_stream_goes_down(tmp_path):
    array = (np.random.default_rng(5).random((9, 10, 11)) < 0.3).astype(np.uint8)
    for again in (False, True):
        head = head_of(array, sweep="down")
        _, mine = _collected(prepare("label", array, head=head, again=again, cut=2, tmpdir=str(tmp_path)))
        np.testing.assert_array_equal(mine, oracle(array, 6))


def _collected(run):
    out = np.zeros(run.head.shape, run.head.dtype)
    for block in run.blocks():
        out[block.z : block.z + block.n] = block.array(run.head)
    return run.head, out


def test_components_are_refused(tmp_path):
    with pytest.raises(UsageError, match="components r, g, b"):
        label(np.zeros((2, 2, 2, 3), np.uint8), tmp_path, components="rgb")


def test_slices_beyond_32_bits_are_refused():
    with pytest.raises(Refused, match="too large for labels"):
        parts.arrays(Head((1, 1 << 16, 1 << 16), "uint8"), by_value=True)


# ------------------------------------------------------------------ the parts


def traced(array, tmp_path, connectivity=6, by_value=False):
    head = head_of(array)
    state = parts.trace_start(head, Disk(str(tmp_path)), connectivity, by_value)
    for z, voxels in enumerate(array):
        parts.trace_step(state, voxels[None], None, z)
    return parts.trace.fn(state, connectivity=connectivity, by_value=by_value)


def test_more_labels_than_fit_are_an_error_that_names_the_mend(tmp_path):
    mask = checkerboard(4)
    assert parts.resolve(traced(mask, tmp_path), 32, "").labels == 32
    with pytest.raises(SweepError, match="32 labels do not fit, at most 31 do; use --dtype uint64"):
        parts.resolve(traced(mask, tmp_path), 31, "; use --dtype uint64")


@pytest.mark.parametrize("change", [(0, 0, 0), (2, 3, 4), (4, 4, 4)])
@pytest.mark.parametrize("by_value", [False, True])
def test_a_source_that_changed_between_sweeps_is_an_error(change, by_value, tmp_path):
    first = np.zeros((5, 5, 5), np.uint8)
    first[::2, ::2, ::2] = 1
    second = first.copy()
    second[change] ^= 1
    versions = iter([source(first, cut=2), source(second, cut=2)])
    feed = source(first, again=True)
    feed.blocks = lambda direction: next(versions).blocks(direction)
    node = Node(head=feed.head, name="stdin") | _label()(connectivity="6", by_value=by_value)
    run = Run([node], {"stdin": feed}, Settings(tmpdir=str(tmp_path)))
    with pytest.raises(SweepError, match="the source changed between sweeps"):
        list(run.blocks())


def test_a_source_that_lost_slices_between_sweeps_is_an_error(tmp_path):
    mask = checkerboard(4)
    table = parts.resolve(traced(mask, tmp_path), 32, "")
    state = parts.numbered_start(head_of(mask), 6, False, table, np.dtype("uint32"))
    parts.numbered_step(state, mask[:3], np.empty((3, 4, 4), np.uint32), 0, table=table)
    with pytest.raises(SweepError, match="fewer slices"):
        parts.numbered_end(state)


def _label():
    from sweeptools.ops import load

    return load("label")


def moved(state, disk):
    """A state as it comes back from a file: nothing but numbers, arrays, and logs as arrays."""
    back = {}
    for name, value in state.items():
        assert isinstance(value, (int, np.ndarray, Log)), name
        if isinstance(value, Log):
            back[name] = disk.log(value.dtype, np.array(value.array()))
        else:
            back[name] = value.copy() if isinstance(value, np.ndarray) else value
    return back


@pytest.mark.parametrize("by_value", [False, True])
def test_a_state_saved_at_any_slice_goes_on_to_the_same_bytes(by_value, tmp_path):
    array = np.random.default_rng(9).integers(0, 2, (6, 9, 67)).astype(np.uint8)
    disk, head = Disk(str(tmp_path)), head_of(array)
    for at in range(7):
        state = parts.trace_start(head, disk, 6, by_value)
        for z in range(6):
            state = moved(state, disk) if z == at else state
            parts.trace_step(state, array[z : z + 1], None, z)
        table = parts.resolve(parts.trace.fn(state, connectivity=6, by_value=by_value), 1000, "")
        state = parts.numbered_start(head, 6, by_value, table, np.dtype("uint32"))
        out = np.empty(array.shape, np.uint32)
        for z in range(6):
            state = moved(state, disk) if z == at else state
            parts.numbered_step(state, array[z : z + 1], out[z : z + 1], z, table=table)
        parts.numbered_end(state)
        np.testing.assert_array_equal(out, oracle(array, 6))


def test_memory_is_for_a_slice_and_as_declared(tmp_path):
    rng = np.random.default_rng(1)
    for by_value in (False, True):
        sizes = []
        for n in (2, 40):
            array = rng.integers(0, 3, (n, 30, 31)).astype(np.uint8)
            state = parts.trace_start(head_of(array), Disk(str(tmp_path)), 6, by_value)
            parts.trace_step(state, array, None, 0)
            sizes.append(sum(v.nbytes for v in state.values() if isinstance(v, np.ndarray)))
        assert sizes[0] == sizes[1] <= parts.held(head_of(array), by_value, more=0)
