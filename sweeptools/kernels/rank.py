"""Order statistics over boxes, all voxels of a row at once.

Voxels are compared as the integer keys of minima.py, turned over, so that NaN is the greatest of all. Any rank of any
box is found by bisection: from the highest bit down, a bit is set where no more than `rank` keys of the window are
below. The median of 3x3x3 is taken by minima and maxima alone, in a network that neighbours share.
"""

import numpy as np

from ..jit import kernel
from .minima import _load, _store


@kernel
def _count4(a, b, c, d, level, count):
    for i in range(count.size):
        t = level[i]
        count[i] += np.uint8(a[i] < t) + np.uint8(b[i] < t) + np.uint8(c[i] < t) + np.uint8(d[i] < t)


@kernel
def _count(a, level, count):
    for i in range(count.size):
        count[i] += a[i] < level[i]


@kernel
def _set(found, bit, level):
    for i in range(level.size):
        level[i] = found[i] ^ bit


@kernel
def _keep(count, rank, level, found):
    for i in range(found.size):
        found[i] = level[i] if count[i] <= rank else found[i]


@kernel
def select(src, dst, box, sizes, step, rank, turn, powers, keys, found, level, count):
    """The key of that rank, counted from 0, over a box of sizes (z, y, x). `powers` are the bits of a key from the
    highest down. Scratch, of keys: keys [z * y of the box, strip + (x - 1) * step], found and level [strip]; and count
    [strip], of a type that holds the number of voxels in the box."""
    z0, z1, y0, y1, x0, x1 = box
    size_z, size_y, size_x = sizes
    strip, margin = count.size, (size_x - 1) * step
    least = turn[4]
    for z in range(z0, z1):
        for y in range(y0, y1):
            for x in range(x0, x1, strip):
                n = min(strip, x1 - x)
                for k in range(size_z * size_y):
                    row = src[z + k // size_y, y + k % size_y, x : x + n + margin]
                    _load(row, keys[k, : n + margin], turn)
                found[:n] = least
                for bit in powers:
                    _set(found[:n], bit, level[:n])
                    count[:n] = 0
                    for k in range(size_z * size_y):
                        at = 0
                        while at + 4 <= size_x:
                            a = at * step
                            _count4(
                                keys[k, a : a + n], keys[k, a + step : a + step + n],
                                keys[k, a + 2 * step : a + 2 * step + n], keys[k, a + 3 * step : a + 3 * step + n],
                                level[:n], count[:n],
                            )  # fmt: skip
                            at += 4
                        while at < size_x:
                            _count(keys[k, at * step : at * step + n], level[:n], count[:n])
                            at += 1
                    _keep(count[:n], rank, level[:n], found[:n])
                _store(found[:n], dst[z, y, x : x + n], turn)


@kernel
def _swap(a, b):
    """The lesser to a, the greater to b."""
    for i in range(a.size):
        u, v = a[i], b[i]
        a[i] = u if u < v else v
        b[i] = v if u < v else u


@kernel
def _sort3(a, b, c, low, mid, high):
    for i in range(low.size):
        u, v, w = a[i], b[i], c[i]
        s, t = (u if u < v else v), (v if u < v else u)
        m = t if t < w else w
        low[i] = s if s < m else m
        mid[i] = m if s < m else s
        high[i] = w if t < w else t


@kernel
def _least3(a, b, c, out):
    for i in range(out.size):
        m = a[i] if a[i] < b[i] else b[i]
        out[i] = m if m < c[i] else c[i]


@kernel
def _greatest3(a, b, c, out):
    for i in range(out.size):
        m = b[i] if a[i] < b[i] else a[i]
        out[i] = c[i] if m < c[i] else m


@kernel
def _middle3(a, b, c, out):
    for i in range(out.size):
        s, t = (a[i] if a[i] < b[i] else b[i]), (b[i] if a[i] < b[i] else a[i])
        m = t if t < c[i] else c[i]
        out[i] = m if s < m else s


@kernel
def _raise_to(out, a, b):
    """out = min(out, max(a, b))."""
    for i in range(out.size):
        m = b[i] if a[i] < b[i] else a[i]
        out[i] = m if m < out[i] else out[i]


@kernel
def median27(src, dst, box, step, turn, swaps, merge, load, ring, nine, m):
    """The median of 3x3x3. Each column along z is sorted once for three rows, each sheet of nine (z, y) once for three
    voxels along x. `swaps` [k, 2] sorts nine that are three sorted triples, `merge` [k, 2] sorts eight that are two
    sorted fours. Scratch, of keys: load [3, strip + 2 * step], ring and nine [9, the same], m [13, strip].

    Of three sorted nines, a voxel that is less, or greater, than 14 others cannot be the median. That leaves, of the
    least of the three at every place, places 5 to 8, of the middle ones 2 to 6, of the greatest 0 to 3: 13 voxels, and
    7 discarded on either side; the median is the 7th of them.
    """
    z0, z1, y0, y1, x0, x1 = box
    strip = m.shape[1]
    for z in range(z0, z1):
        for x in range(x0, x1, strip):
            n = min(strip, x1 - x)
            wide = n + 2 * step
            done = y0
            for y in range(y0, y1):
                for row in range(done, y + 3):
                    for k in range(3):
                        _load(src[z + k, row, x : x + wide], load[k, :wide], turn)
                    k = 3 * (row % 3)
                    _sort3(
                        load[0, :wide], load[1, :wide], load[2, :wide],
                        ring[k, :wide], ring[k + 1, :wide], ring[k + 2, :wide],
                    )  # fmt: skip
                done = y + 3
                for k in range(3):                   # sorting triples among themselves keeps each of them sorted
                    _sort3(
                        ring[k, :wide], ring[k + 3, :wide], ring[k + 6, :wide],
                        nine[k, :wide], nine[k + 3, :wide], nine[k + 6, :wide],
                    )  # fmt: skip
                for k in range(swaps.shape[0]):
                    _swap(nine[swaps[k, 0], :wide], nine[swaps[k, 1], :wide])
                for k in range(9):
                    a, b, c = nine[k, :n], nine[k, step : step + n], nine[k, 2 * step : 2 * step + n]
                    if k <= 3:
                        _greatest3(a, b, c, m[k, :n])
                    if k >= 5:
                        _least3(a, b, c, m[k - 1, :n])
                    if 2 <= k <= 6:
                        _middle3(a, b, c, m[k + 6, :n])
                for k in range(merge.shape[0]):
                    _swap(m[merge[k, 0], :n], m[merge[k, 1], :n])
                for k in range(5):                   # the 7th of m[0:8] and m[8:13]: the least of its upper bounds
                    _raise_to(m[6, :n], m[8 + k, :n], m[5 - k, :n])
                _store(m[6, :n], dst[z, y, x : x + n], turn)
