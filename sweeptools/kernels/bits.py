"""A mask as bits, 64 voxels a word, and the runs of ones in its rows.

A row, or a `group` of rows that are read as one, has a 1 where one of them has. The run at a bit is found by its rank, so
that no list of runs exists. Arrays, all C-contiguous, with words = nx // 64 + 1:

  bits           uint64 (group * (lines + 2), words + 1): the mask, one bit a voxel; a group's worth of rows at each end,
                 rows beyond the last and word 0 stay zero; lines = ny / group, rounded up
  starts         uint64 (lines + 2, words + 1): where the runs of each group start
  base           int32 (lines + 2, words + 1): the number of runs before this word
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
            row, out = src[z, y, x0:x1], dst[z, y, x0:x1]
            for x in range(row.size):
                out[x] = row[x] != 0


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


@kernel(inline=True)
def wide(bits, y, i):
    """A word of a row, and of the row moved by one voxel to the right. Unsigned indices need no test for being negative."""
    return bits[y, i] | bits[y, i] << ONE | bits[y, i - ONE] >> TOP


@kernel(inline=True)
def begins(bits, y, i):
    """Where runs of ones start in a word of a row."""
    return bits[y, i] & ~(bits[y, i] << ONE | bits[y, i - ONE] >> TOP)


@kernel
def runs(mask, group, byte, bits, starts, base):
    """Fill bits, starts and base from one slice of 0 and 1: the number of runs."""
    ny, nx = mask.shape
    word = byte.view(np.uint64)                    # (8 * words,): one row, zero behind its end
    n = 0
    for j in range(1, starts.shape[0] - 1):
        for y in range(group * (j - 1), min(group * j, ny)):
            row, out = mask[y], bits[y + group]
            for x in range(nx):
                byte[x] = row[x]
            for i in range(1, out.size):
                b = np.uint64(0)
                for k in range(8):
                    b |= ((word[8 * i - 8 + k] * EIGHT_TO_BITS) >> np.uint64(56)) << np.uint64(8 * k)
                out[i] = b
        some, s, before = bits[group * j], starts[j], base[j]
        also = bits[group * j + group - 1]
        last = np.uint64(0)
        for i in range(1, s.size):
            b = some[i] | also[i]
            s[i] = b & ~(b << ONE | last)
            before[i] = n
            n += popcount(s[i])
            last = b >> TOP
    base[starts.shape[0] - 1, 1] = n
    return n
