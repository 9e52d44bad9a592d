"""Where a label meets itself: see ops/_contacts.py for what is counted."""

import numpy as np

from ..jit import kernel


@kernel
def contacts(src, dst, box, after, met):
    """dst = met[pattern of the neighbours behind a voxel that have its label], 64 where there is none. after (13, 3) are
    the steps to them; src has a voxel more above along z and at each side of y and x."""
    z0, z1, y0, y1, x0, x1 = box
    for z in range(z0, z1):
        for y in range(y0, y1):
            row, out = src[z, y + 1, x0 + 1 : x1 + 1], dst[z, y, x0:x1]
            for x in range(row.size):
                v = row[x]
                if v <= 0:
                    out[x] = 64
                    continue
                pattern = 0
                for i in range(after.shape[0]):
                    other = src[z + after[i, 0], y + 1 + after[i, 1], x0 + x + 1 + after[i, 2]]
                    pattern |= np.int64(other == v) << i
                out[x] = met[pattern]


@kernel
def touch(runs, n, contacts, met):
    """Add the contacts of the first n runs: pairs of neighbours along z, y, x and the Euler number."""
    for i in range(n):
        row = runs[i, 0]
        part = contacts[runs[i, 1], runs[i, 2], runs[i, 3] : runs[i, 4]]
        a, b, c, e = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
        for x in range(part.size):
            v = np.int64(part[x])
            a += v & 1
            b += v >> 1 & 1
            c += v >> 2 & 1
            e += (v >> 3) - 8
        met[row, 0] += a
        met[row, 1] += b
        met[row, 2] += c
        met[row, 3] += e
