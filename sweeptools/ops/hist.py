"""sweep-hist: how many voxels have which value."""

from functools import partial

import numpy as np

from ..errors import UsageError
from ..params import Count, Pair, Text
from ..spec import op
from ._levels import binned, edges, ends, few, tally
from ._sample import band, drawn, size
from ._sample import sample as sample_of
from ._sample import seed as seed_of


@op(
    "count voxels by value", task="Answers", output="table",
    examples=("", "--bins 10 --plot hist.png", "--limits 0,100 --sample 200", "--bins 7 --limits=-5,2.5"),
)  # fmt: skip
def hist(
    stdin,
    *,
    bins: Count("number of bins of equal width; default one for each value up to 16 bits, else 256",
                low=1, high=1 << 24) = None,
    limits: Pair("lower edge of the first and upper edge of the last bin; default the least and greatest voxel",
                 unit="in the voxels' own values") = None,
    plot: Text("also draw the counts, in black, and their logarithms, in grey, to FILE", metavar="FILE.png") = None,
    sample: sample_of() = None, seed: seed_of() = 0,
):  # fmt: skip
    """A row for each bin, low high count: LOW <= v < HIGH, in the last bin LOW <= v <= HIGH. NaN, infinities and voxels
    beyond the limits are in no bin. Where voxels have components, each value counts as a voxel.

    Without --bins and --limits integers of up to 16 bits have a bin for each value from the least to the greatest
    that occurs (no row in an empty volume). Else edges and counts are those of numpy.histogram on the finite voxels,
    exactly.

    With --sample N the rows are of N slices drawn at random, and three columns follow: share, the bin's part of all the
    slices' voxels, NaN and infinities too; share_low and share_high, between which it is in the volume, in all bins at
    once, with 95 % confidence. This holds whatever the voxels are, for slices are counted, not voxels: it is
    sqrt(2 (1 + ln 40) / N) to either side, see sweep-quantile(1), and nothing where all slices are taken. Of a stored
    volume sweep-run(1) reads the chunks in which slices were drawn; a pipe passes whole.

    One sweep for integers of up to 16 bits, and where --limits are given. Others are swept twice, once for the limits.
    """
    dtype = stdin.head.dtype
    if limits is not None and not (np.isfinite(limits).all() and limits[0] <= limits[1]):
        raise UsageError(f"limits are {limits[0]},{limits[1]}, must be two finite numbers, the lower one first")
    slices = drawn(stdin.head, sample, seed)
    end = partial(shares, size(stdin.head, slices), 2 * band(slices)) if sample else dict
    if few(dtype) and bins is None and limits is None:
        return (stdin | tally(slices=slices)).then(each).then(end)
    cut = partial(checked, dtype, bins or 256, limits)
    if few(dtype):
        return (stdin | tally(slices=slices)).then(partial(sort_in, cut)).then(rows).then(end)
    where = cut(None) if limits is not None else (stdin | ends(slices=slices)).then(cut)
    return (stdin | binned(edges=where, bins=bins or 256, slices=slices)).then(rows).then(end)


def each(counted):
    """A row for each value between the extremes, from the counts of those that occur."""
    values, counts = counted
    if not len(values):
        return {"low": [], "high": [], "count": []}
    low = np.arange(values[0], values[-1] + 1)
    full = np.zeros(len(low), np.int64)
    full[values - values[0]] = counts
    return {"low": low, "high": low + 1, "count": full}


def checked(dtype, bins, limits, extremes):
    where = edges(dtype, bins, limits, extremes)
    if where is None:
        low, high = limits if limits is not None else extremes.tolist()
        raise UsageError(f"bins is {bins}, too many for {dtype.name} between {low} and {high}")
    return where


def sort_in(cut, counted):
    """(edges, counts) of bins, from the counts of each value."""
    values, counts = counted
    where = cut(values[[0, -1]] if len(values) else None)
    inside = (values >= where[0]) & (values <= where[-1])
    place = np.minimum(np.searchsorted(where, values[inside], side="right") - 1, len(where) - 2)
    sums = np.zeros(len(where) - 1, np.int64)
    np.add.at(sums, place, counts[inside])
    return where, sums


def rows(counted):
    where, counts = counted
    return {"low": where[:-1], "high": where[1:], "count": counts}


def shares(voxels, off, table):
    """The table of a sample of so many voxels, with each bin's share of them, and how far that may be off."""
    share = np.asarray(table["count"], np.float64) / max(1, voxels)
    return table | {"share": share, "share_low": np.maximum(share - off, 0), "share_high": np.minimum(share + off, 1)}
