"""Sums over labelled regions, exact and so the same in whatever order and in however many parts they are made.

A table has a row for each label in the order in which labels were met: `labels` uint64 (rows,), found by open
addressing through `slots` int32 (a power of two, twice the rows; row + 1, or 0 where empty). Its columns:

  sums     uint64 (rows, 19): voxels, then low and high word of the sums of z, y, x, zz, yy, xx, zy, zx, yx
  ends     int64 (rows, 6): least z, y, x, then greatest z, y, x
  limbs    uint64 (rows, k): words of the sum of the intensities, two's complement, then those of their squares' sum
  odd      int64 (rows, 3): how many intensities are NaN, inf, -inf
  least, greatest   (rows,) of the intensities' type: the extremes of those that are not NaN

Runs of one label along x come as int64 (n, 5): row of the table, z and y of the block, first x, and x behind the last.
"""

import numpy as np

from ..jit import kernel

WORD = np.uint64(0xFFFFFFFF)
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


@kernel
def contacts(src, dst, box, after, met):
    """dst = met[pattern of the neighbours behind a voxel that have its label], 64 where there is none. after (13, 3) are
    the steps to them; src has a voxel more above along z and at each side of y and x."""
    z0, z1, y0, y1, x0, x1 = box
    for z in range(z0, z1):
        for y in range(y0, y1):
            row, out = src[z, y + 1, x0 + 1 : x1 + 1], dst[z, y, x0:x1]
            for x in range(row.size):
                v = row[x]
                if v <= 0:
                    out[x] = 64
                    continue
                pattern = 0
                for i in range(after.shape[0]):
                    other = src[z + after[i, 0], y + 1 + after[i, 1], x0 + x + 1 + after[i, 2]]
                    pattern |= np.int64(other == v) << i
                out[x] = met[pattern]


@kernel
def touch(runs, n, contacts, met):
    """Add the contacts of the first n runs: pairs of neighbours along z, y, x and the Euler number."""
    for i in range(n):
        row = runs[i, 0]
        part = contacts[runs[i, 1], runs[i, 2], runs[i, 3] : runs[i, 4]]
        a, b, c, e = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
        for x in range(part.size):
            v = np.int64(part[x])
            a += v & 1
            b += v >> 1 & 1
            c += v >> 2 & 1
            e += (v >> 3) - 8
        met[row, 0] += a
        met[row, 1] += b
        met[row, 2] += c
        met[row, 3] += e


@kernel
def principal(moments, out, way):
    """Eigenvalues, falling, of symmetric matrices given as zz, yy, xx, zy, zx, yx: Jacobi's rotations, whose steps are
    the same on every machine; way becomes the eigenvector of the first, whose last component that is not 0 is positive.
    moments (n, 6), out, way (n, 3), float64."""
    m, v = np.zeros((3, 3)), np.zeros((3, 3))
    for i in range(moments.shape[0]):
        for k in range(3):
            m[k, k] = moments[i, k]
        m[0, 1] = m[1, 0] = moments[i, 3]
        m[0, 2] = m[2, 0] = moments[i, 4]
        m[1, 2] = m[2, 1] = moments[i, 5]
        for p in range(3):
            for q in range(3):
                v[p, q] = p == q
        for _ in range(16):                        # converges quadratically: 5 or 6 are enough
            if m[0, 1] == 0 and m[0, 2] == 0 and m[1, 2] == 0:
                break
            for p, q in ((0, 1), (0, 2), (1, 2)):
                rotate(m, v, p, q)
        a, b, c = m[0, 0], m[1, 1], m[2, 2]
        first = 0 if a >= b and a >= c else 1 if b >= c else 2
        sign = 1.0
        for p in range(3):
            sign = 1.0 if v[p, first] > 0 else -1.0 if v[p, first] < 0 else sign
        for p in range(3):
            way[i, p] = sign * v[p, first] + 0.0   # no -0
        out[i, 0] = max(a, max(b, c))
        out[i, 2] = min(a, min(b, c))
        out[i, 1] = max(min(a, b), min(max(a, b), c))


@kernel
def rotate(m, v, p, q):
    """Turn m in the plane p, q so that m[p, q] vanishes, and the columns of v; Golub and Van Loan, algorithm 8.5.1."""
    off = m[p, q]
    tiny = abs(m[p, p]) * 2.0**-60 >= abs(off) and abs(m[q, q]) * 2.0**-60 >= abs(off)
    if off == 0 or tiny:
        m[p, q] = m[q, p] = 0
        return
    tau = (m[q, q] - m[p, p]) / (2 * off)
    t = (1.0 if tau >= 0 else -1.0) / (abs(tau) + np.sqrt(1 + tau * tau))
    c = 1 / np.sqrt(1 + t * t)
    s = t * c
    m[p, p] -= t * off
    m[q, q] += t * off
    m[p, q] = m[q, p] = 0
    r = 3 - p - q
    a, b = m[r, p], m[r, q]
    m[r, p] = m[p, r] = c * a - s * b
    m[r, q] = m[q, r] = s * a + c * b
    for k in range(3):
        a, b = v[k, p], v[k, q]
        v[k, p], v[k, q] = c * a - s * b, s * a + c * b


# ------------------------------------------------------------------ intensities


@kernel(inline=True)
def add_bits(limbs, first, end, place, high, low, negative):
    """Add (high * 2^64 + low) * 2^place, or take it away, to the words first to end."""
    i = first + (place >> 6)
    shift = np.uint64(place & 63)
    back = np.uint64(64) - shift
    top = high >> back if shift else np.uint64(0)
    middle = high << shift | (low >> back if shift else np.uint64(0))
    bottom = low << shift
    over = np.uint64(0)
    for k in range(3):
        if i + k >= end:
            break
        word = bottom if k == 0 else middle if k == 1 else top
        was = limbs[i + k]
        if negative:
            now = was - word - over
            over = np.uint64(was < word or (over != 0 and was == word))
        else:
            now = was + word + over
            over = np.uint64(now < was or (over != 0 and now == was))
        limbs[i + k] = now
    i += 3
    while over != 0 and i < end:
        over = np.uint64(limbs[i] == (np.uint64(0) if negative else ~np.uint64(0)))
        limbs[i] = limbs[i] - np.uint64(1) if negative else limbs[i] + np.uint64(1)
        i += 1


@kernel
def weigh_small(runs, n, values, words, limbs, least, greatest):
    """Add the intensities of the first n runs: integers of up to 32 bits. The first `words` limbs are the sum's."""
    for i in range(n):
        row, z, y = runs[i, 0], runs[i, 1], runs[i, 2]
        total, low, high = np.int64(0), np.uint64(0), np.uint64(0)
        least_here, greatest_here = least[row], greatest[row]
        for x in range(runs[i, 3], runs[i, 4]):
            v = values[z, y, x]
            least_here, greatest_here = min(least_here, v), max(greatest_here, v)
            w = np.int64(v)
            q = np.uint64(w * w)
            total += w
            low += q & WORD
            high += q >> HALF
        least[row], greatest[row] = least_here, greatest_here
        end = limbs.shape[1]
        add_bits(limbs[row], 0, words, 0, np.uint64(0), np.uint64(abs(total)), total < 0)
        add_bits(limbs[row], words, end, 0, np.uint64(0), low, False)
        add_bits(limbs[row], words, end, 32, np.uint64(0), high, False)


@kernel
def weigh(runs, n, values, bits, mantissa, words, limbs, odd, least, greatest):
    """The same for integers of 64 bits (mantissa 0) and for floats, whose mantissas have that many bits: their bits are
    added as whole multiples of the least float there is, after Kulisch. Neighbours of one exponent are added together.
    """
    most = 512 if mantissa else 1                  # mantissas that fit in a word
    for i in range(n):
        row, z, y = runs[i, 0], runs[i, 1], runs[i, 2]
        least_here, greatest_here = least[row], greatest[row]
        place, held = np.int64(0), 0
        up, down, low, high = np.uint64(0), np.uint64(0), np.uint64(0), np.uint64(0)
        for x in range(runs[i, 3], runs[i, 4]):
            v = values[z, y, x]
            b = np.uint64(bits[z, y, x])
            here = np.int64(0)
            if mantissa:
                if v - v != 0:
                    odd[row, 0 if v != v else 1 if v > 0 else 2] += 1
                    if v == v:
                        least_here, greatest_here = min(least_here, v), max(greatest_here, v)
                    continue
                size = b & ((np.uint64(1) << np.uint64(mantissa)) - np.uint64(1))
                exponent = np.int64(b >> np.uint64(mantissa)) & (0xFF if mantissa == 23 else 0x7FF)
                if exponent:
                    size |= np.uint64(1) << np.uint64(mantissa)
                    here = exponent - 1
            else:
                size = b if v >= 0 else np.uint64(0) - b
            least_here, greatest_here = min(least_here, v), max(greatest_here, v)
            if held == most or here != place:
                deposit(limbs[row], words, place, up, down, low, high)
                up, down, low, high = np.uint64(0), np.uint64(0), np.uint64(0), np.uint64(0)
                held = 0
            place = here
            held += 1
            if v < 0:
                down += size
            else:
                up += size
            a, c = size & WORD, size >> HALF
            cross, square = a * c, a * a
            part = (cross << np.uint64(33)) + square
            high += c * c + (cross >> np.uint64(31)) + np.uint64(part < square)
            low += part
            high += np.uint64(low < part)
        deposit(limbs[row], words, place, up, down, low, high)
        least[row], greatest[row] = least_here, greatest_here


@kernel
def deposit(limbs, words, place, up, down, low, high):
    """Add (up - down) * 2^place to the sum, and (high * 2^64 + low) * 2^(2 place) to the squares' sum."""
    if up:
        add_bits(limbs, 0, words, place, np.uint64(0), up, False)
    if down:
        add_bits(limbs, 0, words, place, np.uint64(0), down, True)
    if low | high:
        add_bits(limbs, words, limbs.size, 2 * place, high, low, False)


@kernel
def merge_weights(rows, n, words, limbs, odd, least, greatest, more_limbs, more_odd, more_least, more_greatest):
    """Add row i of another table to row rows[i]."""
    for i in range(n):
        row = rows[i]
        for first, end in ((0, words), (words, limbs.shape[1])):
            over = np.uint64(0)
            for k in range(first, end):
                part = limbs[row, k] + over
                over = np.uint64(part < over)
                part += more_limbs[i, k]
                over += np.uint64(part < more_limbs[i, k])
                limbs[row, k] = part
        for k in range(3):
            odd[row, k] += more_odd[i, k]
        least[row] = min(least[row], more_least[i])
        greatest[row] = max(greatest[row], more_greatest[i])
