"""Weighted sums along rows, columns and slices: the passes of separable filters with symmetric weights.

All sums are accumulated from the farthest pair of neighbours inwards, the centre last, in the type of the scratch
arrays: the order depends on nothing but the weights. Volumes come as [n, y, x * c], where `step` is c, the distance of
neighbours along x. `half` holds the weights from the centre outwards; where `odd` the other side is their negative.
"""

from ..jit import kernel
from .store import put_row
from .vectors import weigh


@kernel
def _copy(src, out):
    for i in range(out.size):
        out[i] = src[i]


@kernel
def _along(line, half, odd, step, out):
    """Weighted sums within `line`, which is out.size + 2 * radius * step long."""
    weigh(line, 0, 2 * half.size - 1, step, half, odd, out)


@kernel
def _across(ring, middle, half, odd, out):
    """Weighted sums of the rows of `ring` [m, x] around `middle`, counted modulo m."""
    m = ring.shape[0]
    weigh(ring, (middle - half.size + 1) % m, m, ring.shape[1], half, odd, out)


@kernel
def plane(src, dst, box, half_y, odd_y, half_x, odd_x, step, line, ring, acc, low, high, whole):
    """Along x, then along y, one slice after the other; gives the number of NaN turned into 0.

    Scratch, in the type of the sums: acc [strip], line [strip + 2 rx * step], and ring [2 ry + 1, strip] of rows
    summed along x. Slices are worked through in strips of columns so that the ring stays in the nearest cache.
    """
    z0, z1, y0, y1, x0, x1 = box
    strip, m, margin = acc.size, half_y.size * 2 - 1, 2 * (half_x.size - 1) * step
    nan = 0
    for z in range(z0, z1):
        for x in range(x0, x1, strip):
            n = min(strip, x1 - x)
            done = y0
            for y in range(y0, y1):
                for row in range(done, y + m):
                    _copy(src[z, row, x : x + n + margin], line[: n + margin])
                    _along(line[: n + margin], half_x, odd_x, step, ring[row % m, :n])
                done = y + m
                _across(ring, y + half_y.size - 1, half_y, odd_y, acc[:n])
                nan += put_row(acc[:n], dst[z, y, x : x + n], low, high, whole)
    return nan


@kernel
def depth(src, dst, box, half, odd, ring, acc, low, high, whole):
    """Along z; gives the number of NaN turned into 0. Scratch: acc [strip], ring [2 rz + 1, strip].

    Slices lie megabytes apart, often a power of two, where they would throw each other out of the cache: hence the
    ring of copies (measured: 1.5 times faster).
    """
    z0, z1, y0, y1, x0, x1 = box
    strip, m = acc.size, half.size * 2 - 1
    nan = 0
    for y in range(y0, y1):
        for x in range(x0, x1, strip):
            n = min(strip, x1 - x)
            done = z0
            for z in range(z0, z1):
                for row in range(done, z + m):
                    _copy(src[row, y, x : x + n], ring[row % m, :n])
                done = z + m
                _across(ring, z + half.size - 1, half, odd, acc[:n])
                nan += put_row(acc[:n], dst[z, y, x : x + n], low, high, whole)
    return nan
