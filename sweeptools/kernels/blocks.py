"""One voxel out of every block of fz x fy x fx voxels; blocks at the far borders are reduced over the voxels they have.

[n, y, x] or [n, y, x, c] in, `box` of the smaller volume out, the components each on their own. The order of float
additions is that of z, y, then x, for every output voxel.
"""

import numpy as np

from ..jit import kernel
from .store import limits, put

EXACT = 1 << 20                         # voxels of a block whose 32-bit sum divided in float64 rounds exactly


def reduce_blocks(src, dst, box, factor, method):
    """Mean, mode, nearest (the block's first voxel), max or min of the blocks of `factor` (z, y, x) voxels."""
    z0, z1, y0, y1, x0, x1 = box
    if z1 <= z0 or y1 <= y0 or x1 <= x0:
        return
    fz, fy, fx = factor
    if method == "nearest":
        first = src[z0 * fz :: fz, y0 * fy :: fy, x0 * fx :: fx]
        np.copyto(dst[z0:z1, y0:y1, x0:x1], first[: z1 - z0, : y1 - y0, : x1 - x0])
        return
    c = src.shape[3] if src.ndim == 4 else 1
    s, d = (a.reshape(*a.shape[:2], a.shape[2] * c) for a in (src, dst))
    if method == "mean":
        _means(s, d, box, factor, c)
    elif method == "mode":
        _modes(s, d, box, factor, c)
    else:
        row = np.empty(min(x1 * fx * c, s.shape[2]) - x0 * fx * c, src.dtype)
        _extreme(s, d, *box, fz, fy, fx, c, row, method == "max")


def _means(src, dst, box, factor, c):
    """Means by the kernel that is exact and fastest for this type and these blocks."""
    z0, z1, y0, y1, x0, x1 = box
    fz, fy, fx = factor
    bits, count = src.dtype.itemsize * 8, fz * fy * fx
    if src.dtype.kind != "f" and (bits == 64 or count >= EXACT):
        _mean_of_long(src, dst, *box, fz, fy, fx, c)
        return
    rest = [box]
    if src.dtype.kind != "f" and bits <= 16 and (fz, fy, fx, c) == (2, 2, 2, 1):
        z, y, x = (max(lo, min(hi, n // 2)) for lo, hi, n in zip(box[::2], box[1::2], src.shape))
        _mean_of_eight(src, dst, z0, z, y0, y, x0, x)
        rest = [(z, z1, y0, y1, x0, x1), (z0, z, y, y1, x0, x1), (z0, z, y0, y, x, x1)]
    sums = np.float64 if src.dtype.kind == "f" else np.int32 if bits <= 16 and fz * fy < 1 << 14 else np.int64
    for part in rest:
        row = np.empty(max(0, min(part[5] * fx * c, src.shape[2]) - part[4] * fx * c), sums)
        _mean(src, dst, *part, fz, fy, fx, c, row, *limits(dst.dtype))


def _modes(src, dst, box, factor, c):
    """Modes: of whole pairs of integers along x by the kernel for those, else by the one for all."""
    z0, z1, y0, y1, x0, x1 = box
    fz, fy, fx = factor
    if src.dtype.kind != "f" and (fx, c) == (2, 1) and max(fz, fy) <= 2:
        x = max(x0, min(x1, src.shape[2] // 2))
        word = np.dtype(f"u{src.dtype.itemsize}")                # signed values sort as words whose first bit is flipped
        flip = word.type(np.iinfo(word).max // 2 + 1 if src.dtype.kind == "i" else 0)
        same, block = np.empty(x - x0, np.bool_), np.empty(8, word)
        _mode_of_eight(src.view(word), dst.view(word), z0, z1, y0, y1, x0, x, fz, fy, flip, same, block)
        x0 = x
    _mode(src, dst, z0, z1, y0, y1, x0, x1, fz, fy, fx, c, np.empty(fz * fy * fx, src.dtype))


@kernel(inline=True)
def greater(a, b):
    """The greater of two; NaN where either is."""
    return b if b > a or b != b else a


@kernel(inline=True)
def less(a, b):
    """The lesser of two; NaN where either is."""
    return b if b < a or b != b else a


@kernel
def _extreme(src, dst, z0, z1, y0, y1, x0, x1, fz, fy, fx, c, row, greatest):
    """Rows of a block first, whole rows at a time, then along x."""
    first, n = x0 * fx * c, row.shape[0]
    for z in range(z0, z1):
        for y in range(y0, y1):
            line = src[z * fz, y * fy, first : first + n]
            for i in range(n):
                row[i] = line[i]
            for sz in range(z * fz, min((z + 1) * fz, src.shape[0])):
                for sy in range(y * fy, min((y + 1) * fy, src.shape[1])):
                    line = src[sz, sy, first : first + n]
                    if greatest:
                        for i in range(n):
                            row[i] = greater(row[i], line[i])
                    else:
                        for i in range(n):
                            row[i] = less(row[i], line[i])
            out = dst[z, y, x0 * c : x1 * c]
            full = n // (fx * c)                                # blocks that are whole along x
            if fx == 2 and c == 1:
                for x in range(full):
                    a, b = row[2 * x], row[2 * x + 1]
                    out[x] = greater(a, b) if greatest else less(a, b)
            else:
                full = 0
            for x in range(full, x1 - x0):
                for k in range(c):
                    best = row[x * fx * c + k]
                    for i in range(x * fx * c + k + c, min((x + 1) * fx * c, n), c):
                        best = greater(best, row[i]) if greatest else less(best, row[i])
                    out[x * c + k] = best


@kernel
def _mean(src, dst, z0, z1, y0, y1, x0, x1, fz, fy, fx, c, row, low, high, whole):
    """Sums of rows in the type of `row`, then along x. A sum below 2**52 divided in float64 rounds exactly: the
    quotient is further from a half than its rounding error unless it is that half."""
    first, n = x0 * fx * c, row.shape[0]
    for z in range(z0, z1):
        for y in range(y0, y1):
            row[:] = 0
            lz, ly = min((z + 1) * fz, src.shape[0]), min((y + 1) * fy, src.shape[1])
            for sz in range(z * fz, lz):
                for sy in range(y * fy, ly):
                    line = src[sz, sy, first : first + n]
                    for i in range(n):
                        row[i] += line[i]
            rows = (lz - z * fz) * (ly - y * fy)
            out = dst[z, y, x0 * c : x1 * c]
            full = n // (fx * c)                                # blocks that are whole along x
            if fx == 2 and c == 1:
                for x in range(full):
                    put(out, x, (row[2 * x] + row[2 * x + 1]) / np.float64(2 * rows), low, high, whole)
            else:
                full = 0
            for x in range(full, x1 - x0):
                a, b = x * fx * c, min((x + 1) * fx * c, n)
                count = np.float64(rows * ((b - a) // c))
                for k in range(c):
                    total = row[a + k]
                    for i in range(a + k + c, b, c):
                        total += row[i]
                    put(out, x * c + k, total / count, low, high, whole)


@kernel
def _mean_of_eight(src, dst, z0, z1, y0, y1, x0, x1):
    """Whole blocks of 2 x 2 x 2 integers of at most 16 bits, in one pass."""
    for z in range(z0, z1):
        for y in range(y0, y1):
            a, b = src[2 * z, 2 * y, 2 * x0 : 2 * x1], src[2 * z, 2 * y + 1, 2 * x0 : 2 * x1]
            c, d = src[2 * z + 1, 2 * y, 2 * x0 : 2 * x1], src[2 * z + 1, 2 * y + 1, 2 * x0 : 2 * x1]
            out = dst[z, y, x0:x1]
            for x in range(out.shape[0]):
                i, j = 2 * x, 2 * x + 1
                total = np.int32(a[i]) + np.int32(a[j]) + np.int32(b[i]) + np.int32(b[j])
                total += np.int32(c[i]) + np.int32(c[j]) + np.int32(d[i]) + np.int32(d[j])
                out[x] = (total + 3 + ((total >> 3) & 1)) >> 3          # a half goes to the even neighbour


@kernel
def _mean_of_long(src, dst, z0, z1, y0, y1, x0, x1, fz, fy, fx, c):
    """Integers of up to 64 bits: high and low halves are summed apart, so that no sum overflows."""
    for z in range(z0, z1):
        for y in range(y0, y1):
            lz, ly = min((z + 1) * fz, src.shape[0]), min((y + 1) * fy, src.shape[1])
            out = dst[z, y]
            for x in range(x0, x1):
                lx = min((x + 1) * fx, src.shape[2] // c)
                count = np.int64((lz - z * fz) * (ly - y * fy) * (lx - x * fx))
                for k in range(c):
                    high, low = np.int64(0), np.int64(0)
                    for sz in range(z * fz, lz):
                        for sy in range(y * fy, ly):
                            for sx in range(x * fx, lx):
                                v = src[sz, sy, sx * c + k]
                                high += np.int64(v >> 32)
                                low += np.int64(v & 0xFFFFFFFF)
                    mean = high // count
                    part = ((high - mean * count) << 32) + low          # what is left, below count * 2**33
                    whole = part // count
                    left = 2 * (part - whole * count)
                    mean = (mean << 32) + whole                         # wraps into place for the upper half of uint64
                    if left > count or (left == count and mean & 1):
                        mean += 1
                    out[x * c + k] = mean


@kernel(inline=True)
def before(a, b):
    """Whether a sorts before b: by value, NaN last."""
    return a < b or (b != b and a == a)


@kernel
def _mode_of_eight(src, dst, z0, z1, y0, y1, x0, x1, fz, fy, flip, same, block):
    """Blocks of pairs along x, in two rows and slices at most, of integers; flip: what is to be turned over before two
    are compared. A row that is there once is taken twice, as all rows of its block are then. First the blocks of one
    value, whole rows at a time; most blocks of labels are."""
    for z in range(z0, z1):
        for y in range(y0, y1):
            sz, lz = z * fz, min((z + 1) * fz, src.shape[0]) - 1
            sy, ly = y * fy, min((y + 1) * fy, src.shape[1]) - 1
            a, b = src[sz, sy, 2 * x0 : 2 * x1], src[sz, ly, 2 * x0 : 2 * x1]
            c, d = src[lz, sy, 2 * x0 : 2 * x1], src[lz, ly, 2 * x0 : 2 * x1]
            out = dst[z, y, x0:x1]
            for x in range(out.shape[0]):
                i, j = 2 * x, 2 * x + 1
                v = a[i]
                out[x] = v
                left = (v ^ a[j]) | (v ^ b[i]) | (v ^ b[j]) | (v ^ c[i]) | (v ^ c[j]) | (v ^ d[i]) | (v ^ d[j])
                same[x] = left == 0
            for x in range(out.shape[0]):
                if not same[x]:
                    for k in range(2):
                        i = 2 * x + k
                        block[k], block[2 + k] = a[i] ^ flip, b[i] ^ flip
                        block[4 + k], block[6 + k] = c[i] ^ flip, d[i] ^ flip
                    most, best = 0, block[0]
                    for i in range(8):
                        count = 0
                        for j in range(8):
                            count += block[i] == block[j]
                        if count > most or (count == most and block[i] < best):
                            most, best = count, block[i]
                    out[x] = best ^ flip


@kernel
def _mode(src, dst, z0, z1, y0, y1, x0, x1, fz, fy, fx, c, block):
    """The value that most voxels of a block have, the smaller of equals; all NaN are one value, the greatest."""
    for z in range(z0, z1):
        for y in range(y0, y1):
            lz, ly = min((z + 1) * fz, src.shape[0]), min((y + 1) * fy, src.shape[1])
            out = dst[z, y]
            for x in range(x0, x1):
                lx = min((x + 1) * fx, src.shape[2] // c)
                for k in range(c):
                    n, same = 0, True
                    for sz in range(z * fz, lz):
                        for sy in range(y * fy, ly):
                            for sx in range(x * fx, lx):
                                block[n] = src[sz, sy, sx * c + k]
                                same &= block[n] == block[0]
                                n += 1
                    out[x * c + k] = block[0] if same else commonest(block, n)


@kernel
def commonest(block, n):
    """The commonest of block[:n], which is sorted (Shell 1959)."""
    gap = n // 2
    while gap:
        for i in range(gap, n):
            v, j = block[i], i
            while j >= gap and before(v, block[j - gap]):
                block[j] = block[j - gap]
                j -= gap
            block[j] = v
        gap //= 2
    best, most, start = block[0], 0, 0
    for i in range(1, n + 1):
        if i == n or before(block[start], block[i]):
            if i - start > most:
                best, most = block[start], i - start
            start = i
    return best
