"""sweep-laplace: the Laplacian of Gaussian."""

from ..params import Arg, Lengths, Number
from ..spec import op
from ._derivatives import along, axes_of
from ._separable import filtered


@op(
    "sum of the second derivatives of a Gaussian", task="Windows", edges=True,
    examples=("1", "0,1,0.5 --mode constant --cval 7", "1.5 --mode nearest --truncate 2 --dtype int16"),
)  # fmt: skip
def laplace(stdin, *, sigma: Arg(Lengths, "standard deviation", low=0),
            truncate: Number("reach of the window", low=0, unit="standard deviations") = 4.0,
            mode, cval, dtype):  # fmt: skip
    """Give the sum of the second derivatives along z, y and x of a Gaussian of standard deviation SIGMA: negative on what
    is brighter than its surroundings, positive on what is darker.

    Derivatives are per voxel, not per unit of length; an axis of SIGMA 0 is not smoothed and has no part in the sum.
    The result is float32, float64 from float64; --dtype overrides. Computed in float32, in float64 for float64, 32- and
    64-bit integers and where --dtype is float64. A NaN makes NaN of every voxel whose window it lies in, an infinity
    infinities or NaN. Components of a voxel are filtered apart. In mode constant the volume is extended by CVAL once.
    Errors: SIGMA or TRUNCATE that is negative or not finite, SIGMA 0 along all axes.
    Equals scipy.ndimage.gaussian_laplace on float64. The derivatives share their passes.
    """
    terms = sum((along(sigma, truncate, axis, axis) for axis in axes_of(sigma)), ())
    return filtered(stdin, [terms], mode, cval, dtype)
