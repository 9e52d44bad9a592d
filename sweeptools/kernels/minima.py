"""Minima over boxes and over footprints; maxima are the minima of the values turned over.

All comparisons are made on signed integers, whose order is the voxels': of unsigned ones the highest bit is turned
over; floats are taken as the integers that their bits spell, in the order of the numbers (-0 before +0), so that a
minimum is one and the same value in whatever order it is taken. A NaN becomes the least of all, and so passes into every
window that it lies in. What turns a voxel into such a key is `order`. Ten types are so served by four kernels.
Volumes come as [n, y, x * c] of integers, where `step` is c, the distance of neighbours along x.
"""

import numpy as np

from ..jit import kernel
from .vectors import least, least_of


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
def _least_of_slices(keys, i, parts, n, between, out):
    """The least of the rows of `keys` [slices, pitch] from i on: `between`, as large, is scratch."""
    (rows, pitch), (count, hop, span) = keys.shape, parts
    if count == 1:
        least(keys, i, rows, pitch, 1, span, out[:n])
        return
    for k in range(count):                           # what an earlier slice has left there is used again
        at = i + k * hop
        if i < hop or k == count - 1:
            least(keys, at, rows, pitch, 1, span, between[at, :n])
    least(between, i, rows, pitch, hop, count, out[:n])


@kernel
def box(src, dst, box, parts_z, parts_y, parts_x, step, turn, keys, between, line, part, ring, wide, out):
    """Minima over a box. Its length along an axis is (count - 1) * hop + span, where parts are (count, hop, span): the
    minima of `span` neighbours are found first, those of `count` of these afterwards, unless count is 1.

    Scratch, of keys: keys, between [slices + length - 1 along z, at least strip + (length - 1) * step along x], line and
    part [at least the same], ring [slices, span along y, at least strip], wide [slices, 1 + (count - 1) * hop along y, the
    same], out [strip]: everything stays in the caches, the source is read and the result written once.
    """
    z0, z1, y0, y1, x0, x1 = box
    (count_y, hop_y, span_y), (count_x, hop_x, span_x) = parts_y, parts_x
    size_z = (parts_z[0] - 1) * parts_z[1] + parts_z[2]
    size_y = (count_y - 1) * hop_y + span_y
    margin = ((count_x - 1) * hop_x + span_x - 1) * step
    slices, around, pitch = wide.shape
    strip, rows, pitch_ring = out.size, ring.shape[1], ring.shape[2]
    for x in range(x0, x1, strip):
        n = min(strip, x1 - x)
        far = n + margin
        for z in range(z0, z1, slices):
            deep = min(slices, z1 - z)
            done = y0
            for y in range(y0, y1):
                for row in range(done, y + size_y):
                    for k in range(deep + size_z - 1):
                        _load(src[z + k, row, x : x + far], keys[k, :far], turn)
                    for i in range(deep):
                        _least_of_slices(keys, i, parts_z, far, between, line)
                        if count_x == 1:
                            least(line, 0, span_x, step, 1, span_x, ring[i, row % rows, :n])
                        else:
                            few = far - (span_x - 1) * step
                            least(line, 0, span_x, step, 1, span_x, part[:few])
                            least(part, 0, far, step, hop_x, count_x, ring[i, row % rows, :n])
                        if count_y > 1 and row >= y0 + span_y - 1:
                            first = row - span_y + 1
                            least(ring[i], first % rows, rows, pitch_ring, 1, span_y, wide[i, first % around, :n])
                done = y + size_y
                for i in range(deep):
                    if count_y == 1:
                        least(ring[i], y % rows, rows, pitch_ring, 1, span_y, out[:n])
                    else:
                        least(wide[i], y % around, around, pitch, hop_y, count_y, out[:n])
                    _store(out[:n], dst[z + i, y, x : x + n], turn)


@kernel
def _runs(src, lengths, step, turn, a, b, out):
    """The minima of so many neighbours of a row, for each of the rising `lengths`, to the rows of `out`."""
    n, span = src.size, 1
    _load(src, a[:n], turn)
    for k in range(lengths.size):
        while 2 * span < lengths[k]:                 # minima of twice as many neighbours
            n -= span * step
            least(a, 0, src.size, step, span, 2, b[:n])
            a, b, span = b, a, 2 * span
        rest = lengths[k] - span
        least(a, 0, src.size, step, rest, 2 if rest else 1, out[k, : n - rest * step])


@kernel
def footprint(src, dst, box, lengths, taps, groups, sizes, step, turn, a, b, rows, at, out):
    """Minima over a footprint: of runs of rising `lengths` along x, at `taps` [t, 4] (z, y, first x, which length) in the
    window, which has `sizes` (z, y, x). The taps are taken in `groups` [g, 4] by their z: (least z, end, first tap, end);
    between groups dst holds keys. Scratch, of keys: a, b [strip + (sizes[2] - 1) * step], rows [slices - 1 + most slices of
    a group, y, lengths, at least the same], out [strip]; and at [most taps of a group] (int64).

    Each row of the source is reduced over every length once, for all rows of the result that it counts for.
    """
    z0, z1, y0, y1, x0, x1 = box
    _, size_y, size_x = sizes
    strip, margin = out.size, (size_x - 1) * step
    (stack, _, many, pitch), last = rows.shape, groups.shape[0] - 1
    slices = stack + 1
    for g in range(last + 1):
        slices = min(slices, stack + 1 - (groups[g, 1] - groups[g, 0]))
    for x in range(x0, x1, strip):
        n = min(strip, x1 - x)
        for z in range(z0, z1, slices):
            deep = min(slices, z1 - z)
            for g in range(last + 1):
                low, high, start, end = groups[g, 0], groups[g, 1], groups[g, 2], groups[g, 3]
                done = y0
                for y in range(y0, y1):
                    for row in range(done, y + size_y):
                        for k in range(deep + high - low - 1):
                            line = src[z + low + k, row, x : x + n + margin]
                            _runs(line, lengths, step, turn, a, b, rows[k, row % size_y])
                    done = y + size_y
                    for t in range(start, end):
                        row = (taps[t, 0] - low) * size_y + (y + taps[t, 1]) % size_y
                        at[t - start] = (row * many + taps[t, 3]) * pitch + taps[t, 2] * step
                    for i in range(deep):
                        done_row = dst[z + i, y, x : x + n]
                        least_of(rows, i * size_y * many * pitch, at[: end - start], out[:n])
                        if g > 0:
                            _lower(out[:n], done_row)
                        if g == last:
                            _store(out[:n], done_row, turn)
                        else:
                            _lesser(out[:n], out[:n], done_row)
