"""Minima over boxes and over footprints; maxima are the minima of the values turned over.

All comparisons are made on signed integers, whose order is the voxels': of unsigned ones the highest bit is turned
over; floats are taken as the integers that their bits spell, in the order of the numbers (-0 before +0), so that a
minimum is one and the same value in whatever order it is taken. A NaN becomes the least of all, and so passes into every
window that it lies in. What turns a voxel into such a key is `order`. Ten types are so served by four kernels.
Volumes come as [n, y, x * c] of integers, where `step` is c, the distance of neighbours along x.
"""

import numpy as np

from ..jit import kernel


def bits(array):
    """The signed integers that the bits of an array spell, without a copy."""
    return array.view(f"int{8 * array.itemsize}")


def order(dtype, greatest):
    """(flip, shift, most, infinity, least, nan), in the type of the keys: how `_load` and `_store` turn voxels.

    shift is 0 where voxels are integers; flip turns the order over.
    """
    dtype = np.dtype(dtype)
    kind = np.dtype(f"int{8 * dtype.itemsize}")
    info, zero = np.iinfo(kind), kind.type(0)
    flip = ~zero if greatest else zero
    if dtype.kind != "f":
        least = kind.type(info.min)
        return (flip ^ least if dtype.kind == "u" else flip, zero, zero, zero, least, zero)
    infinity, nan = (np.array(v, dtype).view(kind)[()] for v in (np.inf, np.nan))
    return (flip, kind.type(info.bits - 1), kind.type(info.max), infinity, kind.type(info.min), nan)


@kernel
def _load(src, out, turn):
    """Voxels to keys."""
    flip, shift, most, infinity, least, _ = turn
    if shift == 0:
        for i in range(out.size):
            out[i] = src[i] ^ flip
    else:
        for i in range(out.size):
            v = src[i]
            key = v ^ ((v >> shift) & most) ^ flip
            out[i] = least if (v & most) > infinity else key


@kernel
def _store(keys, out, turn):
    """Keys to voxels; every NaN is the same NaN."""
    flip, shift, most, _, least, nan = turn
    if shift == 0:
        for i in range(out.size):
            out[i] = keys[i] ^ flip
    else:
        for i in range(out.size):
            key = keys[i] ^ flip
            out[i] = nan if keys[i] == least else key ^ ((key >> shift) & most)


@kernel
def _lesser(a, b, out):
    for i in range(out.size):
        out[i] = a[i] if a[i] < b[i] else b[i]


@kernel
def _lower(out, a):
    for i in range(out.size):
        out[i] = a[i] if a[i] < out[i] else out[i]


@kernel
def _double(a, b, n, span, size, step):
    """Minima of twice as many neighbours while they fit in `size`: (minima, the other array, n, span)."""
    while 2 * span <= size:
        n -= span * step
        _lesser(a[:n], a[span * step : span * step + n], b[:n])
        a, b, span = b, a, 2 * span
    return a, b, n, span


@kernel
def _along(a, b, n, size, step, out):
    """Minima of `size` neighbours within a; b is scratch, n = out.size + (size - 1) * step."""
    a, b, n, span = _double(a, b, n, 1, size, step)
    rest = (size - span) * step
    _lesser(a[: out.size], a[rest : rest + out.size], out)


@kernel
def _across(tile, count, size, n):
    """tile[i] = minimum of tile[i : i + size], for i < count: by doubling, or one by one where count is small."""
    if count < 4:
        for i in range(count):
            for k in range(1, size):
                _lower(tile[i, :n], tile[i + k, :n])
        return
    m, span = count + size - 1, 1
    while 2 * span <= size:
        m -= span
        for i in range(m):
            _lower(tile[i, :n], tile[i + span, :n])
        span *= 2
    if size > span:
        for i in range(count):
            _lower(tile[i, :n], tile[i + size - span, :n])


@kernel
def plane(src, dst, box, size_y, size_x, step, turn, a, b, tile):
    """Minima over size_y by size_x in every slice. Scratch, of keys: a, b [strip + (size_x - 1) * step] and
    tile [rows + size_y - 1, strip]: strips of columns and tiles of rows are sized for the cache."""
    z0, z1, y0, y1, x0, x1 = box
    strip, rows, margin = tile.shape[1], tile.shape[0] - size_y + 1, (size_x - 1) * step
    for z in range(z0, z1):
        for x in range(x0, x1, strip):
            n = min(strip, x1 - x)
            for y in range(y0, y1, rows):
                count = min(rows, y1 - y)
                for i in range(count + size_y - 1):
                    _load(src[z, y + i, x : x + n + margin], a[: n + margin], turn)
                    _along(a, b, n + margin, size_x, step, tile[i, :n])
                _across(tile, count, size_y, n)
                for i in range(count):
                    _store(tile[i, :n], dst[z, y + i, x : x + n], turn)


@kernel
def depth(src, dst, box, size, turn, tile):
    """Minima over `size` slices. Scratch, of keys: tile [slices + size - 1, strip]."""
    z0, z1, y0, y1, x0, x1 = box
    strip, slices = tile.shape[1], tile.shape[0] - size + 1
    for y in range(y0, y1):
        for x in range(x0, x1, strip):
            n = min(strip, x1 - x)
            for z in range(z0, z1, slices):
                count = min(slices, z1 - z)
                for i in range(count + size - 1):
                    _load(src[z + i, y, x : x + n], tile[i, :n], turn)
                _across(tile, count, size, n)
                for i in range(count):
                    _store(tile[i, :n], dst[z + i, y, x : x + n], turn)


@kernel
def footprint(src, dst, box, runs, sizes, step, turn, greatest, a, b, c):
    """Minima over a footprint of `runs` [k, 4]: (z, y, first x, length) in the window, by length; the window has
    `sizes` (z, y, x). Scratch, of keys: a, b, c [strip + (sizes[2] - 1) * step].

    Each row of the source is reduced over every length once and lowers all rows of the result that it counts for,
    which hold keys until their last row has been.
    """
    z0, z1, y0, y1, x0, x1 = box
    high, wide = sizes[1], (sizes[2] - 1) * step
    strip, within = a.size - wide, (z0, z1, y0, y1)
    for x in range(x0, x1, strip):
        end = min(x + strip, x1)
        for row in range(y0, y1 + high - 1):
            if row < y1:
                for z in range(z0, z1):
                    dst[z, row, x:end] = greatest
            for z in range(z0, z1 + sizes[0] - 1):
                _lower_all(src[z, row, x : end + wide], dst, z, row, x, end, within, runs, step, turn, a, b, c)
            if row >= y0 + high - 1:
                for z in range(z0, z1):
                    done = dst[z, row - high + 1, x:end]
                    _store(done, done, turn)


@kernel
def _lower_all(line, dst, z, y, x, end, within, runs, step, turn, a, b, c):
    """What one row of the source does to the results."""
    z0, z1, y0, y1 = within
    n, span, k = line.size, 1, 0
    _load(line, a[:n], turn)
    while k < runs.shape[0]:
        length = runs[k, 3]
        a, b, n, span = _double(a, b, n, span, length, step)
        rest = (length - span) * step
        if rest:
            _lesser(a[: n - rest], a[rest:n], c[: n - rest])
        while k < runs.shape[0] and runs[k, 3] == length:
            to_z, to_y, first = z - runs[k, 0], y - runs[k, 1], runs[k, 2] * step
            if z0 <= to_z < z1 and y0 <= to_y < y1:
                if rest:
                    _lower(dst[to_z, to_y, x:end], c[first : first + end - x])
                else:
                    _lower(dst[to_z, to_y, x:end], a[first : first + end - x])
            k += 1
