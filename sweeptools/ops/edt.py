"""sweep-edt: how far it is to the nearest zero voxel."""

import numpy as np

from ..errors import UsageError
from ..params import Flag
from ..spec import op
from ._components import nonzero
from ._distance import distance, ends, equals, sampling
from .normalize import floating


@op(
    "exact Euclidean distance to the nearest zero voxel", task="Several sweeps", dtype=floating, role="image",
    extent="volume", examples=("", "--squared --voxels", "--signed", "--by-value"),
)  # fmt: skip
def edt(
    stdin,
    *,
    voxels: Flag("count in voxels, whatever the spacing") = False,
    squared: Flag("write the square of the distance") = False,
    signed: Flag("distances outside too, positive; those inside are negative") = False,
    by_value: Flag("distance to the nearest voxel of another value") = False,
):
    """Write for each voxel that is not zero the distance to the nearest zero voxel, between centres, and 0 for the
    others: float32, float64 from float64.

    The distance is in the unit of the stream's spacing, along each axis as that says; in voxels with --voxels or where
    there is no spacing. It is exact however far the nearest zero voxel is: squares are whole numbers where the spacing
    is the same along all axes, else float64, and the root is rounded once. Without a zero voxel all distances are
    infinite, which is told. NaN is not zero. What lies beyond the volume is not looked at.

    With --signed a voxel that is zero has the distance to the nearest one that is not, and one that is not has the
    negative of the distance to the nearest zero. With --by-value objects that touch are apart: the distance is that to
    the nearest voxel of another value, zero or not; all NaN are one value. With --squared distances are squared before
    the sign.

    Two sweeps, down and up, memory for a few slices: on the way down the ends of runs along the swept axis are kept on
    disk, about 0.15 MB per million voxels of rounded objects, at most 4 bytes a voxel; on the way up each slice follows
    from them. A stream that cannot be read again is kept on disk as well.

    Same as scipy.ndimage.distance_transform_edt. Columns and rows: search outwards as far as a smaller distance is
    possible, beyond that Felzenszwalb and Huttenlocher, "Distance transforms of sampled functions" (2012).
    """
    if stdin.head.components:
        named = ", ".join(stdin.head.components)
        raise UsageError(f"edt needs one value per voxel, the stream has components {named}")
    sampling(stdin.head, voxels)
    if not by_value:
        keys = stdin | nonzero()
    else:
        keys = stdin if stdin.head.dtype in (np.uint32, np.uint64) else stdin | equals()
    every = int(signed)
    log = keys | ends(every=every)
    return keys | distance(
        ends=log, every=every, keyed=int(signed or by_value), voxels=voxels, squared=int(squared),
        dtype=floating(stdin.head),
    )  # fmt: skip
