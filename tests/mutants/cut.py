"""A sum along z that begins anew in each block: right on one block, and nowhere else."""

import numpy as np

from sweeptools.spec import op


@op("running sum along z", dtype="float64", examples=("",))
def mutant(src, dst, box):
    """Each voxel is the sum of those before it."""
    z0, z1, y0, y1, x0, x1 = box
    np.cumsum(src[z0:z1, y0:y1, x0:x1], axis=0, out=dst[z0:z1, y0:y1, x0:x1], dtype="float64")
