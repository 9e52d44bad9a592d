import random

import numpy as np
import pytest
from harness import head_of, prepare, value
from test_stats import hostile, noise

from sweeptools.errors import UsageError
from sweeptools.ops._levels import binned, tally

WIDE = ("int32", "uint64", "float32", "float64")


def columns(table):
    return tuple(np.asarray(table[name]) for name in ("low", "high", "count"))


def equals_numpy(table, finite, **how):
    counts, edges = np.histogram(finite, **how)
    low, high, count = columns(table)
    np.testing.assert_array_equal(low, edges[:-1])
    np.testing.assert_array_equal(high, edges[1:])
    np.testing.assert_array_equal(count, counts)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16"])
def test_up_to_16_bits_every_value_has_its_bin_in_one_sweep(dtype):
    a = noise(dtype, (5, 6, 23)) // 3
    low, high, count = columns(value("hist", a, cut=2, threads=2))
    values = range(int(a.min()), int(a.max()) + 1)
    assert low.tolist() == list(values) and high.tolist() == [v + 1 for v in values]
    assert count.tolist() == [int((a == v).sum()) for v in values]
    assert prepare("hist", a).graph.sweeps == 1


@pytest.mark.parametrize("dtype", ["uint8", "int16", *WIDE])
@pytest.mark.parametrize("bins", [None, 1, 7, 1000])
def test_bins_equal_numpy(dtype, bins):
    a = noise(dtype, (4, 9, 31))
    if bins is None and a.dtype.itemsize < 4:
        bins = 256
    equals_numpy(value("hist", a, bins=bins, cut=3), a, bins=bins or 256)


@pytest.mark.parametrize("dtype", ["int8", "uint16", *WIDE])
@pytest.mark.parametrize("limits", [(0, 100), (-0.3, 0.7), (5, 5), (0.1, 60000)])
def test_limits_equal_numpy(dtype, limits):
    a = noise(dtype, (4, 9, 31))
    a[0] = (np.arange(9 * 31) % 120).reshape(9, 31)
    equals_numpy(value("hist", a, limits=limits, bins=10, cut=1), a, bins=10, range=limits)
    equals_numpy(value("hist", a, limits=limits), a, bins=256, range=limits)
    assert prepare("hist", a, limits=limits).graph.sweeps == 1


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("limits", [(0.0, 1.0), (-0.1, 0.7), (1e-3, 3.3), (1e6, 1e6 + 9)])
@pytest.mark.parametrize("bins", [3, 10, 97])
def test_voxels_on_an_edge_and_beside_it_equal_numpy(dtype, limits, bins):
    edges = np.histogram_bin_edges(np.empty(0, dtype), bins, limits).astype(dtype)
    near = [edges, np.nextafter(edges, edges.dtype.type(-np.inf)), np.nextafter(edges, edges.dtype.type(np.inf))]
    a = np.concatenate(near).reshape(1, 3, -1)
    equals_numpy(value("hist", a, bins=bins, limits=limits), a, bins=bins, range=limits)
    equals_numpy(value("hist", a, bins=bins), a, bins=bins)


def test_words_on_the_command_line():
    a = noise("float32")
    equals_numpy(value("hist", a, bins="7", limits="-5,2.5"), a, bins=7, range=(-5, 2.5))


@pytest.mark.parametrize("limits", [None, (-1e3, 1e3)])
def test_what_is_not_finite_is_in_no_bin(limits):
    a = hostile("float32")
    equals_numpy(value("hist", a, limits=limits), a[np.isfinite(a)], bins=256, range=limits)


def test_without_a_finite_voxel():
    equals_numpy(value("hist", np.full((2, 3, 4), np.nan)), np.empty(0), bins=256)
    assert tally.fn(tally.reduce.start(head_of(np.zeros((1, 1, 1), "uint8"))))[0].size == 0


@pytest.mark.parametrize("dtype", ["uint8", "float32", "int64"])
def test_one_value(dtype):
    a = np.full((2, 3, 4), 7, dtype)
    if dtype == "uint8":
        assert [c.tolist() for c in columns(value("hist", a))] == [[7], [8], [24]]
    equals_numpy(value("hist", a, bins=3), a, bins=3)


def test_every_component_counts():
    a = noise("int16", (3, 4, 10)).reshape(3, 2, 10, 2)
    equals_numpy(value("hist", a, bins=9, components=("a", "b"), cut=1), a, bins=9)


@pytest.mark.parametrize("limits", [(3, 2), (0, np.inf), (np.nan, 1)])
def test_limits_that_are_none(limits):
    with pytest.raises(UsageError, match="limits are"):
        value("hist", noise("uint8"), limits=limits)


def test_more_bins_than_the_type_can_tell_apart():
    a = np.array([1, 1 + 1e-6], "float32").reshape(1, 1, 2)
    with pytest.raises(UsageError, match="bins is 1000, too many for float32 between 1.0 and 1.00000"):
        value("hist", a, bins=1000)


@pytest.mark.parametrize("array", [noise("uint8", (5, 6, 30)), noise("int16"), hostile("float64")])
def test_any_partition_merged_in_any_order_has_the_same_state(array):
    dice = random.Random(2)
    op, params = (tally, {}) if array.dtype.kind != "f" else (binned, {"edges": np.linspace(-1e9, 1e9, 78)})
    start = lambda: op.reduce.start(*([] if params else [head_of(array)]), **params)  # noqa: E731
    whole, states = start(), [start() for _ in range(3)]
    op.reduce.add(whole, array, (0, array.shape[0], 0, array.shape[1], 0, array.shape[2]), 0, **params)
    for z in dice.sample(range(array.shape[0]), array.shape[0]):
        for y in range(array.shape[1]):
            for x in range(array.shape[2]):
                op.reduce.add(dice.choice(states), array, (z, z + 1, y, y + 1, x, x + 1), 0, **params)
    dice.shuffle(states)
    merged = op.reduce.merge(op.reduce.merge(states[2], states[0]), states[1])
    np.testing.assert_array_equal(merged["counts"].sum(axis=0), whole["counts"].sum(axis=0))


# ------------------------------------------------------------------ --plot


def drawn_as(counts, low=None):
    """The picture's bars, 1 black, 0.5 grey, of a table with these counts."""
    from sweeptools.tools import hist

    low = np.arange(len(counts)) if low is None else low
    pixels = hist.picture({"low": low, "high": low + 1, "count": np.array(counts, np.int64)})
    assert pixels.shape == (hist.HIGH, hist.WIDE) and pixels.dtype == np.uint8
    bars = pixels[hist.TOP : hist.BOTTOM, hist.LEFT : hist.RIGHT]
    assert set(np.unique(bars)) <= {hist.INK, hist.PALE, hist.PAPER}
    return (bars == hist.INK).sum(axis=0), (bars != hist.PAPER).sum(axis=0)


def test_bars_are_as_high_as_counts_and_their_logarithms():
    black, all_ink = drawn_as([0, 99, 9, 1])
    each = len(black) // 4
    assert black[::each].tolist() == [0, 410, 37, 4]          # of 410 pixels
    assert all_ink[::each].tolist() == [0, 410, 205, 62]      # log 10 / log 100, log 2 / log 100
    assert (black[:each] == 0).all() and (black[each : 2 * each] == 410).all()


@pytest.mark.parametrize("n", [1, 3, 839, 840, 841, 65536])
def test_no_bin_is_lost_however_many_there_are(n):
    for k in {0, n // 2, n - 1}:
        counts = np.zeros(n, np.int64)
        counts[k] = 5
        black, _ = drawn_as(counts)
        assert black.max() == 410 and abs(np.flatnonzero(black).mean() - (k + 0.5) * 840 / n) <= 1


def test_nothing_is_drawn_of_nothing():
    assert not any(bars.any() for bars in drawn_as([])) and not any(bars.any() for bars in drawn_as([0, 0]))


@pytest.mark.parametrize("ends", [(0, 256), (-1.7e308, 1.7e308), (5e-324, 1e-322), (3, 3), (-0.25, 0.125), (1e9, 1e9 + 7)])
def test_marks_lie_where_their_values_do(ends):
    from sweeptools.tools import hist

    marks = hist.marks({"low": [ends[0]], "high": [ends[1]]})
    assert 1 <= len(marks) <= 9 and all(0 <= at <= 1 for at, _ in marks)
    if ends == (-0.25, 0.125):
        assert marks[0] == (0.0, "-0.25") and ("0" in [text for _, text in marks])


def test_the_command_draws_beside_its_table(tmp_path, capsys):
    from PIL import Image

    from sweeptools.cli import main

    np.save(tmp_path / "v.npy", noise("uint8", (3, 20, 30)))
    line = f"sweep-read {tmp_path}/v.npy | sweep-hist --bins 9 --plot {tmp_path}"
    assert main(["sweep-run", f"{line}/h.png"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 10
    assert Image.open(tmp_path / "h.png").size == (960, 480)
    for name, status, why in (("h.gif", 2, ".gif is no picture"), ("none/h.png", 2, "no directory")):
        assert main(["sweep-run", f"{line}/{name}"]) == status
        assert why in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["h.png", "v.npy"]
