"""sweep-erode: the least value over a structuring element."""

from ..params import Arg, Element
from ..spec import op
from ._extrema import erosion


@op(
    "least value over a structuring element", task="Windows", edges=True,
    examples=("box:3", "box:2,5,4 --mode constant --cval 3", "cross --mode nearest", "ball:2"),
)  # fmt: skip
def erode(stdin, *, shape: Arg(Element, "structuring element"), mode, cval):
    """Replace every voxel by the least value under SHAPE placed on it: erosion of grey values, and so of masks.

    SHAPE is box:SIZE, cross (the six neighbours), ball:R (dz²+dy²+dx² <= R²; with a unit an ellipsoid of that radius in
    space) or file:FOOTPRINT.npy (a 3-D array; its voxels are those that are not 0). Its place is its voxel size // 2
    along each axis, as in scipy. The type is kept.
    A NaN under SHAPE gives NaN. Components of a voxel are eroded apart.
    Errors: a file that holds no 3-D array, or one without a voxel; in mode constant a CVAL that the type cannot hold.
    Equals scipy.ndimage.grey_erosion with the same footprint. Source: a box is taken axis by axis, along each as
    minima of minima (at a cost of the root of its size); other shapes as runs along x (Urbach and Wilkinson 2008).
    """
    return erosion(stdin, shape, mode, cval)
