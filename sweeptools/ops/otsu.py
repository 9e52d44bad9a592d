"""sweep-otsu: the threshold that parts the voxels into the two classes that differ most."""

import numpy as np

from ..params import Flag
from ..spec import op
from ._levels import above, binned, edges, ends, few, tally


@op(
    "threshold by Otsu's method", task="Several sweeps", dtype="uint8", role="mask",
    examples=("", "--print", "--dtype uint16"),
)  # fmt: skip
def otsu(stdin, *, print: Flag("print the threshold as text instead of passing on a stream") = False):
    """Write 1 where v > t, else 0. The threshold t is the least value at which the variance between the classes
    v <= t and v > t is greatest, in exact arithmetic; it goes to the report and the history, and is shown by -v.

    Integers of up to 16 bits have a bin for each value. All other types have 256 bins of equal width between the least
    and the greatest voxel, and t is the middle of a bin, as in skimage.filters.threshold_otsu. A volume of one value
    has that value as t, and gives 0 everywhere. NaN gives 0; NaN and infinities do not count towards t. Without a
    finite voxel there is no t and the result is 0. Where voxels have components, there is one t for all.

    Two sweeps up to 16 bits, else three. Otsu, "A threshold selection method from gray-level histograms" (1979).
    """
    dtype = stdin.head.dtype
    if few(dtype):
        counted, rule = stdin | tally(), of_values
    else:
        where = (stdin | ends()).then(lambda extremes: bins_of(dtype, extremes))
        counted, rule = stdin | binned(edges=where, bins=256), of_bins
    level = counted.then(rule, found="threshold")
    return stdin | above(level=level)                        # with --print only the threshold is asked for


def bins_of(dtype, extremes):
    """Edges of 256 bins; of a single bin where the type has too few values between the extremes, or there are none."""
    if extremes is None:
        return np.zeros(2, dtype)
    with np.errstate(over="ignore"):
        scale = 1 if dtype.kind != "f" or np.isfinite(extremes[1] - extremes[0]) else 2
    where = edges(dtype, 256, None, extremes if scale == 1 else extremes / 2) if extremes[0] < extremes[1] else None
    return extremes if where is None else where * scale


def of_values(counted):
    values, counts = counted
    place = best(values.tolist(), counts.tolist())
    return None if place is None else int(values[place])


def of_bins(counted):
    where, counts = counted
    if not counts.any():
        return None
    if len(counts) == 1:
        return where[0].item()
    occupied = np.flatnonzero(counts)
    i = occupied[best(occupied.tolist(), counts[occupied].tolist())]
    return (where[i] / 2 + where[i + 1] / 2).item()          # their sum may overflow


def best(levels, counts):
    """Index of the least of rising whole `levels` at which the variance between classes is greatest; None without any.

    With n0 of n voxels in the lower class, which sum to s0 of s, it is (n s0 - n0 s)^2 / (n0 (n - n0)) / n^2: quotients
    of whole numbers, compared crosswise.
    """
    n, s = sum(counts), sum(level * count for level, count in zip(levels, counts))
    n0 = s0 = 0
    place, top, bottom = (0 if counts else None), 0, 1
    for i, (level, count) in enumerate(zip(levels[:-1], counts)):
        n0 += count
        s0 += level * count
        a, b = (n * s0 - n0 * s) ** 2, n0 * (n - n0)
        if a * bottom > top * b:
            place, top, bottom = i, a, b
    return place
