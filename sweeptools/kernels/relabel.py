"""Labels: which there are, others in their place, and where they meet."""

import numpy as np

from ..jit import kernel


@kernel
def replace(src, dst, box, old, new, rest, keep):
    """new[i] where a voxel is old[i] (rising), else `rest`, or with `keep` the voxel itself. Runs are looked up once."""
    z0, z1, y0, y1, x0, x1 = box
    for z in range(z0, z1):
        for y in range(y0, y1):
            row, out = src[z, y, x0:x1], dst[z, y, x0:x1]
            x = 0
            while x < row.size:
                v = row[x]
                a, b = 0, old.size
                while a < b:
                    middle = (a + b) >> 1
                    if old[middle] < v:
                        a = middle + 1
                    else:
                        b = middle
                found = a < old.size and old[a] == v
                value = new[a] if found else rest
                value = v if keep and not found else value
                out[x] = value
                x += 1
                while x < row.size and row[x] == v:
                    out[x] = value
                    x += 1


@kernel
def differs(src, dst, box, offsets, inner):
    """1 where a neighbour has another value, else 0; with `inner` 0 where the voxel itself is 0. offsets: (n, 3) steps
    along z, y, x to the neighbours; src has one voxel more at each side."""
    z0, z1, y0, y1, x0, x1 = box
    for z in range(z0, z1):
        for y in range(y0, y1):
            own, out = src[z + 1, y + 1, x0 + 1 : x1 + 1], dst[z, y, x0:x1]
            for x in range(out.size):
                out[x] = 0
            for i in range(offsets.shape[0]):
                dz, dy, dx = offsets[i, 0] + 1, offsets[i, 1] + 1, offsets[i, 2] + 1
                other = src[z + dz, y + dy, x0 + dx : x1 + dx]
                for x in range(out.size):
                    out[x] |= np.uint8(own[x] != other[x])
            if inner:
                for x in range(out.size):
                    out[x] &= np.uint8(own[x] != 0)
