"""sweep-rank: a percentile over a box."""

from math import prod

from ..params import Arg, Number, Sizes
from ..spec import op
from ._ranks import ranked


def place(percentile, count):
    """The place, counted from 0, of a percentile among so many: scipy's rule."""
    return count - 1 if percentile == 100 else int(count * float(percentile) / 100.0)


@op(
    "percentile over a box", task="Windows", edges=True,
    examples=("1,3,2 --percentile 100 --mode nearest", "3 --percentile 20", "4,1,3 --percentile 62.5 --mode constant"),
)  # fmt: skip
def rank(stdin, *, size: Arg(Sizes, "edge lengths of the box"),
         percentile: Number("which of the voxels in order of value", low=0, high=100, unit="% of them lie below"),
         mode, cval):  # fmt: skip
    """Replace every voxel by the one of the box of SIZE around it below which PERCENTILE of the box's voxels lie, in order
    of value: 0 gives the least, 50 sweep-median, 100 the greatest.

    Of n voxels it is the one at place int(n * PERCENTILE / 100), counted from 0, and the last for 100: always a voxel of
    the box, never a mean of two. The place of a box is its voxel size // 2 along each axis. Both are scipy's rules. The
    type is kept. NaN ranks above all numbers; -0 ranks below 0. Components of a voxel are ranked apart.
    Errors: in mode constant a CVAL that the type cannot hold.
    Equals scipy.ndimage.percentile_filter. Source: see sweep-median.
    """
    return ranked(stdin, size, place(percentile, prod(size)), mode, cval)
