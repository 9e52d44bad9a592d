"""Sums over the voxels of any kernel, weighted one by one; and weights that fall with the distance in value too.

Volumes are floats [n, y, x * c], where `step` is c, the distance of neighbours along x. The taps of a kernel are taken in
one fixed order for every voxel.
"""

import numpy as np

from ..jit import kernel
from .decay import decay
from .store import put_row


@kernel
def _add4(acc, a, b, c, d, w, v, u, t):
    for i in range(acc.size):
        acc[i] = acc[i] + w * a[i] + v * b[i] + u * c[i] + t * d[i]


@kernel
def _add(acc, a, w):
    for i in range(acc.size):
        acc[i] = acc[i] + w * a[i]


@kernel
def weighted(src, dst, box, places, weights, step, strip):
    """The sums of `weights` [t] times the voxels at `places` [t, 3] (z, y, x) in the window, in the type of the voxels."""
    z0, z1, y0, y1, x0, x1 = box
    taps = places.shape[0]
    for z in range(z0, z1):
        for y in range(y0, y1):
            for x in range(x0, x1, strip):
                n = min(strip, x1 - x)
                acc = dst[z, y, x : x + n]
                acc[:] = 0
                t = 0
                while t + 4 <= taps:
                    p, q, r, s = places[t], places[t + 1], places[t + 2], places[t + 3]
                    a, b, c, d = x + p[2] * step, x + q[2] * step, x + r[2] * step, x + s[2] * step
                    _add4(
                        acc, src[z + p[0], y + p[1], a : a + n], src[z + q[0], y + q[1], b : b + n],
                        src[z + r[0], y + r[1], c : c + n], src[z + s[0], y + s[1], d : d + n],
                        weights[t], weights[t + 1], weights[t + 2], weights[t + 3],
                    )  # fmt: skip
                    t += 4
                while t < taps:
                    a = x + places[t, 2] * step
                    _add(acc, src[z + places[t, 0], y + places[t, 1], a : a + n], weights[t])
                    t += 1


@kernel
def _near(centre, row, weight, scale, total, share):
    """Adds what the voxels of a row weigh beside those of `centre`: exp(-scale * d²), times `weight`."""
    for i in range(centre.size):
        d = np.float64(row[i]) - np.float64(centre[i])
        e = decay(d * d * scale) * weight
        total[i] += e * np.float64(row[i])
        share[i] += e


@kernel
def bilateral(src, dst, box, places, weights, middle, scale, step, total, share, low, high, whole):
    """Means of the voxels at `places` [t, 3] (z, y, x) in the window, weighted by `weights` [t] and by how near they are in
    value to the one at `middle`; gives the number of NaN turned into 0. Scratch, float64: total, share [strip]."""
    z0, z1, y0, y1, x0, x1 = box
    nan, strip = 0, total.size
    for z in range(z0, z1):
        for y in range(y0, y1):
            for x in range(x0, x1, strip):
                n = min(strip, x1 - x)
                total[:n] = 0.0
                share[:n] = 0.0
                at = x + middle[2] * step
                centre = src[z + middle[0], y + middle[1], at : at + n]
                for t in range(places.shape[0]):
                    at = x + places[t, 2] * step
                    row = src[z + places[t, 0], y + places[t, 1], at : at + n]
                    _near(centre, row, weights[t], scale, total[:n], share[:n])
                for i in range(n):
                    total[i] = total[i] / share[i]
                nan += put_row(total[:n], dst[z, y, x : x + n], low, high, whole)
    return nan
