"""A window whose declared halo is too small by one, which it hides by looking no further than its buffer."""

import numpy as np

from sweeptools.spec import op


@op("greatest of five along x", halo=lambda: (0, 0, 1), examples=("",), edges=True)
def mutant(src, dst, box):
    """The greatest of the two voxels on either side, as far as there are any."""
    z0, z1, y0, y1, x0, x1 = box
    for x in range(x0, x1):
        near = src[z0:z1, y0:y1, max(0, x - 1) : x + 4]
        np.max(near, axis=2, out=dst[z0:z1, y0:y1, x], initial=0)
