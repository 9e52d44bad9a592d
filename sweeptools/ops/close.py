"""sweep-close: the erosion of the dilation."""

from ..params import Arg, Element
from ..spec import op
from ._extrema import closing


@op(
    "fill what is dark and smaller than a structuring element", task="Windows", edges=True,
    examples=("cross --mode nearest", "box:2,5,4 --mode constant --cval 3", "ball:1.5"),
)  # fmt: skip
def close(stdin, *, shape: Arg(Element, "structuring element"), mode, cval):
    """Dilate by SHAPE, then erode by it. Dark specks, cracks and valleys in which SHAPE has no room are filled, all else
    is left as it is; once more changes nothing.

    SHAPE is box:SIZE, cross (the six neighbours), ball:R (dz²+dy²+dx² <= R²; with a unit an ellipsoid of that radius in
    space) or file:FOOTPRINT.npy (a 3-D array; its voxels are those that are not 0), placed as sweep-erode and
    sweep-dilate place it. The type is kept. A NaN under SHAPE makes its dilation NaN, and so spreads twice as far. Each
    erosion and dilation extends what comes to it by the edge mode, as in scipy. Components of a voxel are taken apart.
    Errors: a file that holds no 3-D array, or one without a voxel; in mode constant a CVAL that the type cannot hold.
    Equals scipy.ndimage.grey_closing with the same footprint. Source: see sweep-erode.
    """
    return closing(stdin, shape, mode, cval)
