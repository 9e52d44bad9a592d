"""sweep-invert: bright becomes dark."""

import numpy as np

from ..spec import op


@op(
    "turn the scale of values round",
    task="Voxel by voxel",
    examples=("", "--dtype float32", "--dtype uint8"),
    role="image", undoes_itself=True,
    head=lambda head: head.but(nodata=None),
)
def invert(src, dst, box):
    """Give max - v for unsigned types, -1 - v for signed ones, -v for floats.

    These map the range of the type onto itself without a value that has no partner; twice gives the volume back.
    The type is kept; NaN stays NaN. What comes out has the role of an image.
    """
    z0, z1, y0, y1, x0, x1 = box
    turn = np.negative if src.dtype.kind == "f" else np.invert
    turn(src[z0:z1, y0:y1, x0:x1], out=dst[z0:z1, y0:y1, x0:x1])
