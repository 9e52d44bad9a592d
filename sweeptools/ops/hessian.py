"""sweep-hessian: the matrix of second derivatives."""

from ..params import Arg, Lengths, Number
from ..spec import op
from ._separable import filtered
from ._tensors import NAMES, Output, every_axis, finished, given, second, single, wide


@op(
    "matrix of the second derivatives of a Gaussian", task="Windows", edges=True,
    examples=("1", "1,2,0.5 --mode constant --cval 7 --output eigenvalues", "1.5 --truncate 2 --output eigenvectors"),
)  # fmt: skip
def hessian(stdin, *, sigma: Arg(Lengths, "standard deviation", low=0),
            output: Output() = "components",
            truncate: Number("reach of the window", low=0, unit="standard deviations") = 4.0,
            mode, cval, dtype):  # fmt: skip
    """Give in every voxel the symmetric 3x3 matrix of second derivatives of a Gaussian of standard deviation SIGMA: six
    components zz, zy, zx, yy, yx, xx; or its three eigenvalues, the greatest first; or its three eigenvectors in that
    order, nine components v1z, v1y, v1x, v2z ..., of length one, the longest component of each positive.

    Derivatives are per voxel, not per unit of length. The result is float32, float64 from float64; --dtype overrides.
    Computed in float32, in float64 for float64, 32- and 64-bit integers and where --dtype is float64; eigenvalues and
    vectors in float64 by Jacobi's rotations, with the same bytes on every CPU. A NaN makes NaN of every voxel whose
    window it lies in, an infinity infinities or NaN; a matrix that is not finite has NaN for all its eigenvalues and
    vectors. In mode constant the volume is extended by CVAL once. Errors: SIGMA that is 0, negative or not finite along
    an axis; voxels with components.
    Components equal scipy.ndimage.gaussian_filter with order=, eigenvalues numpy.linalg.eigvalsh of them;
    skimage.feature.hessian_matrix comes near, where it takes first derivatives twice. Source: Jacobi 1846.
    """
    single(stdin.head, "hessian")
    filters = second(every_axis(sigma), truncate)
    return finished(given(filtered(stdin, filters, mode, cval, wide(dtype), names=NAMES), output), stdin.head, dtype)
