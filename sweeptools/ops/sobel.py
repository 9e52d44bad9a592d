"""sweep-sobel: the magnitude of Sobel's gradient."""

from ..spec import op
from ._separable import filtered

SMOOTH, SLOPE = ((2.0, 1.0), False), ((0.0, 1.0), True)


@op(
    "edges: the magnitude of Sobel's gradient", task="Windows", edges=True,
    examples=("", "--mode constant --cval 7 --dtype uint16", "--mode nearest"),
)  # fmt: skip
def sobel(stdin, *, mode, cval, dtype):
    """Give the length of Sobel's gradient: along each axis the difference of the two neighbours, -1 0 1, weighted 1 2 1
    along the two others. It is not scaled: a ramp of 1 a voxel gives 32.

    The result is float32, float64 from float64; --dtype overrides. Computed in float32, in float64 for float64, 32- and
    64-bit integers and where --dtype is float64. A NaN makes NaN of every voxel whose window it lies in, an infinity
    infinities or NaN. Components of a voxel are filtered apart. In mode constant the volume is extended by CVAL once.
    Equals scipy.ndimage.generic_gradient_magnitude with scipy.ndimage.sobel on float64. Source: Sobel and Feldman 1968.
    """
    filters = [(tuple(SLOPE if axis == a else SMOOTH for a in range(3)),) for axis in range(3)]
    return filtered(stdin, filters, mode, cval, dtype, length=True)
