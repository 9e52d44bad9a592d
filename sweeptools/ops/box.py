"""sweep-box: the mean over a box."""

from ..params import Arg, Sizes
from ..spec import op
from ._means import mean


@op(
    "mean over a box", task="Windows", edges=True,
    examples=("3", "1,5,4 --mode nearest", "7 --mode mirror", "2 --mode constant --cval 9"),
)  # fmt: skip
def box(stdin, *, size: Arg(Sizes, "edge lengths of the box"), mode, cval, dtype):
    """Replace every voxel by the mean of the box of SIZE around it.

    The place of a box is its voxel size // 2 along each axis, as in scipy. The type is kept: integers are summed
    exactly and the mean is rounded once, to the nearest, ties to even; floats are summed in float64, each window
    afresh in one fixed order, so that no digit is lost to a distant large value (scipy's running sum loses them).
    A NaN makes NaN of the voxels whose box it lies in, and of no others; where --dtype is an integer it becomes 0 with
    a warning. Components of a voxel are averaged apart. In mode constant the volume is extended by CVAL once.
    Errors: in mode constant a CVAL that the type cannot hold; for 64-bit integers a box of 2^30 voxels or more.
    Equals scipy.ndimage.uniform_filter on float64, rounded once.
    """
    return mean(stdin, size, mode, cval, dtype)
