"""sweep-equalize: grey levels so that all are equally common."""

from functools import partial

import numpy as np

from ..kernels import voxel
from ..kernels.store import limits
from ..params import Dtype, Param
from ..spec import op
from ._levels import binned, ends, few, tally
from ._thresholds import bins_of

BINS = 4096


def of_values(counted):
    """(values, shares): what share of the voxels above the least value is at or below each value."""
    values, counts = counted
    if not len(values):
        return None
    up_to = np.cumsum(counts)
    least, n = up_to[0], up_to[-1]
    return values, (up_to - least) / max(1, n - least)


def of_bins(counted):
    """(edges, shares): what share of the voxels is below each edge."""
    where, counts = counted
    n = counts.sum()
    if not n:
        return None
    return where.astype(np.float64), np.concatenate([[0], np.cumsum(counts)]) / n * (where[0] < where[-1])


@op("each voxel's share onto the full range of the result's type", casts=True)
def shared(src, dst, box, *, shares: Param("rising values and the share of each")):
    """Linear between two values; 0 for all where there are none (None). The number of NaN turned into 0."""
    shares = shares or (np.arange(2.0), np.zeros(2))
    if few(src.dtype):                                       # a table of all values, by their bits
        bits = np.arange(256**src.dtype.itemsize, dtype=f"u{src.dtype.itemsize}").reshape(1, 1, -1)
        table = np.empty(bits.shape, dst.dtype)
        share(bits.view(src.dtype), table, shares)
        for s, d in voxel.parts(box, src.view(bits.dtype), dst):
            np.take(table.reshape(-1), s, out=d, mode="clip")
        return 0
    return sum(share(s, d, shares) for s, d in voxel.parts(box, src, dst))


def share(src, dst, shares):
    """Of all voxels of a part."""
    low, high, whole = limits(dst.dtype)
    made = np.interp(src, *shares)                           # NaN stays NaN
    if whole:
        made *= float(high) - float(low)
        made += float(low)
    return voxel.convert(made, dst, (0, src.shape[0], 0, src.shape[1], 0, src.shape[2]))


@op(
    "make all grey levels equally common", task="Several sweeps", casts=True,
    examples=("", "--dtype uint8", "--dtype float32"),
)  # fmt: skip
def equalize(stdin, *, dtype: Dtype("type of the result, instead of the filter's own") = None):
    """Write for each voxel what share of the volume is darker, on the full range of the type (from its least to its
    greatest value, floats 0 to 1), so that the histogram becomes as flat as it can. The type is kept unless --dtype is
    given.

    Integers of up to 16 bits have their own count for each value: v becomes (c(v) - c(m)) / (n - c(m)), c(v) being the
    number of voxels up to v, m the least value, n the number of voxels. Of all other types c is counted in 4096 bins of
    equal width between the least and the greatest finite voxel, and linear within a bin. Counts are exact, and computed
    in float64, rounded once. A volume of one value becomes the least value.

    NaN is not counted and stays NaN (0 in an integer type, with a warning); infinities are not counted and become the
    ends of the range. Where voxels have components, there is one histogram for all.

    Two sweeps up to 16 bits, else three.
    """
    kind = stdin.head.dtype
    if few(kind):
        counted, rule = stdin | tally(), of_values
    else:
        where = (stdin | ends()).then(partial(bins_of, kind, BINS))
        counted, rule = stdin | binned(edges=where, bins=BINS), of_bins
    return stdin | shared(shares=counted.then(rule), dtype=dtype)
