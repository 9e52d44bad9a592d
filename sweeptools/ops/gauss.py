"""sweep-gauss: convolution with a Gaussian or its derivative."""

from decimal import Decimal
from math import fsum, isfinite

from ..errors import UsageError
from ..params import Arg, Counts, Lengths, Number
from ..spec import op
from ._lines import NONE, separable

FARTHEST = 100_000                     # voxels that a window may reach: more is a mistake, and costs minutes to weigh


def weights(sigma, truncate, order):
    """(half, odd): the weights of scipy's _gaussian_kernel1d from the centre outwards.

    The exponential is Decimal's and the sum is rounded once, so that every CPU gives the same bytes.
    """
    if sigma <= 1e-15:                               # scipy's bound for an axis that is left alone
        return NONE
    if not isfinite(sigma) or not isfinite(sigma * truncate):
        raise UsageError(f"sigma is {sigma} and truncate {truncate}, both must be finite")
    radius = int(truncate * sigma + 0.5)
    if radius > FARTHEST:
        raise UsageError(f"sigma is {sigma:g} px: the window reaches {radius} px, must be at most {FARTHEST}")
    square = sigma * sigma
    half = [float(Decimal(-0.5 / square * x**2).exp()) for x in range(radius + 1)]
    total = fsum(half + half[1:])
    polynomial = [1.0]                               # of x, times the Gaussian: its derivative, differentiated again
    for _ in range(order):
        down = [k * a for k, a in enumerate(polynomial)][1:] + [0.0, 0.0]
        up = [0.0] + [a / -square for a in polynomial]
        polynomial = [a + b for a, b in zip(down, up, strict=True)]
    sign = -1.0 if order % 2 else 1.0                # correlated with the mirrored kernel, that is convolved
    values = [fsum(a * x**k for k, a in enumerate(polynomial)) * (g / total) for x, g in enumerate(half)]
    return tuple(sign * v for v in values), order % 2 == 1


@op(
    "smooth with a Gaussian, or take its derivative", task="Windows", edges=True,
    examples=("2", "1,2,0.5 --mode nearest", "1 --derivative 0,0,1", "1.5 --truncate 2 --mode constant --cval 7"),
)  # fmt: skip
def gauss(stdin, *, sigma: Arg(Lengths, "standard deviation", low=0),
          truncate: Number("reach of the window", low=0, unit="standard deviations") = 4.0,
          derivative: Counts("order of the derivative along z, y and x", low=0, high=16) = (0, 0, 0),
          mode, cval, dtype):  # fmt: skip
    """Convolve with a Gaussian of standard deviation SIGMA along x, y and z, or with its derivative.

    The window reaches int(TRUNCATE * SIGMA + 0.5) voxels to either side; an axis with SIGMA 0 is left alone, its
    derivative too. A derivative is per voxel, not per unit of length. The type is kept; derivatives of unsigned
    voxels want --dtype float32. Sums are taken in float32 (float64 for float64 and 32- and 64-bit integers, or where
    --dtype is float64) and rounded once, at the end: to integers to the nearest, ties to even, clipped. The weights
    are the same on every CPU.
    A NaN makes NaN of every voxel whose window it lies in, an infinity gives infinity or NaN, as in scipy; where the
    result is an integer NaN becomes 0 with a warning. Components of a voxel are filtered apart.
    In mode constant the volume is extended by CVAL once, before the first pass (scipy extends the rows and columns
    already filtered). Errors: SIGMA or TRUNCATE that is negative or not finite.
    Source: the weights and the window are those of scipy.ndimage.gaussian_filter.
    """
    along = tuple(weights(s, truncate, order) for s, order in zip(sigma, derivative, strict=True))
    return separable(stdin, along, mode, cval, dtype)
