"""Thresholds by the histogram: counts of rising whole levels, a rule that says which level parts them, `v > level`.

Integers of up to 16 bits have a level for each value, all other types 256, the bins between the least and the greatest
voxel. A rule takes lists of the levels that occur and of their counts, and gives a level, whole or between two, or None
where there is none to give."""

from functools import partial

import numpy as np

from ..kernels import voxel
from ..params import Param
from ..spec import op
from ._levels import binned, edges, ends, few, tally


def levelled(stdin, rule, bins=256):
    """Node of what a rule comes to, as a voxel's value or between two; a list of levels where the rule gives a list."""
    dtype = stdin.head.dtype
    if few(dtype):
        return (stdin | tally()).then(partial(of_values, rule))
    where = (stdin | ends()).then(partial(bins_of, dtype, bins))
    return (stdin | binned(edges=where, bins=bins)).then(partial(of_bins, rule))


def bins_of(dtype, bins, extremes):
    """Edges of so many bins; of a single bin where the type has too few values between the extremes, or there are none."""
    if extremes is None:
        return np.zeros(2, dtype)
    with np.errstate(over="ignore"):
        scale = 1 if dtype.kind != "f" or np.isfinite(extremes[1] - extremes[0]) else 2
    where = edges(dtype, bins, None, extremes if scale == 1 else extremes / 2) if extremes[0] < extremes[1] else None
    return extremes if where is None else where * scale


def of_values(rule, counted):
    values, counts = counted
    return rule(values.tolist(), counts.tolist())


def of_bins(rule, counted):
    where, counts = counted
    if not counts.any():
        return None
    middles = where[:-1] / 2 + where[1:] / 2                 # the sum of two may overflow
    if len(counts) == 1:
        middles = where[:1]
    occupied = np.flatnonzero(counts)
    level = rule(occupied.tolist(), counts[occupied].tolist())
    if isinstance(level, list):
        return [middles[i].item() for i in level]
    if level is None or isinstance(level, int):
        return level if level is None else middles[level].item()
    first, last = float(middles[0]), float(middles[-1])      # between two middles, which are equally far apart
    share = level / max(1, len(middles) - 1)
    return first * (1 - share) + last * share


# ------------------------------------------------------------------ several levels


@op("how many levels a voxel is above", dtype="uint8", role="labels")
def classes_of(src, dst, box, *, levels: Param("levels, rising, of the voxels' type or between two of its values")):
    """0 for NaN, and where there are no levels (None)."""
    z0, z1, y0, y1, x0, x1 = box
    dst[z0:z1, y0:y1, x0:x1] = 0
    for s, d in voxel.parts(box, src, dst):
        for level in levels or ():
            np.add(d, s > (level if s.dtype.kind == "f" else np.floor(level)), out=d, casting="unsafe")
