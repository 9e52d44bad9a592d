"""Sums over labelled regions, exact and so the same in whatever order and in however many parts they are made.

A table has a row for each label in the order in which labels were met: `labels` uint64 (rows,), found by open
addressing through `slots` int32 (a power of two, twice the rows; row + 1, or 0 where empty). Its columns:

  sums     uint64 (rows, 19): voxels, then low and high word of the sums of z, y, x, zz, yy, xx, zy, zx, yx
  ends     int64 (rows, 6): least z, y, x, then greatest z, y, x
  met      int64 (rows, 4): see contacts.py
  limbs, odd, least, greatest: see weights.py

Runs of one label along x come as int64 (n, 5): row of the table, z and y of the block, first x, and x behind the last.
"""

import numpy as np

from ..jit import kernel

HALF = np.uint64(32)
GOLDEN = np.uint64(0x9E3779B97F4A7C15)             # 2^64 / golden ratio: multiplicative hashing, Knuth 6.4


@kernel(inline=True)
def row_of(label, slots, labels, count):
    """The row of a label, which is `count`, a new one, where the label has not been met."""
    # labels that follow each other share a stretch of 64 slots, stretches are strewn
    mask = slots.size - 1
    at = np.int64((((label >> np.uint64(6)) * GOLDEN) >> HALF) << np.uint64(6) | (label & np.uint64(63))) & mask
    while slots[at] and labels[slots[at] - 1] != label:
        at = (at + 1) & mask
    if slots[at] == 0:
        slots[at] = count + 1
        labels[count] = label
    return slots[at] - 1


@kernel
def rehash(slots, labels, count):
    """Enter the first `count` labels in empty slots."""
    for row in range(count):
        row_of(labels[row], slots, labels, row)


@kernel
def rows_of(wanted, n, slots, labels, count, rows):
    """The rows of the first n wanted labels, new ones for those not met; the number of rows then."""
    for i in range(n):
        rows[i] = row_of(wanted[i], slots, labels, count)
        count = max(count, rows[i] + 1)
    return count


@kernel
def runs(src, box, line, slots, labels, count, out):
    """Runs of equal labels above 0 in the box from its row number `line` on, until `out` or the table may not hold
    another row of voxels: (next line, rows of the table, runs)."""
    z0, z1, y0, y1, x0, x1 = box
    ny, n = y1 - y0, 0
    while line < (z1 - z0) * ny and n + x1 - x0 <= out.shape[0] and count + x1 - x0 <= labels.size:
        z, y = z0 + line // ny, y0 + line % ny
        line += 1
        x = x0
        while x < x1:
            v = src[z, y, x]
            first = x
            x += 1
            while x + 16 <= x1:                    # 16 voxels a step while all are alike
                other = v ^ v
                for k in range(16):
                    other |= src[z, y, x + k] ^ v
                if other != 0:
                    break
                x += 16
            while x < x1 and src[z, y, x] == v:
                x += 1
            if v > 0:
                row = row_of(np.uint64(v), slots, labels, count)
                count = max(count, row + 1)
                out[n, 0], out[n, 1], out[n, 2], out[n, 3], out[n, 4] = row, z, y, first, x
                n += 1
    return line, count, n


# ------------------------------------------------------------------ place and shape


@kernel(inline=True)
def add(a, at, value):
    """Add a word to two words, the low one first."""
    low = a[at] + value
    a[at + 1] += np.uint64(low < value)
    a[at] = low


@kernel
def measure(runs, n, z_first, y_first, x_first, sums, ends):
    """Add the first n runs of a block whose first voxel has these indices. Indices below 2^21 never overflow."""
    for i in range(n):
        row = runs[i, 0]
        z, y = runs[i, 1] + z_first, runs[i, 2] + y_first
        a, b = runs[i, 3] + x_first, runs[i, 4] + x_first
        size = b - a
        x = size * (a + b - 1) // 2
        xx = (b - 1) * b * (2 * b - 1) // 6 - (a - 1) * a * (2 * a - 1) // 6
        s = sums[row]
        if s[0] == 0:
            ends[row, 0], ends[row, 1], ends[row, 2] = z, y, a
            ends[row, 3], ends[row, 4], ends[row, 5] = z, y, b - 1
        s[0] += np.uint64(size)
        add(s, 1, np.uint64(size * z))
        add(s, 3, np.uint64(size * y))
        add(s, 5, np.uint64(x))
        add(s, 7, np.uint64(size * z * z))
        add(s, 9, np.uint64(size * y * y))
        add(s, 11, np.uint64(xx))
        add(s, 13, np.uint64(size * z * y))
        add(s, 15, np.uint64(z * x))
        add(s, 17, np.uint64(y * x))
        e = ends[row]
        e[0], e[1], e[2] = min(e[0], z), min(e[1], y), min(e[2], a)
        e[3], e[4], e[5] = max(e[3], z), max(e[4], y), max(e[5], b - 1)


@kernel
def merge(rows, n, sums, ends, more_sums, more_ends):
    """Add row i of another table to row rows[i]."""
    for i in range(n):
        s, t = sums[rows[i]], more_sums[i]
        new = s[0] == 0
        s[0] += t[0]
        for k in range(1, s.size, 2):
            add(s, k, t[k])
            s[k + 1] += t[k + 1]
        for k in range(3):
            low, high = more_ends[i, k], more_ends[i, k + 3]
            ends[rows[i], k] = low if new else min(ends[rows[i], k], low)
            ends[rows[i], k + 3] = high if new else max(ends[rows[i], k + 3], high)
