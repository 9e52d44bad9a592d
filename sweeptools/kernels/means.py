"""Sums over boxes, and their means: every window summed afresh in one fixed tree, never a running sum.

Integers are summed exactly, floats in float64. A window of n is the sum of windows whose lengths are the powers of two
in n, the longest first; the sums of a power of two are pairs of the next smaller one. Volumes come as [n, y, x * c],
where `step` is c, the distance of neighbours along x.
"""

import numpy as np

from ..jit import kernel
from .store import put_row


@kernel
def _copy(src, out):
    for i in range(out.size):
        out[i] = src[i]


@kernel
def _add(a, b, out):
    for i in range(out.size):
        out[i] = a[i] + b[i]


@kernel
def _raise(out, a):
    for i in range(out.size):
        out[i] += a[i]


@kernel
def _along(a, b, n, size, step, out):
    """Sums of `size` neighbours within a; b is scratch, n = out.size + (size - 1) * step."""
    span, empty = 1, True
    while span <= size:
        if size & span:
            first = (size // (2 * span)) * 2 * span * step
            part = a[first : first + out.size]
            if empty:
                _copy(part, out)
            else:
                _raise(out, part)
            empty = False
        if 2 * span <= size:
            n -= span * step
            _add(a[:n], a[span * step : span * step + n], b[:n])
            a, b = b, a
        span *= 2


@kernel
def _across(tile, sums, count, size, n):
    """sums[i] = sum of tile[i : i + size], for i < count; what a window does not need of a span is left out."""
    m, span, empty = count + size - 1, 1, True
    while span <= size:
        if size & span:
            first = (size // (2 * span)) * 2 * span
            for i in range(count):
                if empty:
                    _copy(tile[first + i, :n], sums[i, :n])
                else:
                    _raise(sums[i, :n], tile[first + i, :n])
            empty = False
        if 2 * span <= size:
            m -= span
            for i in range(m):
                if i % (2 * span) < count:
                    _raise(tile[i, :n], tile[i + span, :n])
        span *= 2


@kernel
def _finish(sums, out, count, exact, quotients, low, high, whole):
    """Sums as they are where count is 0, else divided by it; gives the number of NaN turned into 0.

    Divided as floats, a sum below 2**50 (float64) or 2**21 (float32) comes to the integer that is nearest to the exact
    quotient, ties included; where sums may be greater (`exact`), integers are divided as integers.
    """
    if count == 0:
        _copy(sums, out)
        return 0
    if whole and exact:
        for i in range(out.size):
            quotient = sums[i] // count
            rest = 2 * (sums[i] - quotient * count)
            if rest > count or (rest == count and quotient % 2):
                quotient += 1
            if quotient < low:
                out[i] = low
            elif quotient > high:
                out[i] = high
            else:
                out[i] = quotient
        return 0
    n = out.size
    quotients[0] = count
    divisor = quotients[0]
    for i in range(n):
        quotients[i] = sums[i]
    for i in range(n):
        quotients[i] = quotients[i] / divisor
    return put_row(quotients[:n], out, low, high, whole)


@kernel
def plane(src, dst, box, size_y, size_x, step, count, exact, a, b, tile, sums, quotients, low, high, whole):
    """Sums, or means of `count` voxels, over size_y by size_x in every slice. Scratch, in the type of the sums:
    a, b [strip + (size_x - 1) * step], tile [rows + size_y - 1, strip], sums [rows, strip]; and quotients [strip],
    the floats to divide in."""
    z0, z1, y0, y1, x0, x1 = box
    (rows, strip), margin = sums.shape, (size_x - 1) * step
    nan = 0
    for z in range(z0, z1):
        for x in range(x0, x1, strip):
            n = min(strip, x1 - x)
            for y in range(y0, y1, rows):
                many = min(rows, y1 - y)
                for i in range(many + size_y - 1):
                    _copy(src[z, y + i, x : x + n + margin], a[: n + margin])
                    _along(a, b, n + margin, size_x, step, tile[i, :n])
                _across(tile, sums, many, size_y, n)
                for i in range(many):
                    nan += _finish(sums[i, :n], dst[z, y + i, x : x + n], count, exact, quotients, low, high, whole)
    return nan


@kernel
def depth(src, dst, box, size, count, exact, tile, sums, quotients, low, high, whole):
    """Sums, or means of `count` voxels, over `size` slices. Scratch: tile [slices + size - 1, strip],
    sums [slices, strip], quotients [strip]."""
    z0, z1, y0, y1, x0, x1 = box
    slices, strip = sums.shape
    nan = 0
    for y in range(y0, y1):
        for x in range(x0, x1, strip):
            n = min(strip, x1 - x)
            for z in range(z0, z1, slices):
                many = min(slices, z1 - z)
                for i in range(many + size - 1):
                    _copy(src[z + i, y, x : x + n], tile[i, :n])
                _across(tile, sums, many, size, n)
                for i in range(many):
                    nan += _finish(sums[i, :n], dst[z + i, y, x : x + n], count, exact, quotients, low, high, whole)
    return nan


@kernel
def halves(src, dst, box, shift, mask, upper, lower):
    """64-bit integers [n, y, x] as pairs of int64 [n, y, 2 x]: value // 2**32 - upper, and the rest - lower."""
    z0, z1, y0, y1, x0, x1 = box
    for z in range(z0, z1):
        for y in range(y0, y1):
            for x in range(x0, x1):
                dst[z, y, 2 * x] = np.int64(src[z, y, x] >> shift) - upper
                dst[z, y, 2 * x + 1] = np.int64(src[z, y, x] & mask) - lower


@kernel
def mean_of_halves(src, dst, box, count, upper, lower, whole):
    """Means of `count` voxels, fewer than 2**30, from the sums of their halves: exact, rounded once.

    An integer result is in the voxels' own type, which always holds it.
    """
    z0, z1, y0, y1, x0, x1 = box
    for z in range(z0, z1):
        for y in range(y0, y1):
            for x in range(x0, x1):
                high, low = src[z, y, 2 * x] + count * upper, src[z, y, 2 * x + 1] + count * lower
                top = high // count
                rest = ((high - top * count) << 32) + low
                quotient = rest // count
                rest -= quotient * count
                if not whole and top < 0:            # the integer part in one piece, lest the halves cancel as floats
                    dst[z, y, x] = ((top << 32) + quotient) + rest / count
                elif not whole:
                    dst[z, y, x] = top * 4294967296.0 + (quotient + rest / count)
                elif 2 * rest > count or (2 * rest == count and quotient % 2):
                    dst[z, y, x] = (top << 32) + quotient + 1
                else:
                    dst[z, y, x] = (top << 32) + quotient
