"""sweep-median: the middle value over a box."""

from math import prod

from ..params import Arg, Sizes
from ..spec import op
from ._ranks import ranked


@op(
    "median over a box", task="Windows", edges=True,
    examples=("3", "1,3,2 --mode nearest", "5,1,3 --mode mirror", "3 --mode constant --cval 9"),
)  # fmt: skip
def median(stdin, *, size: Arg(Sizes, "edge lengths of the box"), mode, cval):
    """Replace every voxel by the middle one of the box of SIZE around it, in order of value.

    Of an even number it is the upper one of the two in the middle. The place of a box is its voxel size // 2 along each
    axis. Both are scipy's rules. The type is kept.
    NaN ranks above all numbers: a window gives NaN where half of it or more is NaN, so that single ones are
    removed; -0 ranks below 0. Components of a voxel are ranked apart.
    Errors: in mode constant a CVAL that the type cannot hold.
    Equals scipy.ndimage.median_filter. Source: for 3x3x3 a network of minima and maxima whose sorted columns are
    shared by neighbours (as Paeth 1990, McGuire 2008), for small boxes bisection of the values by counting, for large ones
    of up to 32-bit voxels from one voxel to the next, by what enters and leaves the box (as Huang, Yang and Tang 1979).
    """
    return ranked(stdin, size, prod(size) // 2, mode, cval)
