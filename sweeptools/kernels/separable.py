"""Several separable filters of one volume at once, sharing what they have in common, in one pass over the volume.

Rows of the source are loaded once, summed along z once for each weighting, those rows along x once for each pair of
weightings that is wanted, and those along y from a ring: nothing but rows that stay in the cache lies in between, and
the volume is extended once, at its own borders. Weightings along one axis are rows of `halves`, from the centre
outwards; `radii` says how many of each count, `odds` where the other side is the negative. Sums are taken as in
lines.py, in the type of the scratch arrays. Volumes come as [n, y, x * c], where `step` is c.
"""

import numpy as np

from ..jit import kernel
from .lines import _across, _along, _copy


@kernel
def _raise(out, values):
    for i in range(out.size):
        out[i] += values[i]


@kernel
def _join(sums, n, length, squares, out):
    """The rows of `sums` as one row: components of the same voxels, or the roots of the sums of squares, taken in
    float64."""
    many = sums.shape[0]
    if length:
        squares[:n] = 0.0
        for k in range(many):
            row = sums[k, :n]
            for i in range(n):
                v = np.float64(row[i])
                squares[i] += v * v
        for i in range(n):
            out[i] = np.sqrt(squares[i])
    elif many == 1:
        _copy(sums[0, :n], out)
    else:
        for i in range(n):
            for k in range(many):
                out[i * many + k] = sums[k, i]


@kernel
def _planes(rows, count, y, n, halves_z, radii_z, odds_z, halves_x, radii_x, odds_x, in_zx, step, smooth, rings, acc):
    """The rows y of `count` slices of all planes, from the rows of the source."""
    slices, m, wide = rings.shape[0], rings.shape[2], n + rows.shape[1] - acc.size
    far_z, far_x = (rows.shape[0] - slices) // 2, (rows.shape[1] - acc.size) // 2
    for i in range(count):
        for k in range(radii_z.size):
            _across(rows, i + far_z, halves_z[k, : radii_z[k] + 1], odds_z[k], smooth[k, :wide])
        for t in range(in_zx.shape[0]):
            k, r = in_zx[t, 2], radii_x[in_zx[t, 2]]
            part = smooth[in_zx[t, 1], far_x - r * step : far_x + r * step + n]
            out = rings[i, in_zx[t, 0], y % m, :n]
            if in_zx[t, 3] != 0:
                _along(part, halves_x[k, : r + 1], odds_x[k], step, out)
            else:
                _along(part, halves_x[k, : r + 1], odds_x[k], step, acc[:n])
                _raise(out, acc[:n])


@kernel
def _sums(rings, y, n, halves_y, radii_y, odds_y, in_y, sums, acc):
    """A row of all filters, the middle of the rows in the rings [planes, 2 ry + 1, strip] being y."""
    for t in range(in_y.shape[0]):
        f, k = in_y[t, 0], in_y[t, 1]
        half, ring = halves_y[k, : radii_y[k] + 1], rings[in_y[t, 2]]
        if in_y[t, 3] != 0:
            _across(ring, y, half, odds_y[k], sums[f, :n])
        else:
            _across(ring, y, half, odds_y[k], acc[:n])
            _raise(sums[f, :n], acc[:n])


@kernel
def filtered(src, dst, box, halves_z, radii_z, odds_z, halves_y, radii_y, odds_y, halves_x, radii_x, odds_x,
             in_zx, in_y, step, length, rows, smooth, rings, acc, sums, squares):  # fmt: skip
    """The result, in the type of the sums, has the components of the source; or, for each of them, one value for each
    filter beside each other; or, with `length`, the length of the vector that these are.

    in_zx [t, 4]: (plane, weighting along z, along x, is the first of its plane): sums of these make a plane;
    in_y [t, 4]: (filter, weighting along y, plane, is the first of its filter).
    Scratch: rows [slices + 2 rz, strip + 2 rx * step], smooth [weightings along z, the same], rings [slices, planes,
    2 ry + 1, strip], acc [strip], sums [filters, strip], squares [strip] of float64.
    """
    z0, z1, y0, y1, x0, x1 = box
    strip, slices, m = acc.size, rings.shape[0], rings.shape[2]
    far_z, far_y, margin = (rows.shape[0] - slices) // 2, (m - 1) // 2, rows.shape[1] - strip
    many = 1 if length else sums.shape[0]
    for x in range(x0, x1, strip):
        n = min(strip, x1 - x)
        for z in range(z0, z1, slices):
            count = min(slices, z1 - z)
            for y in range(y0, y1 + m - 1):
                for k in range(count + 2 * far_z):
                    _copy(src[z + k, y, x : x + n + margin], rows[k, : n + margin])
                _planes(
                    rows, count, y, n, halves_z, radii_z, odds_z, halves_x, radii_x, odds_x, in_zx, step, smooth, rings, acc
                )  # fmt: skip
                if y < y0 + m - 1:
                    continue
                for i in range(count):
                    _sums(rings[i], y - far_y, n, halves_y, radii_y, odds_y, in_y, sums, acc)
                    _join(sums, n, length, squares, dst[z + i, y - m + 1, x * many : (x + n) * many])
