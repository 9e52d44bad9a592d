"""sweep-li: the threshold of least cross entropy."""

from math import log

from ..params import Flag
from ..spec import op
from ._exact import quotient
from ._levels import above
from ._thresholds import levelled


@op(
    "threshold by Li's method", task="Several sweeps", dtype="uint8", role="mask",
    examples=("", "--print", "--dtype uint16"),
)  # fmt: skip
def li(stdin, *, print: Flag("print the threshold as text instead of passing on a stream") = False):
    """Write 1 where v > t, else 0. The threshold t is where the cross entropy between the volume and its two classes, each
    at its mean, is least: from the mean of all voxels on, t becomes (a - b) / (log a - log b) of the means a and b of
    v <= t and v > t, counted from the least voxel, until it moves by less than half a level. It goes to the report and
    the history, and is shown by -v.

    Integers of up to 16 bits have a bin for each value. All other types have 256 bins of equal width between the least
    and the greatest voxel, and a level is a bin. Means are exact and rounded once; the logarithm is the machine's. A
    volume of one value has that value as t, and gives 0 everywhere. NaN gives 0; NaN and infinities do not count towards
    t. Without a finite voxel there is no t and the result is 0. Where voxels have components, there is one t for all.

    Two sweeps up to 16 bits, else three. As skimage.filters.threshold_li, which takes floats one by one. Li and Tam, "An
    iterative algorithm for minimum cross entropy thresholding" (1998).
    """
    return stdin | above(level=levelled(stdin, least_cross_entropy).then(lambda t: t, found="threshold"))


def least_cross_entropy(levels, counts):
    if len(levels) < 2:
        return levels[0] if levels else None
    first = levels[0]
    n = sum(counts)
    s = sum((level - first) * count for level, count in zip(levels, counts))
    now, then = -1.0, quotient(s, n)
    while abs(then - now) > 0.5:
        now = then
        low = [(level - first, count) for level, count in zip(levels, counts) if level - first <= now]
        n0, s0 = sum(count for _, count in low), sum(level * count for level, count in low)
        if s0 == 0 or n0 == n:
            break
        a, b = quotient(s0, n0), quotient(s - s0, n - n0)
        then = (a - b) / (log(a) - log(b))
    return first + then
