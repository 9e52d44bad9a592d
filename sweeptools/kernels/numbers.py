"""What the log of components.py comes to: final numbers, and painting them.

The log is read backwards once, which gives the place of each created component's final root: the *table*, last created
first. Read forwards beside the records, it gives the members of each window their numbers.
"""

import numpy as np

from ..jit import kernel
from .bits import ONE, lowest


@kernel
def resolve(log, at, window, root, below, out):
    """Read the log backwards from `at` and write what became of each created component, the last one first.

    out: places in the window in which a component was created, of the component that it is part of in the end; its
    own place if it stays itself. root: int32 (largest window,), the place of the final component of each member of the
    window, at the end of the log its own; below: int32 (2 * largest window,). Stops where out is full: (at, window,
    number written, number of components that stay themselves).
    """
    n = roots = 0
    while at > 0:
        created, died, merged = np.int64(log[at - 3]), np.int64(log[at - 2]), np.int64(log[at - 1])
        if n + created > out.size:
            break
        m = at - 3 - 2 * merged
        at = d = m - died
        kept = window - created
        for k in range(window - 1, kept - 1, -1):
            out[n] = root[k]
            roots += root[k] == k
            n += 1
        window = kept + died + merged
        end_died, end_merged, k = m, m + 2 * merged, 0
        where = below[window:]                     # survivor k of the new window was member where[k] of the old
        for i in range(window):
            if d < end_died and log[d] == i:
                below[i] = i
                d += 1
            elif m < end_merged and log[m] == i:
                below[i] = below[log[m + 1]]
                m += 2
            else:
                where[k] = i
                below[i] = where[root[k]]
                k += 1
        for i in range(window):
            root[i] = below[i]
    return at, window, n, roots


@kernel(inline=True)
def kept(record, window, num):
    """num loses what died or was merged in a slice, by its record; how many of the window before go on."""
    end = record.size
    created, died, merged = np.int64(record[end - 3]), np.int64(record[end - 2]), np.int64(record[end - 1])
    d, m, k = 0, died, 0
    for i in range(window - created + died + merged):
        if d < died and record[d] == i:
            d += 1
        elif m < end - 3 and record[m] == i:
            m += 2
        else:
            num[k] = num[i]
            k += 1
    return k


@kernel
def number(record, table, at, window, num, count):
    """num becomes the numbers of the new window's members, by the slice's record and the table read from its end."""
    for i in range(kept(record, window, num), window):
        at -= 1
        if table[at] == i:
            count += 1
            num[i] = count
        else:
            num[i] = num[table[at]]
    return at, count


@kernel(inline=True)
def fill(line, p, end, value):
    """16 voxels a step; what runs over the end is drawn over by the next run or cut off. Unsigned indices need no test
    for being negative, which would cost the vector instructions."""
    for x in range(p, end, np.uint64(16)):
        for q in range(16):
            line[x + np.uint64(q)] = value


@kernel
def paint(mask, group, starts, base, lab, num, line, dst, first, end):
    """The numbers of the runs of the lines first to end, each of `group` rows, and 0 beside them.

    Where a line has runs of several components, each run's number is drawn up to the next start, and the foreground is cut
    out. line: (nx + 32,), num: numbers by place, both of dst's type.
    """
    ny, nx = dst.shape
    none = line.dtype.type(0)
    for j in range(first, end):
        k = base[j + 1, 1]
        places = lab[k : base[j + 2, 1]]
        low = high = places[0] if places.size else np.int32(0)
        for i in range(places.size):
            low, high = min(low, places[i]), max(high, places[i])
        if low == high:
            value = num[low] if places.size else none
            for y in range(group * j, min(group * (j + 1), ny)):
                row, out = mask[y], dst[y]
                for x in range(nx):
                    out[x] = value if row[x] != 0 else none
            continue
        p, value = np.uint64(0), none
        for i in range(1, starts.shape[1]):
            s = starts[j + 1, i]
            while s != 0:
                q = np.uint64(64 * i - 64 + lowest(s))
                fill(line, p, q, value)
                p, value = q, num[lab[k]]
                k += 1
                s &= s - ONE
        fill(line, p, np.uint64(nx), value)
        for y in range(group * j, min(group * (j + 1), ny)):
            row, out = mask[y], dst[y]
            for x in range(nx):
                out[x] = line[x] if row[x] != 0 else none
