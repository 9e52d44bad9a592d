"""What histograms and thresholds are made of: extremes, counts of every value, counts by bins, and `v > level`."""

from math import floor, inf, nan

import numpy as np

from ..kernels import counts, sums, voxel
from ..kernels.levels import flat
from ..params import Param
from ..spec import Reduce, op
from ._sample import part, within


def few(dtype):
    """Whether every value of a type can have a count of its own."""
    return dtype.kind != "f" and dtype.itemsize <= 2


def unbounded(dtype):
    """[greatest, least] of a type: extremes before the first voxel."""
    facts = np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)
    low, high = (-inf, inf) if dtype.kind == "f" else (facts.min, facts.max)
    return np.array([high, low], dtype)


# ------------------------------------------------------------------ extremes


def start_ends(head):
    return {"ends": unbounded(head.dtype)}


def add_ends(state, src, box, z, *, slices=None):
    for some in within(box, z, slices):
        some, voxels = flat(some, src)
        sums.ends(voxels, some, state["ends"])


def merge_ends(state, other):
    for i, pick in enumerate((np.minimum, np.maximum)):
        state["ends"][i] = pick(state["ends"][i], other["ends"][i])
    return state


@op("the least and the greatest finite voxel", reduce=Reduce(start_ends, add_ends, merge_ends),
    some=lambda slices: slices)  # fmt: skip
def ends(state, *, slices: part() = None):
    """Both as an array of the voxels' type, or None where no voxel is finite."""
    least, most = state["ends"]
    return state["ends"] + 0 if least <= most else None      # -0.0 is 0.0


# ------------------------------------------------------------------ counts of every value


def start_tally(head):
    tables = 4 if head.dtype.itemsize == 1 else 2
    return {"counts": np.zeros((tables, 256**head.dtype.itemsize), np.int64), "least": int(np.iinfo(head.dtype).min)}


def add_tally(state, src, box, z, *, slices=None):
    tables = state["counts"]
    for some in within(box, z, slices):
        some, voxels = flat(some, src)
        counts.every(voxels.view(f"u{src.dtype.itemsize}"), some, *(tables[i % len(tables)] for i in range(4)))


def merge_tally(state, other):
    state["counts"] += other["counts"]
    return state


@op("how many voxels have each value of a type of up to 16 bits", reduce=Reduce(start_tally, add_tally, merge_tally),
    memory=lambda head, threads: (threads + 2) * start_tally(head)["counts"].nbytes,
    some=lambda slices: slices)  # fmt: skip
def tally(state, *, slices: part() = None):
    """(values, counts): those values that occur, rising, and how often (both int64)."""
    every = state["counts"].sum(axis=0)
    every = np.roll(every, -state["least"])                  # signed values were counted by their bits
    values = np.flatnonzero(every)
    return values + state["least"], every[values]


# ------------------------------------------------------------------ counts by bins


def edges(dtype, bins, limits=None, extremes=None):
    """The edges of bins of equal width as numpy.histogram has them: BINS + 1 numbers, float64 or the voxels' float.

    None where that type cannot tell them apart.
    """
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            made = np.histogram_bin_edges(np.empty(0, dtype) if extremes is None else extremes, bins, limits)
    except ValueError:                                       # numpy says so itself since 2.0
        return None
    return made if (made[:-1] < made[1:]).all() else None


def start_bins(edges):
    return {"counts": np.zeros(len(edges) - 1, np.int64)}


def add_bins(state, src, box, z, *, edges, slices=None):
    for some in within(box, z, slices):
        some, voxels = flat(some, src)
        counts.between(voxels, some, edges.astype(np.float64), state["counts"])


@op("how many voxels lie between edges", reduce=Reduce(start_bins, add_bins, merge_tally),
    memory=lambda bins, threads: 8 * bins * (2 * threads + 3), some=lambda slices: slices)  # fmt: skip
def binned(state, *, edges: Param("edges of the bins, rising"), bins: Param("one less than edges, at most"),
           slices: part() = None):  # fmt: skip
    """(edges, counts); each bin has its lower edge, the last one its upper edge too."""
    return edges, state["counts"]


# ------------------------------------------------------------------ thresholds


@op("1 where a voxel is greater than a level", dtype="uint8", role="mask")
def above(src, dst, box, *, level: Param("level, of the voxels' type or between two of its values")):
    """v > LEVEL, 0 for NaN; without a level (None) nothing is."""
    if level is None:
        least = nan
    elif src.dtype.kind == "f":
        least = np.nextafter(src.dtype.type(level), src.dtype.type(inf))
    else:
        least = floor(level) + 1
    voxel.between(src, dst, box, least, inf, 1)
