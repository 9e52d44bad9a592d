"""sweep-regions against loops over exact fractions, numpy, and skimage.measure.regionprops."""

import errno
import os
import tracemalloc
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from harness import head_of, prepare, value
from scipy.ndimage import center_of_mass, find_objects, maximum, mean, minimum, standard_deviation
from scipy.ndimage import label as numbered
from skimage.measure import euler_number, regionprops

from sweeptools.errors import Refused, SweepError, UsageError
from sweeptools.kernels import axes as kernels
from sweeptools.ops import _region_columns as made
from sweeptools.ops import _regions as parts
from sweeptools.spec import Head

BOX = ("z0", "y0", "x0", "z1", "y1", "x1")
MOMENTS = ("zz", "yy", "xx", "zy", "zx", "yx")


def table(labels, intensity=None, cuts=(2,), threads=1, head=None):
    """The table, from a state for each of several threads that have a band of rows each."""
    head = head or head_of(labels)
    states = [parts.start(head) for _ in range(threads)]
    edges = np.linspace(0, labels.shape[1], threads + 1).astype(int)
    z, i = 0, 0
    while z < len(labels):
        n = int(cuts[i % len(cuts)])
        more = () if intensity is None else (np.ascontiguousarray(intensity[z : z + n]),)
        src = np.ascontiguousarray(labels[z : z + n])
        for state, y0, y1 in zip(states, edges, edges[1:], strict=False):
            parts.add(state, src, *more, (0, len(src), int(y0), int(y1), 0, src.shape[2]), head.first + z)
        z, i = z + n, i + 1
    state = states[-1]
    for other in states[:-1]:
        state = parts.merge(state, other)
    return parts.measured.fn(state)


def same(a, b):
    assert list(a) == list(b)
    for name in a:
        assert a[name].dtype == b[name].dtype, name
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)


def random_labels(seed, count=40):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        shape = tuple(rng.integers(1, 12, 3))
        top = int(rng.choice([2, 5, 120]))
        yield rng, rng.integers(-1 if top < 100 else 0, top, shape).astype(rng.choice(["int8", "int32", "int64"]))


def random_values(rng, shape, dtype):
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        reach = 18 if dtype == np.float32 else 150
        with np.errstate(over="ignore", under="ignore"):
            return (rng.standard_normal(shape) * 10.0 ** rng.integers(-reach, reach, shape)).astype(dtype)
    return rng.integers(np.iinfo(dtype).min, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def test_places_and_shapes_are_scikit_images():
    for rng, labels in random_labels(1):
        mine = table(labels, cuts=rng.integers(1, 5, 3), threads=int(rng.integers(1, 4)))
        theirs = regionprops(np.where(labels > 0, labels, 0))
        assert mine["label"].tolist() == [r.label for r in theirs]
        for i, r in enumerate(theirs):
            assert mine["size"][i] == r.area
            assert tuple(mine[name][i] for name in BOX) == r.bbox
            np.testing.assert_allclose([mine[name][i] for name in "zyx"], r.centroid, rtol=1e-14)
            cov = np.cov(r.coords.T, bias=True) if r.area > 1 else np.zeros((3, 3))
            want = [cov[0, 0], cov[1, 1], cov[2, 2], cov[0, 1], cov[0, 2], cov[1, 2]]
            np.testing.assert_allclose([mine[name][i] for name in MOMENTS], want, atol=1e-12)
            lengths = np.sqrt(20 * np.maximum(np.linalg.eigvalsh(cov)[::-1], 0))
            np.testing.assert_allclose([mine[name][i] for name in ("major", "middle", "minor")], lengths, atol=1e-6)
            np.testing.assert_allclose(mine["major"][i], r.axis_major_length, atol=1e-6)
            np.testing.assert_allclose(mine["minor"][i], r.axis_minor_length, atol=1e-6)
            touches = any(a == 0 or b == n for a, b, n in zip(r.bbox[:3], r.bbox[3:], labels.shape, strict=True))
            assert mine["border"][i] == touches


@pytest.mark.parametrize("small", [0, made.SMALL])
def test_moments_are_rounded_once_both_ways(small, monkeypatch):
    monkeypatch.setattr(made, "SMALL", small)
    labels = np.random.default_rng(2).integers(0, 3, (7, 8, 9)).astype(np.uint8)
    mine = table(labels)
    for i, label in enumerate(mine["label"]):
        places = np.argwhere(labels == label)
        n = len(places)
        for name, (a, b) in made.PAIRS.items():
            p, q = ([int(v) for v in places[:, k]] for k in (a, b))
            exact = Fraction(n * sum(u * v for u, v in zip(p, q, strict=True)) - sum(p) * sum(q), n * n)
            assert mine[name][i] == float(exact)


@pytest.mark.parametrize(
    "dtype", ["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64"]
)
def test_intensities_are_exact(dtype):
    for rng, labels in random_labels(3, count=15):
        values = random_values(rng, labels.shape, dtype)
        mine = table(labels, values)
        for i, label in enumerate(mine["label"]):
            inside = [Fraction(v.item()) for v in values[labels == label]]
            mean = sum(inside) / len(inside)
            spread = sum(v * v for v in inside) / len(inside) - mean**2
            assert mine["mean"][i] == float(mean)
            assert mine["std"][i] ** 2 == pytest.approx(float(spread), rel=1e-14)
            assert mine["min"][i] == min(inside) and mine["max"][i] == max(inside)
            for name, where in zip(made.WEIGHTED, np.argwhere(labels == label).T.tolist(), strict=True):
                moment = sum(v * at for v, at in zip(inside, where, strict=True))
                np.testing.assert_equal(mine[name][i], float(moment / sum(inside)) if sum(inside) else np.nan)


@pytest.mark.parametrize("dtype", ["int16", "uint64", "float32", "float64"])
def test_the_table_never_depends_on_cuts_and_threads(dtype):
    for rng, labels in random_labels(4, count=15):
        values = random_values(rng, labels.shape, dtype)
        if values.dtype.kind == "f":
            values.flat[:: rng.integers(2, 90)] = rng.choice([np.nan, np.inf, -np.inf, -0.0, 0.0])
        whole = table(labels, values, cuts=(99,))
        for threads in (1, 3):
            same(table(labels, values, cuts=rng.integers(1, 5, 3), threads=threads), whole)


def test_what_is_not_finite_shows():
    labels = np.array([[[1, 1, 2, 2, 3, 3, 4, 4, 5, 5]]], np.uint8)
    inf, nan = np.inf, np.nan
    values = np.array([[[1, nan, 2, inf, -inf, 3, inf, -inf, nan, nan]]], np.float32)
    mine = table(labels, values)
    np.testing.assert_array_equal(mine["mean"], [nan, inf, -inf, nan, nan])
    np.testing.assert_array_equal(mine["std"], [nan] * 5)
    np.testing.assert_array_equal(mine["min"], [nan, 2, -inf, -inf, nan])
    np.testing.assert_array_equal(mine["max"], [nan, inf, 3, inf, nan])
    np.testing.assert_array_equal(mine["weighted_x"], [nan] * 5)


def test_what_weighs_nothing_has_no_weighted_centroid_and_signs_may_differ():
    labels = np.array([[[1, 1, 2, 2, 3, 3, 3]]], np.uint8)
    mine = table(labels, np.array([[[5, -5, 0, 0, -1, -2, -1]]], np.int8))
    np.testing.assert_array_equal(mine["weighted_x"], [np.nan, np.nan, 5])
    tiny = np.array([[[1.0, 5e-324, -1e300, 1e300, 0, 0, 1]]])
    np.testing.assert_array_equal(table(labels, tiny)["weighted_x"], [5e-324, np.nan, 6])
    huge = np.array([[[1e308, 1e308, -1e308, 0.99e308, 0, 5e-324, 0]]])
    np.testing.assert_allclose(table(labels, huge)["weighted_x"], [0.5, -97, 5])


@pytest.mark.parametrize("dtype", ["int8", "uint32", "int64", "float32", "float64"])
def test_long_runs_far_from_the_origin_weigh_exactly(dtype):
    values = random_values(np.random.default_rng(12), (1, 1, 5000), dtype)
    if values.dtype.kind == "f":
        values[0, 0, ::3] = np.finfo(dtype).max
        values[0, 0, 7:40] = 1
    far = parts.LONGEST
    head = Head((far, far, far), "uint8", box=((far - 1, far), (far - 1, far), (far - 5000, far)))
    mine = table(np.ones((1, 1, 5000), np.uint8), values, head=head)
    inside = [Fraction(v) for v in values.ravel().tolist()]
    for name, places in (("weighted_y", [far - 1] * 5000), ("weighted_x", range(far - 5000, far))):
        assert mine[name][0] == float(sum(v * at for v, at in zip(inside, places, strict=True)) / sum(inside))


def test_the_weighted_centroid_is_scikit_images():
    rng = np.random.default_rng(13)
    labels, values = rng.integers(0, 4, (6, 7, 8)), rng.random((6, 7, 8)).astype("f4")
    for order in ((0, 1, 2), (2, 0, 1)):
        turn = lambda triple, order=order: tuple(triple[i] for i in order)  # noqa: E731
        head = head_of(labels.transpose(order), spacing=turn((3.0, 2.0, 0.5)), origin=turn((1.0, 0.0, 9.0)), order=order)
        mine = table(*(np.ascontiguousarray(a.transpose(order)) for a in (labels, values)), head=head)
        for i, r in enumerate(regionprops(labels, values)):
            got = [mine[name][i] for name in made.WEIGHTED]
            np.testing.assert_allclose(got, r.centroid_weighted, rtol=1e-6)
            world = [mine[f"{name}_micrometer"][i] for name in made.WEIGHTED]
            np.testing.assert_allclose(world, np.array(got) * (3, 2, 0.5) + (1, 0, 9), rtol=1e-14)


def test_extreme_floats_do_not_overflow():
    labels = np.ones((1, 2, 4), np.uint8)
    big = np.finfo(np.float64).max
    values = np.array([[[big, big, big, big], [-big, -big, -big, -big]]])
    mine = table(labels, values)
    assert mine["mean"][0] == 0 and mine["std"][0] == big
    tiny = np.full((1, 2, 4), 5e-324)
    assert table(labels, tiny)["mean"][0] == 5e-324 and table(labels, tiny)["std"][0] == 0


def test_labels_of_any_size_and_sparse():
    for dtype, found in (
        ("uint64", [1, 63, 64, 4_000_000_000, 2**32, 2**63, 2**64 - 1]),
        ("int64", [-(2**63), -1, 5, 2**62, 2**63 - 1]),
        ("uint32", [0, 7, 2**31, 2**32 - 1]),
    ):
        labels = np.array(found, dtype=dtype)[None, None]
        mine = table(labels)
        assert mine["label"].tolist() == [v for v in found if v > 0]
        assert mine["x0"].tolist() == [i for i, v in enumerate(found) if v > 0]


@pytest.mark.parametrize("step", [1, 2, 64, 4096, 1 << 20, 1 << 32, 0x9E3779B9])
def test_a_table_grows_whatever_the_labels_have_in_common(step):
    labels = (np.arange(1, 6001, dtype=np.uint64) * np.uint64(step)).reshape(3, 40, 50)
    order = np.random.default_rng(0).permutation(labels.ravel()).reshape(labels.shape)
    mine = table(order, order, threads=2)
    np.testing.assert_array_equal(mine["label"], labels.ravel())
    np.testing.assert_array_equal(mine["min"], labels.ravel())
    assert (mine["size"] == 1).all()


def test_sums_carry_beyond_64_bits():
    far = parts.LONGEST
    head = Head((far, far, far), "uint8", box=((far - 2, far), (far - 3, far), (far - 4, far)))
    src = np.ones((2, 3, 4), np.uint8)
    values = np.full((2, 3, 4), 2**64 - 1, np.uint64)
    state = parts.start(head)
    parts.add(state, src, values, (0, 2, 0, 3, 0, 4), far - 2)
    for _ in range(36):
        twin = {name: v.copy() if isinstance(v, np.ndarray) else v for name, v in state.items()}
        state = parts.merge(state, twin)
    mine = parts.measured.fn(state)
    assert mine["size"][0] == 24 << 36
    assert [mine[name][0] for name in BOX] == [far - 2, far - 3, far - 4, far, far, far]
    assert [mine[name][0] for name in "zyx"] == [far - 1.5, far - 2, far - 2.5]
    assert [mine[name][0] for name in MOMENTS] == [0.25, 2 / 3, 1.25, 0, 0, 0]
    assert mine["mean"][0] == float(2**64 - 1) and mine["std"][0] == 0 and mine["max"][0] == 2**64 - 1
    assert mine["border"][0] == 1


def test_a_mask_is_one_region_and_nothing_is_none():
    mask = np.zeros((3, 4, 5), np.uint8)
    assert table(mask)["label"].tolist() == []
    assert all(len(column) == 0 for column in table(mask, mask).values())
    mask[1, 1:3, 1:4] = 255
    mine = table(mask)
    assert (mine["label"].tolist(), mine["size"].tolist(), mine["border"].tolist()) == ([255], [6], [0])


def test_world_units_follow_spacing_and_origin():
    labels = np.zeros((6, 8, 10), np.uint16)
    labels[1:5, 2:4, 3:9] = 7
    head = head_of(labels, spacing=(2.0, 0.5, 0.25), unit="nanometer", origin=(100.0, 10.0, 1.0))
    mine = table(labels, head=head)
    (props,) = regionprops(labels, spacing=(2.0, 0.5, 0.25))
    got = [mine[f"{name}_nanometer"][0] for name in "zyx"]
    np.testing.assert_allclose(got, np.array(props.centroid) + (100, 10, 1), rtol=1e-14)
    assert mine["volume_nanometer3"][0] == props.area
    np.testing.assert_allclose(mine["major_nanometer"][0], props.axis_major_length, rtol=1e-12)
    np.testing.assert_allclose(mine["minor_nanometer"][0], props.axis_minor_length, rtol=1e-12)
    assert not any(name.endswith("meter") for name in table(labels))


def test_columns_are_the_volumes_axes_however_the_stream_is_turned():
    rng = np.random.default_rng(6)
    labels = rng.integers(0, 4, (5, 6, 7)).astype(np.uint8)
    spacing, origin = (3.0, 2.0, 1.0), (0.0, 5.0, 9.0)
    want = table(labels, head=head_of(labels, spacing=spacing, origin=origin))
    for order in ((0, 1, 2), (1, 0, 2), (2, 0, 1), (1, 2, 0), (2, 1, 0)):
        turn = lambda triple, order=order: tuple(triple[i] for i in order)  # noqa: E731
        turned = np.ascontiguousarray(labels.transpose(order))
        head = head_of(turned, spacing=turn(spacing), origin=turn(origin), order=order, axes=turn("zyx"))
        same(table(turned, head=head), want)


def test_parts_of_a_volume_merge_to_the_whole():
    rng = np.random.default_rng(7)
    labels, values = rng.integers(0, 9, (6, 8, 10)), rng.standard_normal((6, 8, 10))
    state = None
    above, below = ((0, 6), (0, 3), (0, 10)), ((0, 2), (3, 8), (0, 10))
    for box in (above, below, ((2, 6), (3, 8), (0, 7)), ((2, 6), (3, 8), (7, 10))):
        cut = tuple(slice(*ends) for ends in box)
        part = np.ascontiguousarray(labels[cut])
        other = parts.start(Head(labels.shape, labels.dtype, box=box))
        everything = tuple(n for size in part.shape for n in (0, size))
        parts.add(other, part, np.ascontiguousarray(values[cut]), everything, box[0][0])
        state = other if state is None else parts.merge(other, state)
    same(parts.measured.fn(state), table(labels, values))


@pytest.mark.parametrize("seed", range(4))
def test_random_cuts_merge_to_the_whole_in_any_order(seed):
    rng = np.random.default_rng(seed)
    labels, values = rng.integers(0, 30, (6, 8, 10)).astype("u2"), rng.standard_normal((6, 8, 10)).astype("f4")
    sides = [np.unique([0, n, *rng.integers(0, n, 2)]) for n in labels.shape]
    boxes = list(product(*(zip(side, side[1:], strict=False) for side in sides)))
    states = []
    for box in boxes:
        cut = tuple(slice(*ends) for ends in box)
        states.append(parts.start(Head(labels.shape, labels.dtype, box=tuple((int(a), int(b)) for a, b in box))))
        piece = np.ascontiguousarray(labels[cut])
        everything = tuple(n for size in piece.shape for n in (0, size))
        parts.add(states[-1], piece, np.ascontiguousarray(values[cut]), everything, int(box[0][0]))
    while len(states) > 1:
        first, second = rng.choice(len(states), 2, replace=False)
        merged = parts.merge(states[first], states[second])
        states = [merged] + [s for i, s in enumerate(states) if i not in (first, second)]
    same(parts.measured.fn(states[0]), table(labels, values))


def test_thousands_of_small_volumes_of_every_density_are_scipys():
    rng, n = np.random.default_rng(20), 3000                 # side by side along x, each with four labels of its own
    dense = np.linspace(0, 1, n).repeat(4)
    labels = (rng.random((4, 5, 4 * n)) < dense) * (rng.integers(1, 5, (4, 5, 4 * n)) + 4 * (np.arange(4 * n) // 4))
    values = rng.integers(-99, 99, labels.shape).astype(np.int16)
    mine = table(labels, values, cuts=(1, 3), threads=2)
    found, sizes = np.unique(labels[labels > 0], return_counts=True)
    assert len(found) > 3 * n
    np.testing.assert_array_equal([mine["label"], mine["size"]], [found, sizes])
    boxes = [box for box in find_objects(labels) if box]
    np.testing.assert_array_equal([mine[name] for name in BOX[:3]], [[b[k].start for b in boxes] for k in range(3)])
    np.testing.assert_array_equal([mine[name] for name in BOX[3:]], [[b[k].stop for b in boxes] for k in range(3)])
    np.testing.assert_allclose([mine[name] for name in "zyx"], np.transpose(center_of_mass(labels > 0, labels, found)))
    for name, theirs in (("mean", mean), ("std", standard_deviation), ("min", minimum), ("max", maximum)):
        with np.errstate(invalid="ignore"):              # of labels that are not there
            np.testing.assert_allclose(mine[name], theirs(values, labels, found), rtol=1e-13, atol=1e-13)


def worst_cases():
    """{name: labels}: what is hard for a table that follows objects through slices."""
    z, y, x = np.mgrid[:6, :14, :15]
    board, comb = (z + y + x) % 2 == 0, (x % 2 == 0) | (z == 5)
    turn = (np.hypot(y - 7, x - 7) - np.arctan2(y - 7, x - 7) / np.pi * 2) % 4 < 2
    dot, full = np.ones(z.shape, bool), np.ones(z.shape, bool)
    dot[-1, -1, -1] = False
    noise = np.random.default_rng(23).random(z.shape) < 0.3116               # at the percolation threshold
    masks = {"board": board, "comb": comb, "spiral": turn, "one background voxel": dot, "full": full, "empty": ~full}
    made = {name: numbered(mask)[0] for name, mask in masks.items()} | {"noise": numbered(noise)[0]}
    columns = np.arange(1, 14 * 15 + 1).reshape(1, 14, 15).repeat(6, axis=0)
    return made | {"every voxel one": np.arange(1, z.size + 1).reshape(z.shape), "columns": columns}


@pytest.mark.parametrize("name", worst_cases())
def test_worst_cases_in_files_are_numpys(name, tmp_path, monkeypatch):
    monkeypatch.setattr(parts, "TABLE", 1 << 12)
    monkeypatch.setattr(parts, "ROWS", 64)
    labels = worst_cases()[name].astype(np.uint32)
    values = np.random.default_rng(24).integers(0, 1000, labels.shape).astype(np.uint16)
    mine = value("regions", labels, inputs={"intensity": values}, cut=1, threads=2, tmpdir=str(tmp_path))
    found, at, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    add = lambda what: np.bincount(at.ravel(), what.ravel())[found > 0]  # noqa: E731
    np.testing.assert_array_equal([mine["label"], mine["size"]], [found[found > 0], sizes[found > 0]])
    np.testing.assert_array_equal(mine["mean"], add(values) / mine["size"])
    for axis, where in zip("zyx", np.indices(labels.shape), strict=True):
        np.testing.assert_array_equal(mine[axis], add(where) / mine["size"])
        with np.errstate(invalid="ignore"):              # where all values of a label are 0
            np.testing.assert_array_equal(mine[f"weighted_{axis}"], add(where * values) / add(values))


@pytest.mark.parametrize("threads", [1, 3])
def test_more_open_objects_than_fit_are_kept_in_a_file(threads, tmp_path, monkeypatch):
    labels = np.random.default_rng(21).permutation(6000).astype(np.uint32).reshape(1, 60, 100).repeat(4, axis=0)
    values = np.random.default_rng(22).standard_normal(labels.shape).astype("f4")
    how = {"surface": True, "inputs": {"intensity": values}, "cut": 1, "threads": threads, "tmpdir": str(tmp_path)}
    want = value("regions", labels, **how)
    assert len(want["label"]) == 5999
    monkeypatch.setattr(parts, "TABLE", 1 << 16)
    monkeypatch.setattr(parts, "ROWS", 1 << 9)
    work = prepare("regions", labels, **how)
    same(work.values()[0], want)
    assert work.report()["spool_bytes"] > 5999 * 400 and not list(tmp_path.iterdir())


def test_what_is_held_is_what_was_predicted_with_however_many_open_objects(tmp_path, monkeypatch):
    monkeypatch.setattr(parts, "TABLE", 1 << 18)
    monkeypatch.setattr(parts, "ROWS", 1 << 9)
    labels = np.arange(1, 1 + 20_000, dtype=np.uint32).reshape(1, 100, 200).repeat(3, axis=0)
    value("regions", labels[:, :2, :9], inputs={"intensity": labels[:, :2, :9]}, cut=1)      # what is made once
    work = prepare("regions", labels, inputs={"intensity": labels}, cut=1, tmpdir=str(tmp_path))
    tracemalloc.start()
    try:
        (found,) = work.values()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak <= sum(n for _, n in work.memory()) and len(found["label"]) == 20_000
    assert sum(column.nbytes for column in found.values()) > peak / 2            # in files, as the table is


def test_a_full_disk_is_said_with_its_name(tmp_path, monkeypatch):
    def none(fd, offset, size):
        raise OSError(errno.ENOSPC, "no space left on device")

    monkeypatch.setattr(os, "posix_fallocate", none)
    monkeypatch.setattr(parts, "TABLE", 1 << 10)
    labels = np.arange(1, 1001, dtype=np.uint32).reshape(1, 10, 100)
    with pytest.raises(SweepError, match=f"temporary files, {tmp_path}, is full; name a larger one with --tmpdir"):
        value("regions", labels, tmpdir=str(tmp_path))


def test_an_empty_box_adds_nothing():
    state = parts.start(head_of(np.ones((2, 3, 4), np.uint8)))
    parts.add(state, np.ones((2, 3, 4), np.uint8), (0, 0, 0, 0, 0, 0), 0)
    assert state["count"] == 0


def test_states_are_flat():
    state = parts.start(head_of(np.ones((2, 3, 4), np.uint8)))
    parts.add(state, np.ones((2, 3, 4), np.uint8), np.ones((2, 3, 4)), (0, 2, 0, 3, 0, 4), 0)
    assert all(isinstance(v, int) or v.dtype.kind in "iufU" for v in state.values())


def test_eigenvalues_are_lapacks():
    rng = np.random.default_rng(8)
    for scale in (1e-200, 1e-8, 1, 1e8, 1e200):
        a = rng.standard_normal((200, 3, 3)) * 10.0 ** rng.integers(-6, 6, (200, 3, 1))
        matrices = a @ a.transpose(0, 2, 1) * scale
        moments = np.stack([matrices[:, i, j] for i, j in made.PAIRS.values()], axis=1)
        mine, ways = np.empty((200, 3)), np.empty((200, 3, 3))
        kernels.principal(moments, mine, ways)
        want = np.linalg.eigvalsh(matrices)[:, ::-1]
        assert np.all(np.abs(mine - want) <= 1e-14 * want[:, :1])
        for k in range(3):
            error = np.einsum("nij,nj->ni", matrices, ways[:, k]) - mine[:, k : k + 1] * ways[:, k]
            assert np.all(np.abs(error) <= 1e-14 * want[:, :1])
        np.testing.assert_allclose(ways @ ways.transpose(0, 2, 1), np.broadcast_to(np.eye(3), (200, 3, 3)), atol=1e-14)
        assert np.all(mine[:, :2] >= mine[:, 1:])


def test_the_direction_of_the_longest_axis():
    labels = np.zeros((9, 9, 9), np.uint8)
    labels[np.arange(9), np.arange(9)[::-1], 4] = 1
    labels[4, :, 0] = 2
    labels[0, 0, 8] = 3
    mine = table(labels)
    np.testing.assert_allclose(mine["major_z"], [-np.sqrt(0.5), 0, 1], atol=1e-15)
    np.testing.assert_allclose(mine["major_y"], [np.sqrt(0.5), 1, 0], atol=1e-15)
    np.testing.assert_allclose(mine["major_x"], [0, 0, 0], atol=1e-15)
    np.testing.assert_allclose([mine[f"middle_{axis}"][1] for axis in "zyx"], [1, 0, 0], atol=1e-15)
    np.testing.assert_allclose([mine[f"minor_{axis}"][1] for axis in "zyx"], [0, 0, 1], atol=1e-15)
    world = table(labels, head=head_of(labels, spacing=(3.0, 4.0, 1.0)))
    np.testing.assert_allclose(world["major_z_micrometer"][0], -0.6, rtol=1e-14)
    np.testing.assert_allclose(world["major_y_micrometer"][0], 0.8, rtol=1e-14)


def test_three_axes_of_a_turned_box():
    at = np.stack(np.mgrid[:40, :40, :40], axis=-1).reshape(-1, 3) - 19.5
    ways = np.linalg.qr(np.random.default_rng(3).standard_normal((3, 3)))[0]
    labels = (np.abs(at @ ways.T) <= (15, 9, 4)).all(axis=1).reshape(40, 40, 40).astype(np.uint8)
    mine = table(labels)
    for name, way in zip(made.LENGTHS, ways, strict=True):
        got = [mine[f"{name}_{axis}"][0] for axis in "zyx"]
        assert abs(got @ way) > 0.9999 and got[2] > 0


def faces(mask, steps=(1, 1, 1)):
    """Area of the faces between a mask and all else."""
    sides = [np.abs(np.diff(np.pad(mask, 1).astype(int), axis=k)).sum() for k in range(3)]
    return sum(n * np.prod(steps) / steps[k] for k, n in enumerate(sides))


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2)])
def test_surface_and_euler_number(order):
    rng = np.random.default_rng(10)
    turn = lambda triple: tuple(triple[i] for i in order)  # noqa: E731
    for i in range(8):
        shape, top = rng.integers(1, 9, 3), int(rng.choice([2, 3, 6]))
        labels = rng.integers(-1, top, shape).astype(np.int16 if i % 2 else np.int64)
        turned = np.ascontiguousarray(labels.transpose(order))
        head = head_of(turned, spacing=turn((2.0, 1.0, 0.5))).but(order=order, axes=turn("zyx"))
        mine = value("regions", turned, head=head, surface=True, cut=int(rng.integers(1, 4)), threads=2)
        assert mine["label"].tolist() == [v for v in np.unique(labels) if v > 0]
        for k, v in enumerate(mine["label"].astype(np.int64)):
            assert mine["surface"][k] == faces(labels == v)
            assert mine["surface_micrometer2"][k] == faces(labels == v, (2.0, 1.0, 0.5))
            assert mine["euler"][k] == euler_number(np.pad(labels == v, 1), 3)


def test_surface_of_known_bodies():
    labels = np.zeros((7, 7, 20), np.uint8)
    labels[1:6, 1:6, 1:6] = 1                        # with a cavity
    labels[3, 3, 3] = 0
    labels[3, 1:6, 8:13] = 2                         # a ring
    labels[3, 2:5, 9:12] = 0
    labels[0, 0, 15] = labels[1, 1, 16] = labels[3, 3, 19] = 3        # two by a corner, one apart
    mine = value("regions", labels, surface=True, intensity=None, cut=2)
    assert mine["euler"].tolist() == [2, 0, 2] and mine["surface"].tolist() == [156, 16 * 2 + 20 + 12, 18]
    empty = value("regions", np.zeros((2, 3, 4), np.uint8), surface=True)
    assert len(empty["surface"]) == len(empty["euler"]) == 0


def test_surface_beside_intensities():
    rng = np.random.default_rng(11)
    labels, values = rng.integers(0, 9, (5, 40, 30)).astype("u1"), rng.standard_normal((5, 40, 30))
    mine = value("regions", labels, surface=True, inputs={"intensity": values}, cut=2, threads=3)
    plain = table(labels, values)
    same({name: mine[name] for name in plain}, plain)
    assert set(mine) - set(plain) == {"surface", "euler"}


@pytest.mark.parametrize("threads", [1, 2])
def test_the_command(threads):
    labels = np.random.default_rng(9).integers(0, 50, (7, 40, 66)).astype(np.uint16)
    same(value("regions", labels, threads=threads, cut=2), table(labels))


def test_what_are_no_labels_is_refused():
    with pytest.raises(UsageError, match="the stream has float32; make them with sweep-label"):
        value("regions", np.zeros((2, 3, 4), np.float32))
    with pytest.raises(UsageError, match="components r, g, b"):
        value("regions", np.zeros((2, 3, 4, 3), np.uint8), components="rgb")
    with pytest.raises(Refused, match="at most 2097152 voxels"):
        parts.start(Head((1, 1, parts.LONGEST + 1), "uint8"))
    with pytest.raises(UsageError, match="intensities"):
        table(np.ones((2, 3, 4), np.uint8), np.ones((2, 3, 4, 3)))
