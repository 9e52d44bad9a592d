"""A head rule that leaves something in the head which the wire cannot carry as it is."""

import numpy as np

from sweeptools.spec import op


@op("copy", head=lambda head: head.but(meta={"levels": (1, 2)}), examples=("",))
def mutant(src, dst, box):
    """The voxels as they are."""
    z0, z1, y0, y1, x0, x1 = box
    np.copyto(dst[z0:z1, y0:y1, x0:x1], src[z0:z1, y0:y1, x0:x1])
