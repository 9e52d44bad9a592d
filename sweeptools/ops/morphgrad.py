"""sweep-morphgrad: dilation without erosion."""

from ..params import Arg, Element
from ..spec import op
from ._differences import above, inner
from ._extrema import dilation, erosion, reach


@op(
    "difference of the greatest and the least value over a structuring element", task="Windows", edges=True,
    examples=("cross --mode nearest", "box:2,5,4 --mode constant --cval 3 --dtype float32", "ball:1.5"),
)  # fmt: skip
def morphgrad(stdin, *, shape: Arg(Element, "structuring element"), mode, cval, dtype):
    """Subtract the erosion by SHAPE from the dilation by it: the morphological gradient, bright along edges, 0 where all
    is flat.

    SHAPE is box:SIZE, cross (the six neighbours), ball:R (dz²+dy²+dx² <= R²; with a unit an ellipsoid of that radius in
    space) or file:FOOTPRINT.npy (a 3-D array; its voxels are those that are not 0), placed as sweep-erode and
    sweep-dilate place it. The type is kept and differences are clipped to it: --dtype uint16 keeps all of int16's. None
    is below 0. A NaN within reach gives NaN. Each erosion and dilation extends what comes to it by the edge mode, as in
    scipy. Components of a voxel are taken apart. Errors: a file that holds no 3-D array, or one without a voxel; in
    mode constant a CVAL that the type cannot hold.
    Equals scipy.ndimage.morphological_gradient with the same footprint where that does not wrap. Source: see sweep-erode.
    """
    unequal = [(max(0, a - b), max(0, b - a)) for a, b in reach(shape)]      # of even sizes
    high = inner(dilation(stdin, shape, mode, cval), unequal)
    low = inner(erosion(stdin, shape, mode, cval), [(b, a) for a, b in unequal])
    return high | above(low, dtype=dtype)
