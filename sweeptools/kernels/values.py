"""Components of equal values: the runs of a slice as lists, and their scan. See components.py for the window."""

from ..jit import kernel
from .unions import close, unite


@kernel
def value_runs(src, row, begin, end, value):
    """Runs of equal values that are not zero: row y of the slice has runs row[y] to row[y + 1]. Their number."""
    ny, nx = src.shape
    n = 0
    for y in range(ny):
        row[y] = n
        x = 0
        while x < nx:
            v = src[y, x]
            if v == 0:
                x += 1
                continue
            begin[n] = x
            value[n] = v
            x += 1
            while x < nx and src[y, x] == v:
                x += 1
            end[n] = x
            n += 1
    row[ny] = n
    return n


@kernel
def join_values(par, far, i0, i1, begin, end, value, lab, j0, j1, begin0, end0, value0, other):
    """Unite runs of two rows that have one value and touch, `far` voxels apart at most (0 a face, 1 diagonally)."""
    j = j0
    for i in range(i0, i1):
        while j < j1 and end0[j] + far <= begin[i]:
            j += 1
        k = j
        while k < j1 and begin0[k] < end[i] + far:
            if value0[k] == value[i]:
                if lab[i] < 0:
                    lab[i] = other[k]
                elif lab[i] != other[k]:
                    lab[i] = unite(par, lab[i], other[k])
            k += 1


@kernel
def value_scan(
    connectivity, par, window, row, begin, end, value, lab, n, row0, begin0, end0, value0, lab0, alive, record
):
    """As `scan`, for runs of equal values: only voxels of one value are neighbours."""
    for i in range(window):
        par[i] = i
    for k in range(n):
        lab[k] = -1
    top = window
    ny = row.size - 1
    far = 0 if connectivity == 6 else 1
    across = 1 if connectivity == 26 else 0
    for y in range(ny):
        i, j = row[y], row[y + 1]
        if i == j:
            continue
        join_values(par, far, i, j, begin, end, value, lab, row0[y], row0[y + 1], begin0, end0, value0, lab0)
        if connectivity != 6:
            for u in range(max(y - 1, 0), min(y + 2, ny), 1):
                if u != y:
                    join_values(
                        par, across, i, j, begin, end, value, lab, row0[u], row0[u + 1], begin0, end0, value0, lab0
                    )
        if y:
            join_values(par, far, i, j, begin, end, value, lab, row[y - 1], row[y], begin, end, value, lab)
        for k in range(i, j):
            if lab[k] < 0:
                lab[k] = top
                par[top] = top
                top += 1
    return close(par, window, top, lab, n, alive, record)


@kernel
def value_paint(row, begin, end, lab, num, dst):
    """Draw each run's number, and 0 between the runs."""
    for y in range(dst.shape[0]):
        p = 0
        for k in range(row[y], row[y + 1]):
            dst[y, p : begin[k]] = 0
            dst[y, begin[k] : end[k]] = num[lab[k]]
            p = end[k]
        dst[y, p:] = 0
