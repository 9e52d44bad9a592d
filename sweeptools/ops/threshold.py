"""sweep-threshold: 1 where a voxel lies between two levels, else 0."""

from math import inf

from ..kernels import voxel
from ..params import Arg, Count, Value
from ..spec import op
from ._values import check_order


def _head(head, low, high):
    check_order("low", low, "high", high)
    return head.but(nodata=None)


@op(
    "keep voxels between two levels",
    task="Voxel by voxel",
    examples=("100", "100 200 --value 255", "-1000 -300", "0.5 inf"),
    dtype="uint8",
    role="mask",
    head=_head,
)
def threshold(
    src, dst, box, *,
    low: Arg(Value, "least value that counts"),
    high: Arg(Value, "greatest value that counts") = inf,
    value: Count("what is written there", low=0, high=255) = 1,
):  # fmt: skip
    """Write VALUE where LOW <= v <= HIGH, else 0.

    The result is a uint8 mask. NaN lies between no levels and gives 0. Integer volumes are compared exactly with
    any levels, fractions and 64-bit numbers included; a float volume is compared with the levels rounded to its own
    type, so that 0.7 finds a 0.7 stored as float32. Voxels with components are compared component by component.
    LOW above HIGH, or NaN for either, is an error.
    """
    voxel.between(src, dst, box, low, high, value)
