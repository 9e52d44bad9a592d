"""sweep-tensor: the structure tensor."""

from ..params import Arg, Lengths, Number
from ..spec import op
from ._derivatives import along
from ._separable import filtered
from ._tensors import NAMES, Output, every_axis, finished, given, products, single, wide
from .normalize import floating


@op(
    "structure tensor: the directions of a texture", task="Windows", edges=True,
    examples=("1 1", "1,2,0.5 2,0,1 --mode constant --cval 7 --output eigenvalues",
              "1 1.5 --truncate 2 --output eigenvectors"),
)  # fmt: skip
def tensor(stdin, *, sigma: Arg(Lengths, "standard deviation of the gradient", low=0),
           rho: Arg(Lengths, "standard deviation of what it is averaged over", low=0),
           output: Output() = "components",
           truncate: Number("reach of the windows", low=0, unit="standard deviations") = 4.0,
           mode, cval, dtype):  # fmt: skip
    """Give in every voxel the outer product of the gradient (of a Gaussian of standard deviation SIGMA) with itself,
    smoothed with a Gaussian of RHO: six components zz, zy, zx, yy, yx, xx; or its three eigenvalues, the greatest
    first; or its three eigenvectors in that order, nine components v1z, v1y, v1x, v2z ..., of length one, the longest
    component of each positive. Along a fibre lies the third vector, across a sheet the first.

    Derivatives are per voxel, not per unit of length. The result is float32, float64 from float64; --dtype overrides.
    Computed in float32, in float64 for float64, 32- and 64-bit integers and where --dtype is float64; eigenvalues and
    vectors in float64 by Jacobi's rotations, with the same bytes on every CPU. A NaN makes NaN of every voxel that it
    reaches through both windows, an infinity infinities or NaN; a tensor that is not finite has NaN for all its
    eigenvalues and vectors. The products are extended by the edge mode once more, before they are smoothed. Errors:
    SIGMA that is 0 along an axis, SIGMA or RHO that is negative or not finite; voxels with components.
    Equals the same made of scipy.ndimage.gaussian_filter and numpy.linalg.eigh; skimage.feature.structure_tensor takes
    Sobel's gradient. Source: Bigun and Granlund 1987, Jacobi 1846.
    """
    single(stdin.head, "tensor")
    every_axis(sigma)
    gradient = filtered(stdin, [along(sigma, truncate, axis) for axis in range(3)], mode, cval, wide(dtype), names="zyx")
    head = stdin.head.but(dtype=wide(dtype) or floating(stdin.head), components=NAMES)
    smooth = filtered(gradient | products(), [along(rho, truncate)], mode, cval, wide(dtype), head=head)
    return finished(given(smooth, output), stdin.head, dtype)
