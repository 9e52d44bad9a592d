"""Several separable filters of one volume at once, which share what they have in common: a row is loaded once, summed
along x once for each weighting, and those rows once along y for each pair that is wanted.

Volumes are floats [n, y, x * c] and [n, y, x * c * k], where k values belong to one of the source. Weightings along one
axis are rows of `halves`, from the centre outwards; `radii` says how many of each count, `odds` where the other side is
the negative. Sums are taken as in lines.py, in the type of the voxels.
"""

import numpy as np

from ..jit import kernel
from .lines import _across, _along, _copy


@kernel
def _spread(values, out, k, many, begins):
    """The values to every `many`-th place of `out`, or added to what is there."""
    if begins:
        for i in range(values.size):
            out[i * many + k] = values[i]
    else:
        for i in range(values.size):
            out[i * many + k] += values[i]


@kernel
def _gather(row, k, many, out):
    for i in range(out.size):
        out[i] = row[i * many + k]


@kernel
def plane(src, dst, box, halves_y, radii_y, odds_y, halves_x, radii_x, odds_x, terms, many, step, line, rings, acc):
    """Along x, then y; `terms` [t, 4]: (k, weighting along y, along x, is the first of its k), sums of these pairs.
    Scratch: acc [strip], line [strip + 2 rx * step], rings [weightings along x, 2 ry + 1, strip]."""
    z0, z1, y0, y1, x0, x1 = box
    strip, m = acc.size, rings.shape[1]
    far_y, far_x = (m - 1) // 2, (line.size - acc.size) // (2 * step)
    for z in range(z0, z1):
        for x in range(x0, x1, strip):
            n = min(strip, x1 - x)
            done = y0
            for y in range(y0, y1):
                for row in range(done, y + m):
                    _copy(src[z, row, x : x + n + 2 * far_x * step], line[: n + 2 * far_x * step])
                    for i in range(radii_x.size):
                        r = radii_x[i]
                        part = line[(far_x - r) * step : (far_x + r) * step + n]
                        _along(part, halves_x[i, : r + 1], odds_x[i], step, rings[i, row % m, :n])
                done = y + m
                for t in range(terms.shape[0]):
                    i, j = terms[t, 1], terms[t, 2]
                    _across(rings[j], y + far_y, halves_y[i, : radii_y[i] + 1], odds_y[i], acc[:n])
                    _spread(acc[:n], dst[z, y, x * many : (x + n) * many], terms[t, 0], many, terms[t, 3] != 0)


@kernel
def depth(src, dst, box, halves, radii, odds, terms, had, many, rings, acc):
    """Along z, from `had` to `many` values a voxel; `terms` [t, 4]: (k of the result, weighting, k of the source, is
    the first of its k). Scratch: acc [strip], rings [had, 2 rz + 1, strip]."""
    z0, z1, y0, y1, x0, x1 = box
    strip, m = acc.size, rings.shape[1]
    far = (m - 1) // 2
    for y in range(y0, y1):
        for x in range(x0, x1, strip):
            n = min(strip, x1 - x)
            done = z0
            for z in range(z0, z1):
                for row in range(done, z + m):
                    for k in range(had):
                        _gather(src[row, y, x * had : (x + n) * had], k, had, rings[k, row % m, :n])
                done = z + m
                for t in range(terms.shape[0]):
                    i = terms[t, 1]
                    _across(rings[terms[t, 2]], z + far, halves[i, : radii[i] + 1], odds[i], acc[:n])
                    _spread(acc[:n], dst[z, y, x * many : (x + n) * many], terms[t, 0], many, terms[t, 3] != 0)


@kernel
def magnitude(src, dst, box, many):
    """The root of the sum of the squares of `many` values, in float64."""
    z0, z1, y0, y1, x0, x1 = box
    for z in range(z0, z1):
        for y in range(y0, y1):
            row, out = src[z, y, x0 * many : x1 * many], dst[z, y, x0:x1]
            for i in range(out.size):
                total = 0.0
                for k in range(many):
                    v = np.float64(row[i * many + k])
                    total += v * v
                out[i] = np.sqrt(total)
