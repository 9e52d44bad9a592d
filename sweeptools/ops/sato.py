"""sweep-sato: tubeness."""

from ..params import Arg, Flag, Number
from ..spec import op
from ._tensors import Scales, finished, over_scales, sato_of, single, wide


@op(
    "tubeness: ridges by the Hessian, at several scales", task="Windows", edges=True,
    examples=("1", "0.5,1 --bright --mode constant --cval 7", "1,1.5 --truncate 2 --mode nearest --dtype uint8"),
)  # fmt: skip
def sato(stdin, *, sigmas: Arg(Scales, "standard deviations of the scales", low=0),
         bright: Flag("bright tubes on dark, not dark ones on bright") = False,
         truncate: Number("reach of the windows", low=0, unit="standard deviations") = 4.0,
         mode, cval, dtype):  # fmt: skip
    """Give the greatest over the scales SIGMAS of sigma² times the root of the product of the two greatest eigenvalues of
    the Hessian, each at least 0: large on dark tubes as wide as a scale, with --bright on bright ones, 0 where there
    are none.

    SIGMAS are numbers with commas between, in voxels, or in a unit of length that stands at the end (1,2,4um): then
    windows and derivatives are those of space, whatever the spacing. All scales are taken in one sweep. The result is
    float32, float64 from float64; --dtype overrides. Derivatives are computed in float32 (float64 for float64, 32- and
    64-bit integers and where --dtype is float64), eigenvalues in float64 as in sweep-hessian. NaN and infinities make
    NaN of every voxel whose window they lie in. In mode constant the volume is extended by CVAL once. Errors: a scale
    that is 0, negative or not finite; voxels with components.
    Equals skimage.filters.sato but for the Hessian, which there takes first derivatives twice. Source: Sato and others
    1998.
    """
    single(stdin.head, "sato")
    rule = lambda hessian, sigma: hessian | sato_of(bright=bright, factor=sigma * sigma)  # noqa: E731
    return finished(over_scales(stdin, sigmas, truncate, mode, cval, wide(dtype), rule), stdin.head, dtype)
