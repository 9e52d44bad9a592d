"""Exact sums, sums of squares and extremes of a box of voxels [n, y, x].

Integers are added up as limbs of 32 bits. Floats are added up as integers, one bin for every exponent, after Neal,
"Fast exact summation using small and large superaccumulators" (2015). Nothing is rounded, so what is added, and in
which order, never shows. A row has fewer than 2^31 voxels and a box fewer than 2^29 rows and 2^35 voxels.

Loops run over a slice of the row: an index that starts at 0 is known not to be negative, and vectorises (3 to 6 times).
"""

import numpy as np

from ..jit import kernel

LOW = np.int64(0xFFFFFFFF)
NEAR, ROOM = 1 << 14, 16                             # voxels, and spread of exponents, whose squares' limbs fit 63 bits
LOW27 = np.int64((1 << 27) - 1)


@kernel
def ends(src, box, out):
    """Lower out[0] to the least and raise out[1] to the greatest finite voxel; both are of the voxels' type."""
    z0, z1, y0, y1, x0, x1 = box
    least, greatest = out[0], out[1]
    for z in range(z0, z1):
        for y in range(y0, y1):
            row = src[z, y, x0:x1]
            for x in range(row.size):
                v = row[x]
                finite = v - v == 0
                least = v if finite and v < least else least
                greatest = v if finite and v > greatest else greatest
    out[0], out[1] = least, greatest


@kernel(inline=True)
def carry(limbs, at, value):
    """Add a row's sum to limbs of 32 bits; the highest limb keeps the sign."""
    limbs[at] += value & LOW
    limbs[at + 1] += value >> 32


@kernel
def small(src, box, out, total, squares):
    """Integers of up to 32 bits: extremes as in `ends`; limbs of the sum into `total`, of the squares' sum into
    `squares` (int64)."""
    z0, z1, y0, y1, x0, x1 = box
    least, greatest = out[0], out[1]
    for z in range(z0, z1):
        for y in range(y0, y1):
            s, low, high = np.int64(0), np.int64(0), np.int64(0)
            row = src[z, y, x0:x1]
            for x in range(row.size):
                v = row[x]
                least = min(least, v)
                greatest = max(greatest, v)
                w = np.int64(v)
                q = np.uint64(w * w)
                s += w
                low += np.int64(q & np.uint64(LOW))
                high += np.int64(q >> np.uint64(32))
            carry(total, 0, s)
            carry(squares, 0, low)
            carry(squares, 1, high)
    out[0], out[1] = least, greatest


@kernel
def large(src, box, out, total, squares):
    """The same for integers of 64 bits."""
    z0, z1, y0, y1, x0, x1 = box
    least, greatest = out[0], out[1]
    half, word = np.uint64(32), np.uint64(LOW)
    for z in range(z0, z1):
        for y in range(y0, y1):
            s0, s1 = np.int64(0), np.int64(0)
            q0, q1, q2, q3 = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
            row = src[z, y, x0:x1]
            for x in range(row.size):
                v = row[x]
                least = min(least, v)
                greatest = max(greatest, v)
                size = np.uint64(v) if v >= 0 else np.uint64(0) - np.uint64(v)
                low, high = size & word, size >> half
                s0 += np.int64(low) if v >= 0 else -np.int64(low)
                s1 += np.int64(high) if v >= 0 else -np.int64(high)
                a, b, c = low * low, low * high, high * high
                q0 += np.int64(a & word)
                q1 += np.int64(a >> half) + 2 * np.int64(b & word)
                q2 += 2 * np.int64(b >> half) + np.int64(c & word)
                q3 += np.int64(c >> half)
            carry(total, 0, s0)
            carry(total, 1, s1)
            carry(squares, 0, q0)
            carry(squares, 1, q1)
            carry(squares, 2, q2)
            carry(squares, 3, q3)
    out[0], out[1] = least, greatest


def single(src, bits, box, out, bins, odd):
    """float32 and its bits: extremes as in `ends`; odd[0], odd[1] count NaN and infinities. Into bins[exponent] go the
    sum of the mantissas and the limbs of 24 bits of the sum of their squares (int64 [256, 4]).

    Where the exponents of neighbours lie close, all go into the bin of the least one: a loop that vectorises (3 times).
    """
    found = np.zeros(2, np.int32)
    _single(src, bits, box, out, bins, odd, found, found.view(np.float32))


@kernel
def _single(src, bits, box, out, bins, odd, found, extremes):
    z0, z1, y0, y1, x0, x1 = box
    for z in range(z0, z1):
        for y in range(y0, y1):
            for a in range(x0, x1, NEAR):
                b = min(a + NEAR, x1)
                row, code = src[z, y, a:b], bits[z, y, a:b]
                first, last = exponents(code, found)
                if last < 0xFF and last - first <= ROOM:
                    out[0], out[1] = min(out[0], extremes[0]), max(out[1], extremes[1])
                    in_line(row, first, bins)
                else:
                    in_bins(row, code, out, bins, odd)


@kernel
def exponents(code, found):
    """The least and the greatest exponent of float32, zeros aside; found[0:2] (int32) become the bits of the extremes.

    Comparing floats would not vectorise, comparing their bits as numbers does.
    """
    least, greatest = np.uint32(0xFFFFFFFF), np.uint32(0)
    low, high = np.int32(0x7FFFFFFF), np.int32(-0x80000000)
    for x in range(code.size):
        size = np.uint32(code[x] & np.uint32(0x7FFFFFFF))
        greatest = max(size, greatest)
        least = min(np.uint32(size - np.uint32(1)), least)   # zero wraps to the greatest of all
        b = np.int32(code[x])
        key = np.int32(b ^ ((b >> 31) & 0x7FFFFFFF))
        low = min(low, key)
        high = max(high, key)
    found[0], found[1] = low ^ ((low >> 31) & 0x7FFFFFFF), high ^ ((high >> 31) & 0x7FFFFFFF)
    first = (np.int64(least) + 1) >> 23 if greatest else 1
    return max(first, 1), max(np.int64(greatest) >> 23, 1)


@kernel
def in_line(row, first, bins):
    """float32 whose exponents are `first` to first + ROOM, as whole numbers of the lower one's unit."""
    unit = 2.0 ** (150 - first)
    s, p, q, r = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    for x in range(row.size):
        w = np.int64(np.float64(row[x]) * unit)
        low, high = w & 0xFFFFFF, w >> 24
        s += w
        p += low * low
        q += low * high
        r += high * high
    bins[first, 0] += s
    bins[first, 1] += p & 0xFFFFFF
    bins[first, 2] += (p >> 24) + 2 * q
    bins[first, 3] += r


@kernel
def in_bins(row, code, out, bins, odd):
    """Any float32, each in the bin of its exponent."""
    least, greatest = out[0], out[1]
    for x in range(row.size):
        b = np.int64(code[x])
        e = (b >> 23) & 0xFF
        m = b & 0x7FFFFF
        if e == 0xFF:
            odd[0 if m else 1] += 1
            continue
        v = row[x]
        least = min(least, v)
        greatest = max(greatest, v)
        if e:
            m |= 0x800000
        else:
            e = 1
        q = m * m
        bins[e, 0] += m if v >= 0 else -m
        bins[e, 1] += q & 0xFFFFFF
        bins[e, 2] += q >> 24
    out[0], out[1] = least, greatest


@kernel
def double(src, bits, box, out, bins, odd):
    """The same for float64, all in bins (int64 [2048, 8]); limbs of 27 bits: two of the sum, four of the squares."""
    z0, z1, y0, y1, x0, x1 = box
    least, greatest = out[0], out[1]
    for z in range(z0, z1):
        for y in range(y0, y1):
            row, code = src[z, y, x0:x1], bits[z, y, x0:x1]
            for x in range(row.size):
                b = np.int64(code[x])
                e = (b >> 52) & 0x7FF
                m = b & 0xFFFFFFFFFFFFF
                if e == 0x7FF:
                    odd[0 if m else 1] += 1
                    continue
                v = row[x]
                least = min(least, v)
                greatest = max(greatest, v)
                if e:
                    m |= 0x10000000000000
                else:
                    e = 1
                low, high = m & LOW27, m >> 27
                p, q, r = low * low, 2 * low * high, high * high
                bins[e, 0] += low if v >= 0 else -low
                bins[e, 1] += high if v >= 0 else -high
                bins[e, 2] += p & LOW27
                bins[e, 3] += (p >> 27) + (q & LOW27)
                bins[e, 4] += (q >> 27) + (r & LOW27)
                bins[e, 5] += r >> 27
    out[0], out[1] = least, greatest
