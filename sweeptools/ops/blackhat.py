"""sweep-blackhat: the closing of a volume without the volume."""

from ..params import Arg, Element
from ..spec import op
from ._differences import above
from ._extrema import beside_both, closing


@op(
    "keep what is dark and smaller than a structuring element", task="Windows", edges=True,
    examples=("cross --mode nearest", "box:2,5,4 --mode constant --cval 3 --dtype float32", "ball:1.5"),
)  # fmt: skip
def blackhat(stdin, *, shape: Arg(Element, "structuring element"), mode, cval, dtype):
    """Subtract every voxel from its closing by SHAPE (sweep-close): what is left are the dark specks, cracks and valleys
    in which SHAPE has no room, bright on a background of 0.

    SHAPE is box:SIZE, cross (the six neighbours), ball:R (dz²+dy²+dx² <= R²; with a unit an ellipsoid of that radius in
    space) or file:FOOTPRINT.npy (a 3-D array; its voxels are those that are not 0), placed as sweep-erode and
    sweep-dilate place it. The type is kept and differences are clipped to it: --dtype uint16 keeps all of int16's. None
    is below 0. A NaN within reach gives NaN. Each erosion and dilation extends what comes to it by the edge mode, as in
    scipy. Components of a voxel are taken apart. Errors: a file that holds no 3-D array, or one without a voxel; in
    mode constant a CVAL that the type cannot hold.
    Equals scipy.ndimage.black_tophat with the same footprint where that does not wrap. Source: see sweep-erode.
    """
    return closing(stdin, shape, mode, cval) | above(beside_both(stdin, shape), dtype=dtype)
