"""Standard deviations over boxes: mean and sum of squared deviations of every window, merged in one fixed tree.

Two parts of a window with their counts, means and sums of squared deviations make a greater one (Chan, Golub and LeVeque
1979): no difference of large sums is ever taken, and a window of one value has no deviation at all. The tree is that of
means.py: a window of n is made of windows whose lengths are the powers of two in n. Volumes come as [n, y, x * c], where
`step` is c; a row of pairs is [2, x]: means, then sums of squares, in float64.
"""

import numpy as np

from ..jit import kernel
from .store import put_row


@kernel
def _merge(mean, square, other, more, share, gain, mean_out, square_out):
    for i in range(mean_out.size):
        d = other[i] - mean[i]
        square_out[i] = square[i] + more[i] + d * d * gain
        mean_out[i] = mean[i] + d * share


@kernel
def _take_in(mean, square, other, more, share, gain):
    """_merge in place: arrays that overlap would not be vectorised."""
    for i in range(mean.size):
        d = other[i] - mean[i]
        square[i] = square[i] + more[i] + d * d * gain
        mean[i] = mean[i] + d * share


@kernel
def _copy(src, out):
    for i in range(out.size):
        out[i] = src[i]


@kernel
def _start(src, row):
    for i in range(src.size):
        row[0, i] = src[i]
        row[1, i] = row[0, i] - row[0, i]            # 0, or NaN where an infinity would leave one or not by its place


@kernel
def _join(row, part, at, count, more, n):
    """n pairs of `row`, of `count` voxels each, with those of `part` from `at`, of `more` voxels each."""
    share = more / (count + more)
    _take_in(row[0, :n], row[1, :n], part[0, at : at + n], part[1, at : at + n], share, count * share)


@kernel
def _along(a, b, n, size, step, out, wide):
    """Windows of `size` neighbours within a [2, n]; b is scratch, `wide` pairs come out."""
    span, done = 1, 0
    while span <= size:
        if size & span:
            first = (size // (2 * span)) * 2 * span * step
            if done == 0:
                _copy(a[0, first : first + wide], out[0, :wide])
                _copy(a[1, first : first + wide], out[1, :wide])
            else:
                _join(out, a, first, done, span, wide)
            done += span
        if 2 * span <= size:
            n -= span * step
            low, high = span * step, span * step + n
            _merge(a[0, :n], a[1, :n], a[0, low:high], a[1, low:high], 0.5, 0.5 * span, b[0, :n], b[1, :n])
            a, b = b, a
        span *= 2


@kernel
def _across(tile, base, stride, out, to, hop, count, size, unit, n):
    """Windows of `size` rows of `tile` [rows, 2, strip], base + i * stride, into rows to + i * hop of `out`; each row is
    of `unit` voxels."""
    m, span, done = count + size - 1, 1, 0
    while span <= size:
        if size & span:
            first = (size // (2 * span)) * 2 * span
            for i in range(count):
                part, row = tile[base + (first + i) * stride], out[to + i * hop]
                if done == 0:
                    _copy(part[0, :n], row[0, :n])
                    _copy(part[1, :n], row[1, :n])
                else:
                    _join(row, part, 0, done * unit, span * unit, n)
            done += span
        if 2 * span <= size:
            m -= span
            for i in range(m):
                _join(tile[base + i * stride], tile[base + (i + span) * stride], 0, span * unit, span * unit, n)
        span *= 2


@kernel
def deviation(src, dst, box, sizes, step, slices, rows, a, b, tile, part, done, low, high, whole):
    """Over a box of sizes (z, y, x), `slices` by `rows` at a time; gives the number of NaN turned into 0. Scratch: a, b
    [2, strip + (x - 1) * step], tile [rows + y - 1, 2, strip], part [(slices + z - 1) * rows, 2, strip] and done
    [slices, 2, strip]."""
    z0, z1, y0, y1, x0, x1 = box
    size_z, size_y, size_x = sizes
    strip, margin, voxels = tile.shape[2], (size_x - 1) * step, size_z * size_y * size_x
    nan = 0
    for x in range(x0, x1, strip):
        n = min(strip, x1 - x)
        for y in range(y0, y1, rows):
            high_rows = min(rows, y1 - y)
            for z in range(z0, z1, slices):
                deep = min(slices, z1 - z)
                for k in range(deep + size_z - 1):
                    for i in range(high_rows + size_y - 1):
                        _start(src[z + k, y + i, x : x + n + margin], a)
                        _along(a, b, n + margin, size_x, step, tile[i], n)
                    _across(tile, 0, 1, part, k * rows, 1, high_rows, size_y, size_x, n)
                for i in range(high_rows):
                    _across(part, i, rows, done, 0, 1, deep, size_z, size_x * size_y, n)
                    for k in range(deep):
                        row = done[k, 1, :n]
                        for j in range(n):
                            row[j] = np.sqrt(row[j] / voxels)
                        nan += put_row(row, dst[z + k, y + i, x : x + n], low, high, whole)
    return nan
