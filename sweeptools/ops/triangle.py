"""sweep-triangle: the threshold that lies farthest below the line from the histogram's peak to its end."""

from ..params import Flag
from ..spec import op
from ._levels import above
from ._thresholds import levelled


@op(
    "threshold by the triangle method", task="Several sweeps", dtype="uint8", role="mask",
    examples=("", "--print", "--dtype uint16"),
)  # fmt: skip
def triangle(stdin, *, print: Flag("print the threshold as text instead of passing on a stream") = False):
    """Write 1 where v > t, else 0. The threshold t is the level at which the histogram lies farthest below the straight
    line from its peak to the farther one of its ends, in exact arithmetic, of equals that which is nearer to that end.
    Good where the histogram has one peak, of the background, and a long tail. It goes to the report and the history, and
    is shown by -v.

    Integers of up to 16 bits have a bin for each value. All other types have 256 bins of equal width between the least
    and the greatest voxel, and t is the middle of a bin. A volume of one value has that value as t, and gives 0
    everywhere. NaN gives 0; NaN and infinities do not count towards t. Without a finite voxel there is no t and the
    result is 0. Where voxels have components, there is one t for all.

    Two sweeps up to 16 bits, else three. As skimage.filters.threshold_triangle (which has 256 bins for 16 bits, too).
    Zack, Rogers and Latt, "Automatic measurement of sister chromatid exchange frequency" (1977).
    """
    return stdin | above(level=levelled(stdin, farthest).then(lambda t: t, found="threshold"))


def farthest(levels, counts):
    """Levels that do not occur have the count 0."""
    if len(levels) < 2:
        return levels[0] if levels else None
    peak = max(counts)
    top = levels[counts.index(peak)]
    low, high = levels[0], levels[-1]
    flip = top - low < high - top                            # the tail is above: seen from its end
    end, sign = (high, -1) if flip else (low, 1)
    width = abs(top - end)
    known = dict(zip(levels, counts))
    place, most = 0, None
    for x in range(width):
        length = peak * x - width * known.get(end + sign * x, 0)
        if most is None or length > most:
            place, most = x, length
    return end + sign * place
