"""What --sample says of stats, hist and quantile: exact of the slices drawn, and bounds that hold for the whole."""

from itertools import combinations

import laws
import numpy as np
import pytest
from harness import head_of, prepare, value
from test_stats import hostile, noise

from sweeptools import volumes
from sweeptools.ops import load
from sweeptools.ops._sample import band, drawn, within
from sweeptools.run import Run, Settings
from sweeptools.spec import Head, Node


def picked(array, n, seed=0):
    return array[drawn(head_of(array), n, seed)]


def test_slices_are_drawn_alike_from_all_and_never_twice():
    head = Head((10, 3, 3), "u1")
    met = np.zeros((10, 10), int)
    for seed in range(3000):
        slices = drawn(head, 3, seed)
        assert len(set(slices.tolist())) == 3 and (np.diff(slices) > 0).all()
        for pair in combinations(slices, 2):
            met[pair] += 1
    pairs = met[np.triu_indices(10, 1)]              # 45 pairs, 200 times each, with a deviation of 14
    assert 3000 * 3 == pairs.sum() and pairs.min() > 140 and pairs.max() < 260
    assert drawn(head, 10, 0) is None and drawn(head, 11, 5) is None and drawn(head, None, 0) is None
    part = head.but(box=((4, 6), (0, 3), (0, 3)))
    np.testing.assert_array_equal(drawn(part, 3, 1), drawn(head, 3, 1))


def test_a_box_is_cut_where_slices_were_not_drawn():
    slices = np.array([2, 3, 7])
    assert list(within((1, 6, 0, 5, 2, 4), 1, slices)) == [(1, 3, 0, 5, 2, 4)]
    assert list(within((0, 9, 0, 5, 2, 4), 0, slices)) == [(2, 4, 0, 5, 2, 4), (7, 8, 0, 5, 2, 4)]
    assert list(within((0, 2, 0, 5, 2, 4), 4, slices)) == []
    assert list(within((0, 2, 0, 5, 2, 4), 4, None)) == [(0, 2, 0, 5, 2, 4)]


@pytest.mark.parametrize("command", ["stats", "stats --per-slice", "hist", "hist --bins 5", "quantile 0.1 0.5 1"])
@pytest.mark.parametrize("array", [noise("uint8", (9, 6, 7)), noise("float32", (9, 6, 7)), hostile("float64", (9, 5, 6))])
def test_the_answer_is_that_of_the_slices_alone(command, array):
    name, *words = command.split()
    params = laws.Case(load(name), " ".join(words)).params
    part = value(name, array, sample=4, seed=3, cut=2, threads=2, again=True, **params)
    alone = value(name, np.ascontiguousarray(picked(array, 4, 3)), **params)
    if "per_slice" in params:
        assert part["z"] == drawn(head_of(array), 4, 3).tolist()
        alone["z"] = part["z"]
    for key, column in alone.items():
        np.testing.assert_array_equal(part[key], column)
    assert prepare(name, array, sample=4, **params).graph.sweeps == prepare(name, array, **params).graph.sweeps


@pytest.mark.parametrize("example", ["stats --sample 3", "hist --sample 3 --seed 9", "quantile 0.2 0.9 --sample 4"])
def test_the_laws_hold(example):
    name, words = example.split(" ", 1)
    case = laws.Case(load(name), words)
    laws.cut(case)
    laws.part(case)


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_all_slices_leave_nothing_open(dtype):
    array = noise(dtype, (5, 6, 7))
    row = value("stats", array, sample=5)
    assert (row["slices"], row["band"]) == ([5], [0]) and row["mean_low"] == row["mean_high"] == row["mean"]
    table = value("quantile", array, q=(0.0, 0.3, 1.0), sample=99, again=True)
    exact = value("quantile", array, q=(0.0, 0.3, 1.0), again=True)["value"]
    assert table["value"] == table["low"] == table["high"] == exact
    table = value("hist", array, sample=5, bins=4)
    np.testing.assert_array_equal(table["share_low"], table["count"] / array.size)
    np.testing.assert_array_equal(table["share_high"], table["count"] / array.size)


def test_how_wide_the_band_is():
    assert band(np.arange(100)) == pytest.approx(np.sqrt((1 + np.log(40)) / 200)) == pytest.approx(0.153, abs=1e-3)
    assert band(np.arange(1000)) == pytest.approx(0.0484, abs=1e-4)


def grouped(kind, n=400):
    """Volumes whose slices are alike within, in different ways."""
    rng = np.random.default_rng(4)
    each = {"constant": np.arange(n) % 251, "two": 200 * (np.arange(n) < n // 2), "rare": 250 * (np.arange(n) == 7)}
    if kind in each:
        return np.broadcast_to(each[kind][:, None, None], (n, 2, 3)).astype("u1")
    array = rng.integers(0, 251, (n, 2, 3)).astype("u1")
    return array if kind == "noise" else np.sort(array, axis=0)


@pytest.mark.parametrize("kind", ["constant", "two", "rare", "noise", "sorted"])
def test_the_bounds_hold_in_95_of_100_draws_whatever_the_volume(kind):
    array = grouped(kind)
    head, share = head_of(array), lambda a: np.bincount(a.ravel(), minlength=256).cumsum() / a.size
    true, draws, q, e = share(array), 400, np.array([0.3, 0.5, 0.7]), band(np.arange(60))
    off = [np.abs(share(array[drawn(head, 60, seed)]) - true).max() for seed in range(draws)]
    assert np.mean(np.array(off) > e) < 0.05
    exact = np.quantile(array, q)
    for seed in (0, 1, 2):
        table = value("quantile", array, q=tuple(q), sample=60, seed=seed)
        for low, at, high in zip(table["low"], exact, table["high"], strict=True):
            assert (low is None or low <= at) and (high is None or at <= high)
        row = value("stats", array, sample=60, seed=seed)
        clipped = np.clip(array.astype(float), row["min"][0], row["max"][0])
        assert row["mean_low"][0] <= clipped.mean() <= row["mean_high"][0]
        table = value("hist", array, sample=60, seed=seed, bins=5, limits=(0, 250))
        parts = np.histogram(array, 5, (0, 250))[0] / array.size
        assert (table["share_low"] <= parts).all() and (parts <= table["share_high"]).all()


def test_quantiles_of_a_sample_are_bounded_by_its_own_voxels_further_out():
    array = np.random.default_rng(5).permutation(300 * 20).reshape(300, 4, 5).astype("i4")
    part, e = np.sort(picked(array, 80).ravel()), band(np.arange(80))
    table = value("quantile", array, q=(0.1, 0.5, 0.9), sample=80, again=True)
    assert table["low"][0] is None and table["high"][2] is None
    for side, way in (("low", -1), ("high", 1)):
        rank = int(np.searchsorted(part, table[side][1]))
        assert abs(rank - len(part) * (0.5 + way * e)) < 8 and way * (rank - len(part) * (0.5 + way * e)) > 1


def test_what_is_not_finite_leaves_no_bounds():
    array = noise("float32", (200, 2, 2))
    array[drawn(head_of(array), 100, 0)[5], 0, 0] = np.nan
    row, table = value("stats", array, sample=100), value("quantile", array, q=(0.5,), sample=100, again=True)
    assert row["band"][0] > 0 and row["mean_low"] == row["mean_high"] == table["low"] == table["high"] == [None]


def test_only_chunks_in_which_slices_were_drawn_are_read(tmp_path):
    import zarr

    array = zarr.create_array(str(tmp_path / "v.zarr"), shape=(60, 8, 8), chunks=(5, 8, 8), dtype="float32")
    array[:] = noise("float32", (60, 8, 8))
    for name, params, sweeps in (("stats", {}, 1), ("hist", {}, 2), ("quantile", {"q": (0.5,)}, 2)):
        source = volumes.open(str(tmp_path / "v.zarr"))
        node = Node(load(name), (Node(head=source.head, name="stdin"),), {"sample": 3, **params}, name)
        found = Run([node], {"stdin": source}, Settings()).values()[0]
        rows = len(set((drawn(source.head, 3, 0) // 5).tolist()))
        assert source.stats["chunks"] == rows * sweeps < 12 * sweeps
        assert all(np.array_equal(found[k], v) for k, v in value(name, array[:], sample=3, again=True, **params).items())
