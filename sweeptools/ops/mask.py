"""sweep-mask: keep the voxels where another volume is not zero."""

from ..errors import UsageError
from ..kernels import voxel
from ..params import Arg, Value, Volume
from ..spec import op
from ._values import is_known


def _head(head, fill):
    if is_known(fill) and head.dtype.kind != "f" and (fill != fill or voxel.nearest(fill, head.dtype) != fill):
        raise UsageError(f"fill is {fill}, which {head.dtype} does not hold; use sweep-cast first")
    return head


@op(
    "keep voxels where another volume is not zero",
    task="Voxel by voxel",
    examples=("mask.zarr", "labels.zarr --fill 10", "mask.zarr --dtype float32"),
    head=_head,
)
def mask(
    src, inside, dst, box, *,
    volume: Arg(Volume, "what decides: voxels that are not 0 there are kept"),
    fill: Value("what the others become") = 0,
):  # fmt: skip
    """Keep the voxels where VOLUME is not 0, and write FILL elsewhere.

    The type is kept; FILL must be a value of it. VOLUME may be of any type and has the same shape; where it has no
    components and the stream has, it serves all of them. NaN in VOLUME is not 0. NaN in the stream is kept or
    replaced as any value.
    """
    voxel.where(src, inside, dst, box, voxel.nearest(fill, dst.dtype))
