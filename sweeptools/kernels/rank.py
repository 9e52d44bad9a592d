"""Order statistics over boxes, all voxels of a row at once.

Voxels are compared as the integer keys of minima.py, turned over, so that NaN is the greatest of all. Any rank of any
box is found by bisection: from the highest bit down, a bit is set where no more than `rank` keys of the window are
below. The median of 3x3x3 is taken by minima and maxima alone, in networks that neighbours share.
"""

import numpy as np

from ..jit import kernel
from .minima import _load, _store
from .vectors import network


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


# what is left to sort of nine, once three sorted triples have been sorted place by place (Floyd's network of 25)
NINE = ((1, 3), (5, 7), (2, 6), (4, 6), (2, 4), (2, 3), (5, 6))
# two sorted fours into a sorted eight (Batcher 1968)
EIGHT = ((0, 4), (1, 5), (2, 6), (3, 7), (2, 4), (3, 5), (1, 2), (3, 4), (5, 6))


def triple(of, a, b, c):
    """Three in order; `of` has lesser and greater, of two."""
    a, b = of.lesser(a, b), of.greater(a, b)
    b, c = of.lesser(b, c), of.greater(b, c)
    return [of.lesser(a, b), of.greater(a, b), c]


def _swapped(of, values, swaps):
    for i, j in swaps:
        values[i], values[j] = of.lesser(values[i], values[j]), of.greater(values[i], values[j])
    return values


def nine(of, *triples):
    """Three sorted triples as a sorted nine: triples sorted among themselves stay sorted each."""
    columns = [triple(of, *triples[k::3]) for k in range(3)]
    return _swapped(of, [columns[k % 3][k // 3] for k in range(9)], NINE)


def middle(of, *nines):
    """The 14th of three sorted nines, the three of each place one after another, as the only one of a list.

    A voxel that is less, or greater, than 14 others cannot be the median. That leaves, of the least of the three at every
    place, places 5 to 8, of the middle ones 2 to 6, of the greatest 0 to 3: 13 voxels, and 7 discarded on either side; the
    median is the 7th of them.
    """
    least, between, greatest = zip(*(triple(of, *nines[k : k + 3]) for k in range(0, 27, 3)), strict=True)
    eight = _swapped(of, [*greatest[:4], *least[5:]], EIGHT)
    found = eight[6]
    for k, v in enumerate(between[2:7]):             # the 7th of these eight and five: the least of its upper bounds
        found = of.lesser(found, of.greater(v, eight[5 - k]))
    return [found]


_triple, _nine, _middle = network(3, 3, triple), network(9, 9, nine), network(27, 1, middle)


@kernel
def median27(src, dst, box, step, turn, rows, places, load, ring, nines, out):
    """The median of 3x3x3. Each column along z is sorted once for three rows, each sheet of nine (z, y) once for three
    voxels along x. Scratch, of keys: load [3, pitch], ring and nines [9, pitch], out [pitch]; pitch is at least
    2 * step more than the columns worked through at a time. `rows` [9] are where its rows start, `places` [27] those of
    three voxels along x in each row of `nines`.
    """
    z0, z1, y0, y1, x0, x1 = box
    pitch = out.size
    strip = pitch - 2 * step
    for z in range(z0, z1):
        for x in range(x0, x1, strip):
            n = min(strip, x1 - x)
            wide = n + 2 * step
            done = y0
            for y in range(y0, y1):
                for row in range(done, y + 3):
                    for k in range(3):
                        _load(src[z + k, row, x : x + wide], load[k, :wide], turn)
                    _triple(load, rows, ring[3 * (row % 3) :], rows, wide)
                done = y + 3
                _nine(ring, rows, nines, rows, wide)
                _middle(nines, places, out, rows, n)
                _store(out[:n], dst[z, y, x : x + n], turn)
