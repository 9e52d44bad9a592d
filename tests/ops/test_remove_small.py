"""sweep-remove-small against sizes counted in scipy's labels, and what it shares with its kin (_objects.py)."""

import numpy as np
import pytest
from harness import apply, head_of, prepare, source
from test_label import oracle, oracle_by_value, random_volumes, worst_cases

from sweeptools.errors import SweepError, UsageError
from sweeptools.ops import _objects as parts
from sweeptools.ops import load
from sweeptools.run import Run, Settings
from sweeptools.spec import Node
from sweeptools.spool import Disk


def slow(array, least, connectivity=6, by_value=False):
    labels = (oracle_by_value if by_value else oracle)(array, connectivity)
    big = np.bincount(labels.ravel()) >= least
    big[0] = False
    return np.where(big[labels], array, array.dtype.type(0))


def mask_of(voxels, rule, tmp_path, rng, connectivity=6, by_value=False, faces=0):
    """The two scans alone, cut at random: a small part of what a run costs."""
    head = head_of(voxels)
    cuts = np.unique([0, len(voxels), *rng.integers(0, len(voxels) + 1, 2)])
    first = parts.weigh_start(head, Disk(str(tmp_path)), connectivity, by_value)
    for a, b in zip(cuts, cuts[1:]):
        parts.weigh_step(first, voxels[a:b], None, int(a), faces=faces)
    choice = parts.choose_from(parts.weighed.fn(first, connectivity=connectivity, by_value=by_value, faces=faces), rule)
    second, out = parts.chosen_start(head, connectivity, by_value, choice), np.empty(voxels.shape, np.uint8)
    for a, b in zip(cuts, cuts[1:]):
        parts.chosen_step(second, voxels[a:b], out[a:b], int(a), choice=choice)
    parts.chosen_end(second)
    assert second["ties"] == 0
    return out


@pytest.mark.parametrize("connectivity", [6, 18, 26])
def test_random_volumes(connectivity, tmp_path):
    for i, (rng, mask) in enumerate(random_volumes(250, connectivity)):
        least = int(rng.integers(0, 12))
        expected = slow(mask, least, connectivity)
        rule = lambda weights, least=least: parts.at_least(weights, least=least)  # noqa: E731
        np.testing.assert_array_equal(mask_of(mask, rule, tmp_path, rng, connectivity), expected)
        if i % 25 == 0:
            how = {"size": least, "connectivity": str(connectivity), "tmpdir": str(tmp_path)}
            np.testing.assert_array_equal(apply("remove-small", mask, cut=int(rng.integers(1, 5)), **how), expected)


def test_by_value(tmp_path):
    for rng, mask in random_volumes(40, 1):
        values = mask * rng.integers(1, 4, mask.shape).astype(rng.choice(["uint8", "float32"]))
        for connectivity in (6, 26):
            how = {"connectivity": str(connectivity), "by_value": True, "tmpdir": str(tmp_path), "cut": 2}
            mine = apply("remove-small", values, size=3, **how)
            assert mine.dtype == values.dtype
            np.testing.assert_array_equal(mine, slow(values, 3, connectivity, True))


@pytest.mark.parametrize("name, array", list(worst_cases()), ids=lambda v: v if isinstance(v, str) else "")
def test_worst_cases(name, array, tmp_path):
    rng = np.random.default_rng(1)
    for least in (2, 70, 1000):
        rule = lambda weights, least=least: parts.at_least(weights, least=least)  # noqa: E731
        np.testing.assert_array_equal(mask_of(array, rule, tmp_path, rng), slow(array, least))


@pytest.mark.parametrize("dtype", ["int16", "float64"])
def test_the_type_and_the_values_stay(dtype, tmp_path):
    array = np.random.default_rng(3).integers(-1, 2, (5, 6, 66)).astype(dtype)
    head, mine = apply("remove-small", array, size=4, with_head=True, tmpdir=str(tmp_path), spacing=(2, 1, 1))
    assert (head.dtype, head.role, head.spacing) == (array.dtype, "image", (2, 1, 1))
    np.testing.assert_array_equal(mine, slow(array, 4))


def test_nan_is_not_zero_and_equals_nothing(tmp_path):
    array = np.array([np.nan, np.nan, 1, 0, 2, 2, 0, np.inf], np.float32).reshape(1, 1, 8)
    kept = apply("remove-small", array, size=2, tmpdir=str(tmp_path))
    np.testing.assert_array_equal(kept.ravel(), [np.nan, np.nan, 1, 0, 2, 2, 0, 0])
    kept = apply("remove-small", array, size=2, by_value=True, tmpdir=str(tmp_path))
    np.testing.assert_array_equal(kept.ravel(), [0, 0, 0, 0, 2, 2, 0, 0])


def test_how_many_stay_is_told(tmp_path):
    run = prepare("remove-small", np.eye(5, dtype=np.uint8)[None], size=1, tmpdir=str(tmp_path))
    list(run.blocks())
    assert run.found == {"kept": 5}


def test_components_are_refused(tmp_path):
    with pytest.raises(UsageError, match="components r, g, b"):
        apply("remove-small", np.zeros((2, 2, 2, 3), np.uint8), size=2, components="rgb", tmpdir=str(tmp_path))


@pytest.mark.parametrize("by_value", [False, True])
def test_a_source_that_changed_between_sweeps_is_an_error(by_value, tmp_path):
    first = np.zeros((5, 5, 5), np.uint8)
    first[::2, ::2, ::2] = 1
    second = first.copy()
    second[2, 3, 4] = 1
    versions = iter([source(first, cut=2), source(second, cut=2)])
    feed = source(first, again=True)
    feed.blocks = lambda direction: next(versions).blocks(direction)
    node = Node(head=feed.head, name="stdin") | load("remove-small")(size=1, connectivity="6", by_value=by_value)
    run = Run([node], {"stdin": feed}, Settings(tmpdir=str(tmp_path)))
    with pytest.raises(SweepError, match="the source changed between sweeps"):
        list(run.blocks())


def test_memory_is_for_a_slice_and_as_declared(tmp_path):
    for by_value in (False, True):
        sizes = []
        for n in (2, 40):
            array = np.random.default_rng(1).integers(0, 3, (n, 30, 31)).astype(np.uint8)
            head = head_of(array)
            state = parts.weigh_start(head, Disk(str(tmp_path)), 6, by_value)
            parts.weigh_step(state, array, None, 0, faces=0)
            sizes.append(sum(v.nbytes for v in state.values() if isinstance(v, np.ndarray)))
        assert sizes[0] == sizes[1] <= parts.weighed.memory(head, by_value)
