"""Components that are joined while a slice is scanned, and the slice's record. See components.py for the window."""

import numpy as np

from ..jit import kernel
from .bits import ONE, popcount


@kernel(inline=True)
def find(par, i):
    while par[i] != i:
        par[i] = par[par[i]]
        i = par[i]
    return i


@kernel
def unite(par, a, b):
    """The root of both, which is the smaller one."""
    a = find(par, a)
    b = find(par, b)
    if a < b:
        par[b] = a
        return a
    par[a] = b
    return b


@kernel(inline=True)
def join(par, touch, sa, base_a, lab, sb, base_b, other):
    """Unite the components of the pairs of runs, one a bit; a run that had none yet takes the other's."""
    while touch != 0:
        upto = touch ^ (touch - ONE)
        i = base_a + popcount(sa & upto) - 1
        j = base_b + popcount(sb & upto) - 1
        touch &= touch - ONE
        p, q = np.int64(lab[i]), np.int64(other[j])
        p += (q - p) & (p >> 63)                   # q where p is -1, without a branch: which it is cannot be foretold
        lab[i] = p
        if p != q:
            lab[i] = unite(par, p, q)


@kernel
def close(par, window, top, lab, n, alive, record):
    """Write the slice's record and number the living densely: (size of the new window, length of the record)."""
    for i in range(top):
        alive[i] = 0
    for k in range(n):
        alive[lab[k]] = 1
    for i in range(top):
        par[i] = par[par[i]]
        alive[par[i]] |= alive[i]
    at = 0
    for i in range(window):
        if par[i] == i and alive[i] == 0:
            record[at] = i
            at += 1
    died = at
    for i in range(window):
        if par[i] != i:
            record[at] = i
            record[at + 1] = par[i]
            at += 2
    merged = (at - died) // 2
    size = 0
    for i in range(top):                           # par becomes the place in the new window
        if par[i] != i:
            par[i] = par[par[i]]
        elif alive[i]:
            par[i] = size
            size += 1
    record[at] = size - (window - died - merged)
    record[at + 1] = died
    record[at + 2] = merged
    if size < top:                                 # else all stay where they are
        for k in range(n):
            lab[k] = par[lab[k]]
    return size, at + 3
