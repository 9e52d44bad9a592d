"""sweep-unsharp: sharpen by what a Gaussian takes away."""

from math import isfinite

from ..errors import UsageError
from ..params import Arg, Lengths, Number
from ..spec import op
from ._derivatives import along
from ._lines import NONE
from ._separable import filtered, scaled


@op(
    "sharpen by adding what a Gaussian takes away", task="Windows", edges=True,
    examples=("1 0.5", "0,1,0.5 2 --mode constant --cval 7", "1.5 -1 --mode nearest --truncate 2 --dtype float32"),
)  # fmt: skip
def unsharp(stdin, *, sigma: Arg(Lengths, "standard deviation", low=0), amount: Arg(Number, "how much of it is added"),
            truncate: Number("reach of the window", low=0, unit="standard deviations") = 4.0,
            mode, cval, dtype):  # fmt: skip
    """Give v + AMOUNT * (v - g), where g is v smoothed with a Gaussian of standard deviation SIGMA. An AMOUNT below 0 blurs.

    The type is kept: to integers the nearest, ties to even, clipped. Computed in float32, in float64 for float64, 32- and
    64-bit integers and where --dtype is float64, and rounded once. A NaN makes NaN of every voxel whose window it lies in,
    an infinity infinities or NaN; in an integer type NaN is 0, with a warning. Components of a voxel are filtered apart.
    In mode constant the volume is extended by CVAL once. Errors: SIGMA, TRUNCATE or AMOUNT that is not finite.
    Equals skimage.filters.unsharp_mask with preserve_range, but for rounding and edges, which are ours.
    """
    if not isfinite(amount):
        raise UsageError(f"amount is {amount}, must be finite")
    itself = ((scaled(NONE, 1.0 + amount), NONE, NONE),)
    terms = itself + along(sigma, truncate, factor=-float(amount))
    return filtered(stdin, [terms], mode, cval, dtype, own=stdin.head.dtype.name)
