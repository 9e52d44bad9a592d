"""Weighted sums along rows, columns and slices: the passes of separable filters with symmetric weights.

All sums are accumulated from the farthest pair of neighbours inwards, the centre last, in the type of the scratch
arrays: the order depends on nothing but the weights. Volumes come as [n, y, x * c], where `step` is c, the distance of
neighbours along x. `half` holds the weights from the centre outwards; where `odd` the other side is their negative.
"""

from ..jit import kernel
from .store import put_row


@kernel
def _even4(acc, a3, b3, a2, b2, a1, b1, a0, b0, w3, w2, w1, w0):
    for i in range(acc.size):
        acc[i] = (
            acc[i] + w3 * (a3[i] + b3[i]) + w2 * (a2[i] + b2[i]) + w1 * (a1[i] + b1[i]) + w0 * (a0[i] + b0[i])
        )


@kernel
def _even(acc, a, b, w):
    for i in range(acc.size):
        acc[i] = acc[i] + w * (a[i] + b[i])


@kernel
def _odd(acc, a, b, w):
    for i in range(acc.size):
        acc[i] = acc[i] + w * (b[i] - a[i])


@kernel
def _centre(acc, a, w):
    for i in range(acc.size):
        acc[i] = acc[i] + w * a[i]


@kernel
def _copy(src, out):
    for i in range(out.size):
        out[i] = src[i]


@kernel
def _along(line, half, odd, step, out):
    """Weighted sums within `line`, which is out.size + 2 * radius * step long."""
    n, radius = out.size, half.size - 1
    out[:] = 0
    k = radius
    while k >= 4 and not odd:
        # 8 streams and the sum are as many arrays as LLVM will check for overlap before it gives up vectorising
        a, b = (radius - k) * step, (radius + k) * step
        _even4(
            out, line[a : a + n], line[b : b + n],
            line[a + step : a + step + n], line[b - step : b - step + n],
            line[a + 2 * step : a + 2 * step + n], line[b - 2 * step : b - 2 * step + n],
            line[a + 3 * step : a + 3 * step + n], line[b - 3 * step : b - 3 * step + n],
            half[k], half[k - 1], half[k - 2], half[k - 3],
        )  # fmt: skip
        k -= 4
    while k >= 1:
        a, b = (radius - k) * step, (radius + k) * step
        if odd:
            _odd(out, line[a : a + n], line[b : b + n], half[k])
        else:
            _even(out, line[a : a + n], line[b : b + n], half[k])
        k -= 1
    _centre(out, line[radius * step : radius * step + n], half[0])


@kernel
def _across(ring, middle, half, odd, out):
    """Weighted sums of the rows of `ring` [m, x] around `middle`, counted modulo m."""
    m, n = ring.shape[0], out.size
    out[:] = 0
    k = half.size - 1
    while k >= 4 and not odd:
        _even4(
            out, ring[(middle - k) % m, :n], ring[(middle + k) % m, :n],
            ring[(middle - k + 1) % m, :n], ring[(middle + k - 1) % m, :n],
            ring[(middle - k + 2) % m, :n], ring[(middle + k - 2) % m, :n],
            ring[(middle - k + 3) % m, :n], ring[(middle + k - 3) % m, :n],
            half[k], half[k - 1], half[k - 2], half[k - 3],
        )  # fmt: skip
        k -= 4
    while k >= 1:
        if odd:
            _odd(out, ring[(middle - k) % m, :n], ring[(middle + k) % m, :n], half[k])
        else:
            _even(out, ring[(middle - k) % m, :n], ring[(middle + k) % m, :n], half[k])
        k -= 1
    _centre(out, ring[middle % m, :n], half[0])


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
