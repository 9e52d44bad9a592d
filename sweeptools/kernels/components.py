"""Connected components slice by slice, in memory O(slice): one slice of runs, the window, and a log on disk.

Runs and union-find over two slices: He, Chao and Suzuki 2008; runs as in bits.py. Arrays, all C-contiguous:

  lab            int32 (runs,): the place in the window of each run's component
  par            int32 (window + runs,): union-find; the smaller index survives, so par[i] <= i always

The *window* is the dense list of the components that touch the last slice, in order of first voxel. A slice turns
window W into the next, W': members that merged or died leave, the rest keep their order, new ones join at the end.
A slice's record in the log holds places in W and ends with its counts, so that the log can be read from its end:

  died (each i), merged (each i, j: i is now part of j), created, died, merged (the counts)

Here are the scans row by row; two rows at a time, where all neighbours count, is in pairs.py, runs of equal values are in
values.py.
"""

import numpy as np

from ..jit import kernel
from .bits import ONE, wide
from .unions import close, join


@kernel(inline=True)
def touching(diagonal, sa, a, wa, sb, b, wb):
    """One bit for each pair of touching runs of two rows: where one starts, and the other is (or, diagonal, was)."""
    if diagonal:
        return sa & wb | sb & ~sa & wa
    return sa & b | sb & ~sa & a


@kernel(inline=True)
def scan(edges, par, window, bits, starts, base, lab, n, bits0, starts0, base0, lab0, alive, record):
    """Join the n runs of a slice to each other and to those of the slice before, given by its bits0 and so on.

    Rows that touch are (z, y-1) and (z-1, y), also diagonally where neighbours may share an edge; then also (z-1, y-1) and
    (z-1, y+1), by faces along x. lab becomes places in the new window: (size of the new window, length of the record).
    """
    for i in range(window):
        par[i] = i
    for k in range(n):
        lab[k] = -1
    top = window
    for y in range(ONE, np.uint64(bits.shape[0] - 1)):
        above, below = y - ONE, y + ONE
        for i in range(ONE, np.uint64(bits.shape[1])):
            a, w, s, first = bits[y, i], wide(bits, y, i), starts[y, i], base[y, i]
            if w == 0:
                continue
            touch = touching(edges, s, a, w, starts0[y, i], bits0[y, i], wide(bits0, y, i))
            join(par, touch, s, first, lab, starts0[y, i], base0[y, i], lab0)
            if edges:
                touch = touching(False, s, a, w, starts0[below, i], bits0[below, i], w)
                join(par, touch, s, first, lab, starts0[below, i], base0[below, i], lab0)
                touch = touching(False, s, a, w, starts0[above, i], bits0[above, i], w)
                join(par, touch, s, first, lab, starts0[above, i], base0[above, i], lab0)
            touch = touching(edges, s, a, w, starts[above, i], bits[above, i], wide(bits, above, i))
            join(par, touch, s, first, lab, starts[above, i], base[above, i], lab)
        for k in range(base[y, ONE], base[below, ONE]):
            if lab[k] < 0:
                lab[k] = par[top] = top
                top += 1
    return close(par, window, top, lab, n, alive, record)


@kernel
def scan6(par, window, bits, starts, base, lab, n, bits0, starts0, base0, lab0, alive, record):
    """`scan` for neighbours that share a face."""
    return scan(False, par, window, bits, starts, base, lab, n, bits0, starts0, base0, lab0, alive, record)


@kernel
def scan18(par, window, bits, starts, base, lab, n, bits0, starts0, base0, lab0, alive, record):
    """`scan` for neighbours that share a face or an edge."""
    return scan(True, par, window, bits, starts, base, lab, n, bits0, starts0, base0, lab0, alive, record)
