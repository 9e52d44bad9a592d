"""sweep-dilate: the greatest value over a structuring element."""

from ..params import Arg, Element
from ..spec import op
from ._extrema import dilation


@op(
    "greatest value over a structuring element", task="Windows", edges=True,
    examples=("box:3", "box:2,5,4 --mode constant --cval 3", "cross --mode nearest", "ball:2"),
)  # fmt: skip
def dilate(stdin, *, shape: Arg(Element, "structuring element"), mode, cval):
    """Replace every voxel by the greatest value under SHAPE, reflected and placed on it: dilation of grey values and
    so of masks.

    SHAPE is box:SIZE, cross (the six neighbours), ball:R (dz²+dy²+dx² <= R²; with a unit an ellipsoid of that radius in
    space) or file:FOOTPRINT.npy (a 3-D array; its voxels are those that are not 0). Its place is its voxel size // 2
    along each axis, before it is reflected, as in scipy. The type is kept.
    A NaN under SHAPE gives NaN. Components of a voxel are dilated apart.
    Errors: a file that holds no 3-D array, or one without a voxel; in mode constant a CVAL that the type cannot hold.
    Equals scipy.ndimage.grey_dilation with the same footprint. Source: see erode, of which this is the dual.
    """
    return dilation(stdin, shape, mode, cval)
