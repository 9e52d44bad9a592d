"""sweep-clip: values beyond two bounds become the bounds."""

import numpy as np

from ..kernels import voxel
from ..params import Arg, Value
from ..spec import op
from ._values import check_order


def _head(head, low, high):
    check_order("low", low, "high", high)
    return head.but(nodata=None)


@op(
    "limit values to a range",
    task="Voxel by voxel",
    examples=("0 200", "-1000 -300", "-inf 10.5", "0.25 0.75"),
    head=_head,
)
def clip(src, dst, box, *, low: Arg(Value, "least value kept"), high: Arg(Value, "greatest value kept")):
    """Replace values below LOW by LOW and values above HIGH by HIGH.

    The type is kept; the bounds are first rounded to it, in an integer type to the nearest, ties to even, and
    clipped to its range, which is the same as to clip first and then to round. -inf and inf leave a side open. NaN
    stays NaN. LOW above HIGH, or NaN for either, is an error.
    """
    z0, z1, y0, y1, x0, x1 = box
    bounds = voxel.nearest(low, src.dtype), voxel.nearest(high, src.dtype)
    np.clip(src[z0:z1, y0:y1, x0:x1], *bounds, out=dst[z0:z1, y0:y1, x0:x1])
