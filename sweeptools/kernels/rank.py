"""Order statistics over boxes, all voxels of a row at once.

Voxels are compared as the integer keys of minima.py, turned over, so that NaN is the greatest of all. Any rank of any
box is found by bisection: from the highest bit down, a bit is set where no more than `rank` keys of the window are
below. The median of 3x3x3 is taken by minima and maxima alone, in networks that neighbours share.
"""

from ..jit import kernel
from .minima import _load, _store
from .vectors import network, ranked


@kernel
def select(src, dst, box, sizes, step, rank, turn, powers, at, keys, found):
    """The key of that rank, counted from 0, over a box of sizes (z, y, x), of fewer voxels than a key has values. `powers`
    are the bits of a key from the highest down. Scratch: at [voxels of the box] (int64); and of keys: keys [z * y of the
    box, strip + (x - 1) * step], found [strip]."""
    z0, z1, y0, y1, x0, x1 = box
    size_z, size_y, size_x = sizes
    strip, margin, pitch = found.size, (size_x - 1) * step, keys.shape[1]
    for k in range(at.size):
        at[k] = k // size_x * pitch + k % size_x * step
    for z in range(z0, z1):
        for x in range(x0, x1, strip):
            n = min(strip, x1 - x)
            done = y0
            for y in range(y0, y1):
                for row in range(done, y + size_y):
                    for k in range(size_z):
                        line = src[z + k, row, x : x + n + margin]
                        _load(line, keys[k * size_y + row % size_y, : n + margin], turn)
                done = y + size_y
                ranked(keys, at, powers, turn[4], rank, found[:n])
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
