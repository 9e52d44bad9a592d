"""Components of tiles become those of the whole: where they begin, and union-find over the components of all tiles."""

import numpy as np

from ..jit import kernel
from .bits import ONE, begins, lowest, popcount
from .unions import find


@kernel
def firsts(bits, group, starts, base, lab, kept, out):
    """For each member of the window from `kept` on, where its first run in this slice begins: y and x, in order. lab:
    of the runs, whose new members are numbered in the order of their first voxels."""
    n = 0
    for y in range(group * (starts.shape[0] - 2)):
        j = y // group + 1
        for i in range(1, starts.shape[1]):
            s = begins(bits, np.uint64(y + group), np.uint64(i))
            while s != 0 and n < len(out):
                k = base[j, i] + popcount(starts[j, i] & (s ^ (s - ONE))) - 1
                if lab[k] == kept + n:
                    out[n, 0] = y
                    out[n, 1] = 64 * i - 64 + lowest(s)
                    n += 1
                s &= s - ONE


@kernel
def value_firsts(row, begin, lab, kept, out):
    """As `firsts`, for runs of equal values."""
    n = 0
    for y in range(row.size - 1):
        for k in range(row[y], row[y + 1]):
            if n < len(out) and lab[k] == kept + n:
                out[n, 0] = y
                out[n, 1] = begin[k]
                n += 1


@kernel
def unite(parent, first, a, b):
    """Make one of each pair of components a[i], b[i]: the one whose voxel is first stands for both."""
    for i in range(a.size):
        p, q = find(parent, a[i]), find(parent, b[i])
        if first[p] <= first[q]:
            parent[q] = p
        else:
            parent[p] = q


@kernel
def settle(parent, number):
    """All have the number of the one that stands for them."""
    for i in range(parent.size):
        number[i] = number[find(parent, i)]
