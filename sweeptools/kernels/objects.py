"""What belongs to connected components as the window of components.py goes on: a weight for each, and what is chosen.

A weight is an int64 that grows with the runs of a component; when the component dies its weight is logged, one for each
`died` of the slice's record, in their order. Read backwards beside the records, they give every component at its
creation the weight that it comes to.
"""

import numpy as np

from ..jit import kernel
from .bits import ONE, popcount
from .numbers import kept


@kernel
def carry(record, weight, window, dead):
    """Take the weights of a window of so many members into the next by the slice's record: those of the merged are added,
    those of the died go to `dead`, new ones are 0. The number of the died."""
    end = record.size
    died, merged = np.int64(record[end - 2]), np.int64(record[end - 1])
    for i in range(died):
        dead[i] = weight[record[i]]
    for i in range(died, died + 2 * merged, 2):
        weight[record[i + 1]] += weight[record[i]]
    d, m, k = 0, died, 0
    for i in range(window):
        if d < died and record[d] == i:
            d += 1
        elif m < end - 3 and record[m] == i:
            m += 2
        else:
            weight[k] = weight[i]
            k += 1
    for i in range(k, k + record[end - 3]):
        weight[i] = 0
    return died


@kernel
def add_sizes(bits, group, starts, lab, weight):
    """Add the voxels of the runs of a slice's mask, in lines of `group` rows, to the weights of their components."""
    k = -1
    for j in range(1, starts.shape[0] - 1):
        one, other, begun = bits[group * j], bits[group * j + group - 1], starts[j]
        for i in range(1, begun.size):
            a, b, s = one[i], other[i] if group > 1 else np.uint64(0), begun[i]
            while True:
                part = (s & (~s + ONE)) - ONE      # up to the next start; all where there is none
                n = popcount(a & part) + popcount(b & part)
                if n:
                    weight[lab[k]] += n
                if s == 0:
                    break
                a, b, s = a & ~part, b & ~part, s & (s - ONE)
                k += 1


@kernel
def add_faces(mask, starts, lab, whole, weight):
    """Take 1 from the weight of a component for each of its runs that touches a face of the volume; `whole` slices lie in
    one."""
    ny, nx = mask.shape
    k = 0
    for y in range(ny):
        face = whole or y == 0 or y == ny - 1
        first = k
        for i in range(1, starts.shape[1]):
            s = starts[y + 1, i]
            while s != 0:
                if face:
                    weight[lab[k]] -= 1
                k += 1
                s &= s - ONE
        if not face and k > first:
            if mask[y, 0]:
                weight[lab[first]] -= 1
            if mask[y, nx - 1]:
                weight[lab[k - 1]] -= 1


@kernel
def add_value_sizes(row, begin, end, lab, weight):
    """`add_sizes` for runs of equal values."""
    for k in range(row[row.size - 1]):
        weight[lab[k]] += end[k] - begin[k]


@kernel
def resolve(log, at, dead, died_at, window, root, below, weight, before, low, high, out, rank):
    """`numbers.resolve`, and the rank of each created component: of its weight in the end, 0 below `low`, 1 from `low`
    on, 2 from `high` on. dead: the logged weights, read backwards from died_at; weight, before: int64 (largest window,),
    at the end of the log the weights of the last window. (at, died_at, window, number written)."""
    n = 0
    while at > 0:
        created, died, merged = np.int64(log[at - 3]), np.int64(log[at - 2]), np.int64(log[at - 1])
        if n + created > out.size:
            break
        m = at - 3 - 2 * merged
        at = d = m - died
        died_at -= died
        kept = window - created
        for k in range(window - 1, kept - 1, -1):
            out[n] = root[k]
            rank[n] = (weight[root[k]] >= low) + (weight[root[k]] >= high)
            n += 1
        window = kept + died + merged
        first, end_died, end_merged, k = d, m, m + 2 * merged, 0
        where = below[window:]                     # survivor k of the new window was member where[k] of the old
        for i in range(window):
            if d < end_died and log[d] == i:
                below[i] = i
                before[i] = dead[died_at + d - first]
                d += 1
            elif m < end_merged and log[m] == i:
                below[i] = below[log[m + 1]]
                m += 2
            else:
                where[k] = i
                below[i] = where[root[k]]
                before[i] = weight[k]
                k += 1
        for i in range(window):
            root[i] = below[i]
            weight[i] = before[i]
    return at, died_at, window, n


@kernel
def choose(record, table, rank, at, window, num, ties):
    """`numbers.number`, where num becomes 1 for a component that is chosen and 0 for others: for those of rank 2, and
    for the first `ties` of rank 1. (at, ties left)."""
    for i in range(kept(record, window, num), window):
        at -= 1
        if table[at] != i:
            num[i] = num[table[at]]
        elif rank[at] == 1 and ties > 0:
            num[i] = 1
            ties -= 1
        else:
            num[i] = rank[at] == 2
    return at, ties
