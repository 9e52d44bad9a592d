"""sweep-dog: the difference of two Gaussians."""

from ..params import Arg, Lengths, Number
from ..spec import op
from ._derivatives import along
from ._separable import filtered


@op(
    "difference of two Gaussians: a band of sizes", task="Windows", edges=True,
    examples=("1 1.6", "0,1,0.5 1,2,1 --mode constant --cval 7", "0 1.5 --mode nearest --truncate 2 --dtype int16"),
)  # fmt: skip
def dog(stdin, *, first: Arg(Lengths, "standard deviation of the first", low=0, metavar="S1"),
        second: Arg(Lengths, "standard deviation of the one subtracted", low=0, metavar="S2"),
        truncate: Number("reach of the windows", low=0, unit="standard deviations") = 4.0,
        mode, cval, dtype):  # fmt: skip
    """Smooth with a Gaussian of standard deviation S1, subtract what one of S2 gives: what is left is of sizes between the
    two, bright positive where S1 is the smaller.

    The result is float32, float64 from float64; --dtype overrides. The
    difference is rounded once. Computed in float32, in float64 for float64, 32- and
    64-bit integers and where --dtype is float64. A NaN makes NaN of every voxel whose window it lies in, an infinity
    infinities or NaN. Components of a voxel are filtered apart. In mode constant the volume is extended by CVAL once.
    Errors: S1, S2 or TRUNCATE that is negative or not finite.
    Equals scipy.ndimage.gaussian_filter on float64, the one without the other. Source: Marr and Hildreth 1980.
    """
    terms = along(first, truncate) + along(second, truncate, factor=-1.0)
    return filtered(stdin, [terms], mode, cval, dtype)
