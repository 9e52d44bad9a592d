"""Connected components slice by slice, in memory O(slice): one slice of runs, the window, and a log on disk.

Runs and union-find over two slices: He, Chao and Suzuki 2008. A row of a mask is 64 voxels a word, and the run at a bit
is found by its rank, so that no list of runs exists. Arrays, all C-contiguous:

  bits, starts   uint64 (ny + 2, words + 1): the mask, one bit a voxel, and where its runs start; row 0, row ny + 1 and
                 word 0 stay zero; words = nx // 64 + 1
  base           int32 (ny + 2, words + 1): the number of runs before this word
  lab            int32 (runs,): the place in the window of each run's component
  par            int32 (window + runs,): union-find; the smaller index survives, so par[i] <= i always

The *window* is the dense list of the components that touch the last slice, in order of first voxel. A slice turns
window W into the next, W': members that merged or died leave, the rest keep their order, new ones join at the end.
A slice's record in the log holds places in W and ends with its counts, so that the log can be read from its end:

  died (each i), merged (each i, j: i is now part of j), created, died, merged (the counts)
"""

import numpy as np

from ..jit import kernel

ONE = np.uint64(1)
TOP = np.uint64(63)
EIGHT_TO_BITS = np.uint64(0x0102040810204080)      # gathers the lowest bits of eight bytes in the highest byte
ODD, PAIRS = np.uint64(0x5555555555555555), np.uint64(0x3333333333333333)
NIBBLES, BYTES = np.uint64(0x0F0F0F0F0F0F0F0F), np.uint64(0x0101010101010101)


@kernel
def nonzero(src, dst, box):
    """1 where a voxel is not zero (NaN is not zero), else 0."""
    z0, z1, y0, y1, x0, x1 = box
    for z in range(z0, z1):
        for y in range(y0, y1):
            for x in range(x0, x1):
                dst[z, y, x] = src[z, y, x] != 0


@kernel(inline=True)
def popcount(word):
    """Number of set bits of a uint64; LLVM knows the idiom as one instruction."""
    w = word - ((word >> ONE) & ODD)
    w = (w & PAIRS) + ((w >> np.uint64(2)) & PAIRS)
    w = (w + (w >> np.uint64(4))) & NIBBLES
    return np.int64((w * BYTES) >> np.uint64(56))


@kernel(inline=True)
def lowest(word):
    """Index of the lowest set bit of a uint64 that is not 0."""
    return popcount(~word & (word - ONE))


# ------------------------------------------------------------------ runs of a mask


@kernel
def runs(mask, byte, bits, starts, base):
    """Bits of one slice of 0 and 1, the bits where runs start, and the number of runs before each word."""
    ny, nx = mask.shape
    word = byte.view(np.uint64)                    # (8 * words,): one row, zero behind its end
    n = 0
    for y in range(1, ny + 1):
        for x in range(nx):
            byte[x] = mask[y - 1, x]
        last = np.uint64(0)
        for i in range(1, bits.shape[1]):
            b = np.uint64(0)
            for k in range(8):
                b |= ((word[8 * i - 8 + k] * EIGHT_TO_BITS) >> np.uint64(56)) << np.uint64(8 * k)
            bits[y, i] = b
            s = b & ~(b << ONE | last)
            starts[y, i] = s
            base[y, i] = n
            n += popcount(s)
            last = b >> TOP
    base[ny + 1, 1] = n
    return n


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
def wide(bits, y, i):
    """The row and the row moved by one voxel to the right."""
    return bits[y, i] | bits[y, i] << ONE | bits[y, i - 1] >> TOP


@kernel(inline=True)
def touching(diagonal, sa, a, wa, sb, b, wb):
    """One bit for each pair of touching runs of two rows: where one starts, and the other is (or, diagonal, was)."""
    if diagonal:
        return sa & wb | sb & ~sa & wa
    return sa & b | sb & ~sa & a


@kernel(inline=True)
def join(par, touch, sa, base_a, lab, sb, base_b, other):
    """Unite the components of the pairs of runs; a run that had none yet takes the other's."""
    while touch != 0:
        upto = touch ^ (touch - ONE)
        i = base_a + popcount(sa & upto) - 1
        j = base_b + popcount(sb & upto) - 1
        touch &= touch - ONE
        p = lab[i]
        q = other[j]
        if p < 0:
            lab[i] = q
        elif p != q:
            lab[i] = unite(par, p, q)


@kernel(inline=True)
def scan(beside, below, across, par, window, bits, starts, base, lab, n, bits0, starts0, base0, lab0, alive, record):
    """Join the n runs of a slice to each other and to those of the slice before, given by its bits0 and so on.

    Rows that touch: beside (z, y-1), below (z-1, y), across (z-1, y-1) and (z-1, y+1); 0 not at all, 1 by a face
    along x, 2 also diagonally. Pruned where all are 2: of (z-1, y), (z-1, y-1) and (z, y-1), and of (z-1, y) and
    (z-1, y+1), two runs that touch each other have been joined already; (z-1, y-1) and (z-1, y+1) do not touch.
    """
    for i in range(window):
        par[i] = i
    for k in range(n):
        lab[k] = -1
    top = window
    first = 0
    for y in range(1, bits.shape[0] - 1):
        for i in range(1, bits.shape[1]):
            a, sa, base_a = bits[y, i], starts[y, i], base[y, i]
            some = sa | starts[y - 1, i] | starts0[y, i]
            if across:
                some |= starts0[y - 1, i] | starts0[y + 1, i]
            if some == 0:
                continue
            wa = wide(bits, y, i)
            if wa == 0:
                continue
            sb, wb = starts0[y, i], wide(bits0, y, i)
            touch = touching(below == 2, sa, a, wa, sb, bits0[y, i], wb)
            join(par, touch, sa, base_a, lab, sb, base0[y, i], lab0)
            seen = wb if across == 2 else np.uint64(0)
            if across:
                sb, wb = starts0[y + 1, i], wide(bits0, y + 1, i)
                touch = touching(across == 2, sa, a, wa, sb, bits0[y + 1, i], wb) & ~seen
                join(par, touch, sa, base_a, lab, sb, base0[y + 1, i], lab0)
                sb, wb = starts0[y - 1, i], wide(bits0, y - 1, i)
                touch = touching(across == 2, sa, a, wa, sb, bits0[y - 1, i], wb) & ~seen
                join(par, touch, sa, base_a, lab, sb, base0[y - 1, i], lab0)
                if across == 2:
                    seen |= wb
            sb, wb = starts[y - 1, i], wide(bits, y - 1, i)
            touch = touching(beside == 2, sa, a, wa, sb, bits[y - 1, i], wb) & ~seen
            join(par, touch, sa, base_a, lab, sb, base[y - 1, i], lab)
        for k in range(first, base[y + 1, 1]):
            if lab[k] < 0:
                lab[k] = top
                par[top] = top
                top += 1
        first = base[y + 1, 1]
    return close(par, window, top, lab, n, alive, record)


@kernel
def scan6(par, window, bits, starts, base, lab, n, bits0, starts0, base0, lab0, alive, record):
    """`scan` for neighbours that share a face. lab becomes places in the new window. (new window, record's length)."""
    return scan(1, 1, 0, par, window, bits, starts, base, lab, n, bits0, starts0, base0, lab0, alive, record)


@kernel
def scan18(par, window, bits, starts, base, lab, n, bits0, starts0, base0, lab0, alive, record):
    """`scan` for neighbours that share a face or an edge."""
    return scan(2, 2, 1, par, window, bits, starts, base, lab, n, bits0, starts0, base0, lab0, alive, record)


@kernel
def scan26(par, window, bits, starts, base, lab, n, bits0, starts0, base0, lab0, alive, record):
    """`scan` for neighbours that share a face, an edge or a corner."""
    return scan(2, 2, 2, par, window, bits, starts, base, lab, n, bits0, starts0, base0, lab0, alive, record)


@kernel
def close(par, window, top, lab, n, alive, record):
    """Write the slice's record and number the living densely: (size of the new window, length of the record)."""
    for i in range(top):
        par[i] = par[par[i]]
        alive[i] = 0
    for k in range(n):
        lab[k] = par[lab[k]]
        alive[lab[k]] = 1
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
    for i in range(top):
        if alive[i]:
            par[i] = size
            size += 1
    record[at] = size - (window - died - merged)
    record[at + 1] = died
    record[at + 2] = merged
    for k in range(n):
        lab[k] = par[lab[k]]
    return size, at + 3


# ------------------------------------------------------------------ what the log comes to


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


@kernel
def number(record, table, at, window, num, count):
    """num becomes the numbers of the new window's members, by the slice's record and the table read from its end."""
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
    for i in range(k, window):
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
def paint(mask, starts, lab, num, line, dst):
    """Draw each run's number up to the next start, then cut out the foreground. line: (nx + 32,), of dst's type."""
    ny, nx = dst.shape
    none = line.dtype.type(0)
    k = 0
    for y in range(ny):
        p = np.uint64(0)
        value = none
        for i in range(1, starts.shape[1]):
            s = starts[y + 1, i]
            while s != 0:
                q = np.uint64(64 * i - 64 + lowest(s))
                fill(line, p, q, value)
                p = q
                value = line.dtype.type(num[lab[k]])
                k += 1
                s &= s - ONE
        fill(line, p, np.uint64(nx), value)
        for x in range(nx):
            dst[y, x] = line[x] if mask[y, x] > 0 else none


# ------------------------------------------------------------------ runs of equal values


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
