"""Intensities of labelled regions, added exactly: whole numbers in words, floats as multiples of the least float there is,
after Kulisch. What regions.py calls a table has for them

  limbs    uint64 (rows, k): words, lowest first: the sum, that of the squares, those of the values times z, y and x. Where
           each begins, and the last one ends, `at` tells (6,). All but the squares are in two's complement
  odd      int64 (rows, 3): how many intensities are NaN, inf, -inf
  least, greatest   (rows,) of the intensities' type: the extremes of those that are not NaN

Runs are those of regions.py; `first` (3,) is the index of the block's first voxel. Indices are below 2^21.
"""

import numpy as np

from ..jit import kernel

WORD = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)
ONE = np.uint64(1)
PIECE = 1024                                       # voxels whose values of 32 bits, times their places, fit in a word


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
        limbs[i] = limbs[i] - ONE if negative else limbs[i] + ONE
        i += 1


@kernel
def deposit(limbs, at, place, total, negative, ahead, behind, low, high, z, y, x):
    """Add values that lie in a row from z, y, x on, all multiples of 2^place: their `total` without its sign, the sum
    `ahead` (of sign `behind` where negative) of each times how many voxels it lies beyond the first, and their squares."""
    if total:
        add_bits(limbs, at[0], at[1], place, np.uint64(0), total, negative)
        for k, index in ((2, z), (3, y), (4, x)):
            m = np.uint64(index)
            bottom = (total & WORD) * m
            top = (total >> HALF) * m + (bottom >> HALF)
            add_bits(limbs, at[k], at[k + 1], place, top >> HALF, top << HALF | bottom & WORD, negative)
    if ahead:
        add_bits(limbs, at[4], at[5], place, np.uint64(0), ahead, behind)
    if low | high:
        add_bits(limbs, at[1], at[2], 2 * place, high, low, False)


@kernel
def weigh_small(runs, n, values, first, at, limbs, least, greatest):
    """Add the intensities of the first n runs: integers of up to 32 bits."""
    for i in range(n):
        row, z, y = runs[i, 0], runs[i, 1], runs[i, 2]
        least_here, greatest_here = least[row], greatest[row]
        for x in range(runs[i, 3], runs[i, 4], PIECE):
            part = values[z, y, x : min(runs[i, 4], x + PIECE)]
            total, ahead, low, high = np.int64(0), np.int64(0), np.uint64(0), np.uint64(0)
            for k in range(part.size):
                v = part[k]
                least_here, greatest_here = min(least_here, v), max(greatest_here, v)
                w = np.int64(v)
                q = np.uint64(w * w)
                total += w
                ahead += w * k
                low += q & WORD
                high += q >> HALF
            bottom = low + (high << HALF)
            top = (high >> HALF) + np.uint64(bottom < low)
            deposit(
                limbs[row], at, 0, np.uint64(abs(total)), total < 0, np.uint64(abs(ahead)), ahead < 0, bottom, top,
                first[0] + z, first[1] + y, first[2] + x,
            )  # fmt: skip
        least[row], greatest[row] = least_here, greatest_here


@kernel
def weigh(runs, n, values, bits, mantissa, first, at, limbs, odd, least, greatest):
    """The same for integers of 64 bits (mantissa 0) and for floats, whose mantissas have that many bits. Neighbours of one
    exponent are added together."""
    most = 512 if mantissa == 23 else 32 if mantissa else 1      # voxels whose mantissas, times their places, fit a word
    zero = np.uint64(0)
    for i in range(n):
        row, z, y = runs[i, 0], runs[i, 1], runs[i, 2]
        least_here, greatest_here = least[row], greatest[row]
        place, begin = np.int64(0), runs[i, 3]
        up, down, up_ahead, down_ahead, low, high = zero, zero, zero, zero, zero, zero
        for x in range(runs[i, 3], runs[i, 4] + 1):
            last = x == runs[i, 4]
            size, here, negative = zero, place, False
            if not last:
                v = values[z, y, x]
                if v - v != 0:
                    odd[row, 0 if v != v else 1 if v > 0 else 2] += 1
                    if v == v:
                        least_here, greatest_here = min(least_here, v), max(greatest_here, v)
                    continue
                least_here, greatest_here = min(least_here, v), max(greatest_here, v)
                if v == 0:
                    continue
                negative = v < 0
                b = np.uint64(bits[z, y, x])
                if mantissa:
                    size = b & ((ONE << np.uint64(mantissa)) - ONE)
                    exponent = np.int64(b >> np.uint64(mantissa)) & (0xFF if mantissa == 23 else 0x7FF)
                    here = np.int64(0)
                    if exponent:
                        size |= ONE << np.uint64(mantissa)
                        here = exponent - 1
                else:
                    size = zero - b if negative else b
            if last or here != place or x - begin >= most:
                minus, minus_ahead = down > up, down_ahead > up_ahead
                deposit(
                    limbs[row], at, place, down - up if minus else up - down, minus,
                    down_ahead - up_ahead if minus_ahead else up_ahead - down_ahead, minus_ahead, low, high,
                    first[0] + z, first[1] + y, first[2] + begin,
                )  # fmt: skip
                up, down, up_ahead, down_ahead, low, high = zero, zero, zero, zero, zero, zero
                place, begin = here, x
            if negative:
                down += size
                down_ahead += size * np.uint64(x - begin)
            else:
                up += size
                up_ahead += size * np.uint64(x - begin)
            a, c = size & WORD, size >> HALF
            cross, square = a * c, a * a
            part = (cross << np.uint64(33)) + square
            high += c * c + (cross >> np.uint64(31)) + np.uint64(part < square)
            low += part
            high += np.uint64(low < part)
        least[row], greatest[row] = least_here, greatest_here


@kernel
def merge(rows, n, at, limbs, odd, least, greatest, more_limbs, more_odd, more_least, more_greatest):
    """Add row i of another table to row rows[i]."""
    for i in range(n):
        row = rows[i]
        for part in range(5):
            over = np.uint64(0)
            for k in range(at[part], at[part + 1]):
                word = limbs[row, k] + over
                over = np.uint64(word < over)
                word += more_limbs[i, k]
                over += np.uint64(word < more_limbs[i, k])
                limbs[row, k] = word
        for k in range(3):
            odd[row, k] += more_odd[i, k]
        least[row] = min(least[row], more_least[i])
        greatest[row] = max(greatest[row], more_greatest[i])
