"""sweep-moments: the threshold that keeps the moments of the histogram."""

from fractions import Fraction

from ..params import Flag
from ..spec import op
from ._levels import above
from ._thresholds import levelled


@op(
    "threshold that keeps the first moments", task="Several sweeps", dtype="uint8", role="mask",
    examples=("", "--print", "--dtype uint16"),
)  # fmt: skip
def moments(stdin, *, print: Flag("print the threshold as text instead of passing on a stream") = False):
    """Write 1 where v > t, else 0. The two values and their shares are looked for that have the mean, the variance and the
    skewness of the voxels; t is the least level up to which there are as many voxels as the lower share, in exact
    arithmetic. It goes to the report and the history, and is shown by -v.

    Integers of up to 16 bits have a bin for each value. All other types have 256 bins of equal width between the least
    and the greatest voxel, and t is the middle of a bin. A volume of one value has that value as t, and gives 0
    everywhere. NaN gives 0; NaN and infinities do not count towards t. Without a finite voxel there is no t and the
    result is 0. Where voxels have components, there is one t for all.

    Two sweeps up to 16 bits, else three. As the method Moments of ImageJ and SimpleITK. Tsai, "Moment-preserving
    thresholding: a new approach" (1985).
    """
    return stdin | above(level=levelled(stdin, keeps_moments).then(lambda t: t, found="threshold"))


def keeps_moments(levels, counts):
    """With the central moments b, c of two values x < y: x + y = c / b, x y = -b, and the share of x is y / (y - x), which
    is (1 + s) / 2 where s has the sign of c and the square r / (r + 4), r = c^2 / b^3. All in fractions."""
    if len(levels) < 2:
        return levels[0] if levels else None
    n = sum(counts)
    s = sum(level * count for level, count in zip(levels, counts))
    b = sum((n * level - s) ** 2 * count for level, count in zip(levels, counts))       # times n^3
    c = sum((n * level - s) ** 3 * count for level, count in zip(levels, counts))       # times n^4
    r = Fraction(c * c * n, b * b * b)
    square, up_to = n * n * r / (r + 4), 0
    for level, count in zip(levels, counts):
        up_to += count
        over = 2 * up_to - n                                 # at least n s?
        if over * over >= square and over >= 0 if c > 0 else over >= 0 or over * over <= square:
            return level
    return levels[-1]
