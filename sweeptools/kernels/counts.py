"""How many voxels of a box [n, y, x] have which value: counts of every value, by bins, and by 16 bits of a value."""

import numpy as np

from ..jit import kernel


@kernel
def every(src, box, a, b, c, d):
    """Count unsigned integers of up to 16 bits: the table of a voxel is one of four in turn, so that equal neighbours
    do not wait for each other. 16-bit tables are given twice each (a is c, b is d): four would leave the cache."""
    z0, z1, y0, y1, x0, x1 = box
    fours = (x1 - x0) // 4 * 4
    for z in range(z0, z1):
        for y in range(y0, y1):
            row = src[z, y, x0:x1]
            for x in range(0, fours, 4):
                a[row[x]] += 1
                b[row[x + 1]] += 1
                c[row[x + 2]] += 1
                d[row[x + 3]] += 1
            for x in range(fours, x1 - x0):
                a[row[x]] += 1


@kernel
def between(src, box, edges, counts):
    """Count voxels with edges[i] <= v < edges[i + 1]; the last bin includes its upper edge. NaN is in none.

    The place is guessed by a division and mended by the edges (float64, rising, about equally spaced), which decide.
    """
    z0, z1, y0, y1, x0, x1 = box
    last = counts.size - 1
    first, end = edges[0], edges[last + 1]
    scale = counts.size / (end - first)
    for z in range(z0, z1):
        for y in range(y0, y1):
            row = src[z, y, x0:x1]
            for x in range(row.size):
                v = np.float64(row[x])
                if first <= v <= end:
                    guess = (v - first) * scale
                    i = 0
                    if guess >= last:
                        i = last
                    elif guess > 0:                  # NaN, from limits whose difference overflows, stays 0
                        i = int(guess)
                    while v < edges[i]:
                        i -= 1
                    while i < last and v >= edges[i + 1]:
                        i += 1
                    counts[i] += 1


@kernel
def digits(bits, box, kind, bad, shift, prefixes, counts):
    """Count 16 bits of the voxels' keys by what stands above them.

    A key is the voxel's bits (unsigned) made to rise with its value: `kind` is 0 for unsigned, 1 signed, 2 float.
    counts[i] counts the digits `key >> shift & 0xffff` of voxels whose higher bits are prefixes[i] (uint64, rising).
    Floats whose bits without the sign are `bad` or greater are left out.
    """
    z0, z1, y0, y1, x0, x1 = box
    width = bits.itemsize * 8
    top = np.uint64(1) << np.uint64(width - 1)
    full = top | (top - np.uint64(1))
    down, up = np.uint64(shift), np.uint64(16)
    low = np.uint64(0xFFFF)
    for z in range(z0, z1):
        for y in range(y0, y1):
            row = bits[z, y, x0:x1]
            for x in range(row.size):
                key = np.uint64(row[x])
                if kind == 2:
                    if key & (full ^ top) >= bad:
                        continue
                    key ^= full if key & top else top
                elif kind == 1:
                    key ^= top
                key >>= down
                prefix = key >> up
                a, b = 0, prefixes.size
                while a < b:
                    middle = (a + b) >> 1
                    if prefixes[middle] < prefix:
                        a = middle + 1
                    else:
                        b = middle
                if a < prefixes.size and prefixes[a] == prefix:
                    counts[a, key & low] += 1
