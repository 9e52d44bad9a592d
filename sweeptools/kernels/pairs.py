"""The scan of a slice for neighbours that share a face, an edge or a corner, two rows at a time.

What two rows of a slice have in neighbouring columns touches, and so does what these two rows of one slice have and those
of the next: a pair of rows is scanned as one, by the runs of both together, and only the rows at its sides alone.
"""

import numpy as np

from ..jit import kernel
from .bits import ONE, begins, wide
from .unions import close, join

NONE, TWO = np.uint64(0), np.uint64(2)


@kernel
def scan26(par, window, bits, starts, base, lab, n, bits0, starts0, base0, lab0, alive, record):
    """Join the n runs of a slice to each other and to those of the slice before, given by its bits0 and so on.

    lab becomes places in the new window: (size of the new window, length of the record).

    With pair A = (z, y), (z, y+1) and pair B = (z-1, y), (z-1, y+1) before it, touching rows are (z-1, y+2) below A,
    (z-1, y-1) above it, and (z, y-1) beside it. What touches A where B is has been joined with B already, where B's row
    is a neighbour of its own; (z-1, y-1) and (z, y-1) likewise.
    """
    for i in range(window):
        par[i] = i
    for k in range(n):
        lab[k] = -1
    top = window
    for j in range(ONE, np.uint64(starts.shape[0] - 1)):
        y = j + j                                  # the pair's first row
        for i in range(ONE, np.uint64(starts.shape[1])):
            w0, w1, v0, v1 = wide(bits, y, i), wide(bits, y + ONE, i), wide(bits0, y, i), wide(bits0, y + ONE, i)
            s, sb = starts[j, i], starts0[j, i]
            touch = s & (v0 | v1) | sb & ~s & (w0 | w1)
            join(par, touch, s, base[j, i], lab, sb, base0[j, i], lab0)
            if w1 & ~v1 != 0:
                s1, below, k = begins(bits, y + ONE, i), y + TWO, j + ONE
                touch = (s1 & wide(bits0, below, i) | begins(bits0, below, i) & ~s1 & w1) & ~v1
                join(par, touch, s, base[j, i], lab, starts0[k, i], base0[k, i], lab0)
            if w0 & ~v0 != 0:
                s0, above, k = begins(bits, y, i), y - ONE, j - ONE
                u = wide(bits0, above, i)
                touch = (s0 & u | begins(bits0, above, i) & ~s0 & w0) & ~v0
                join(par, touch, s, base[j, i], lab, starts0[k, i], base0[k, i], lab0)
                touch = (s0 & wide(bits, above, i) | begins(bits, above, i) & ~s0 & w0) & ~(u | v0)
                join(par, touch, s, base[j, i], lab, starts[k, i], base[k, i], lab)
        fresh = np.int32(0)
        for k in range(base[j, ONE], base[j + ONE, ONE]):
            fresh = min(fresh, lab[k])
        if fresh < 0:
            top = create(par, top, bits, starts, base, j, lab)
    return close(par, window, top, lab, n, alive, record)


@kernel
def create(par, top, bits, starts, base, j, lab):
    """Give the runs of pair j that touch nothing components of their own, in order of their first voxels: those with a
    voxel in the first row come first."""
    i, last = ONE, np.uint64(starts.shape[1] - 1)
    for k in range(base[j, ONE], base[j + ONE, ONE]):
        if lab[k] < 0:
            while i < last and base[j, i + ONE] <= k:
                i += ONE
            s = starts[j, i]
            for _ in range(k - base[j, i]):
                s &= s - ONE
            if in_first(bits, j + j, i, s & ~(s - ONE)):
                lab[k] = par[top] = top
                top += 1
    for k in range(base[j, ONE], base[j + ONE, ONE]):
        if lab[k] < 0:
            lab[k] = par[top] = top
            top += 1
    return top


@kernel(inline=True)
def in_first(bits, y, i, bit):
    """Whether the run of rows y and y + 1 that starts at a bit of word i has a voxel in the first of them."""
    part = ~(bit - ONE)
    while True:
        gap = ~(bits[y, i] | bits[y + ONE, i]) & part
        part &= (gap & ~(gap - ONE)) - ONE         # up to the gap; all where there is none
        if bits[y, i] & part or gap:
            break
        part = ~NONE
        i += ONE
    return bits[y, i] & part != 0
