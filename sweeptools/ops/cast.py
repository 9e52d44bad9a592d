"""sweep-cast: another type of voxel."""

import numpy as np

from ..kernels import voxel
from ..params import Arg, Dtype, Flag
from ..spec import op


def _head(head, nodata, scale):
    """The head of the result; a no-data value stays one if the type holds it as it is."""
    if nodata is None or scale:
        return head.but(nodata=None)
    held = voxel.nearest(nodata, head.dtype) if nodata == nodata or head.dtype.kind == "f" else None
    return head.but(nodata=nodata if held is not None and (held == nodata or held != held) else None)


@op(
    "convert to another type",
    task="Voxel by voxel",
    examples=("uint8", "float32", "int16 --scale", "uint64 --scale"),
    dtype=lambda type: np.dtype(type),
    head=lambda head, scale: _head(head, head.nodata, scale),
)
def cast(
    src, dst, box, *,
    type: Arg(Dtype, "type of the result"),
    scale: Flag("map the full range of the type that comes in onto that of TYPE, floats 0..1") = False,
):  # fmt: skip
    """Give every voxel the value of TYPE that is nearest to its own.

    To an integer type values are rounded to the nearest, ties to even, and clipped to the range of TYPE, never
    wrapped; NaN becomes 0, and a warning counts them. Between integer types every value that TYPE holds is exact,
    64 bits included. Float values beyond float32 become infinite.

    With --scale the full range of the incoming type is mapped onto that of TYPE, in one sweep and whatever values
    occur: 0..255 of uint8 becomes 0..65535 of uint16, -128..127 of int8 becomes 0..255 of uint8. The range of a
    float type is 0..1; floats beyond it are clipped in integer types. Between integer types this is exact, rounded
    to the nearest; else it is computed in float64 and rounded once. From float to float --scale changes nothing.
    To map the values that occur, use sweep-stretch; to map a chosen range, sweep-rescale.

    The role is kept; a no-data value is kept where TYPE holds it unchanged.
    """
    return (voxel.full_range if scale else voxel.convert)(src, dst, box)
