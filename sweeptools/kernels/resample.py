"""Values between voxels: sums of a few voxels along each axis, and at any points of a window of slices.

Volumes come as [n, y, x * c], where `step` is c. Sums are taken in the order of their voxels, for each result alone.
"""

import numpy as np

from ..jit import kernel


@kernel
def plane(src, dst, box, iy, wy, ix, wx, step, acc):
    """dst[z, y, x] = sum over j of wx[x, j] * (sum over i of wy[y, i] * src[z, iy[y, i], ix[x, j]]).

    dst and the weights are floats; acc [x * c] of the source, of the type of the weights, is scratch.
    """
    z0, z1, y0, y1, x0, x1 = box
    for z in range(z0, z1):
        for y in range(y0, y1):
            for i in range(iy.shape[1]):
                row, w = src[z, iy[y, i]], wy[y, i]
                line = acc[: row.size]
                if i == 0:
                    for k in range(line.size):
                        line[k] = w * row[k]
                else:
                    for k in range(line.size):
                        line[k] += w * row[k]
            for x in range(x0, x1):
                for c in range(step):
                    total = wx[x, 0] * acc[ix[x, 0] * step + c]
                    for j in range(1, ix.shape[1]):
                        total += wx[x, j] * acc[ix[x, j] * step + c]
                    dst[z, y, x * step + c] = total


@kernel
def add(src, w, dst, first, y0, y1):
    """dst [y, x] = w * src, or dst += w * src where it is not the first."""
    for y in range(y0, y1):
        row, out = src[y], dst[y]
        if first:
            for k in range(out.size):
                out[k] = w * row[k]
        else:
            for k in range(out.size):
                out[k] += w * row[k]


@kernel
def _located(z, y, x0, row, size, clip, order, axis, index, weight, inside):
    """Along one axis, for a row of points: the voxels of the spline and their weights, and which points are inside.

    row [4] of the matrix; the voxel nearest for order 0. Voxels beyond the volume are mirrored at the outermost ones.
    """
    start = row[3] + z * row[0] + y * row[1]
    last = size - 1.0
    for i in range(inside.size):
        c = start + (x0 + i) * row[2]
        ok = c >= 0.0 and c <= last
        if not ok:
            c = last if c > last and clip else 0.0
        if axis == 0:
            inside[i] = ok or clip
        else:
            inside[i] = inside[i] and (ok or clip)
        if order == 0:
            index[axis, 0, i] = int(np.floor(c + 0.5))
            continue
        at = int(np.floor(c))
        t = c - at
        u = 1.0 - t
        if order == 1:
            index[axis, 0, i], index[axis, 1, i] = at, min(at + 1, size - 1)
            weight[axis, 0, i], weight[axis, 1, i] = u, t
            continue
        for j in range(4):
            k = abs(at - 1 + j)
            if k > size - 1:
                k = 2 * (size - 1) - k
            index[axis, j, i] = min(max(k, 0), size - 1)
        weight[axis, 0, i] = u * u * u / 6.0
        weight[axis, 1, i] = (4.0 - 6.0 * t * t + 3.0 * t * t * t) / 6.0
        weight[axis, 2, i] = (4.0 - 6.0 * u * u + 3.0 * u * u * u) / 6.0
        weight[axis, 3, i] = t * t * t / 6.0


@kernel
def _points(z, y, x0, matrix, sizes, clip, order, slots, first, index, weight, inside):
    """Along all axes; slices by their place in the ring."""
    for axis in range(3):
        _located(z, y, x0, matrix[axis], sizes[axis], clip, order, axis, index, weight, inside)
    for j in range(order + 1):
        for i in range(inside.size):
            index[0, j, i] = slots[min(max(index[0, j, i] - first, 0), slots.size - 1)]


@kernel
def nearest(ring, slots, first, sizes, dst, box, z, matrix, clip, cval, step, index, weight, inside):
    """Voxels nearest to points; see `splines`. The type is kept."""
    z0, z1, y0, y1, x0, x1 = box
    for k in range(z0, z1):
        for y in range(y0, y1):
            _points(z + k, y, x0, matrix, sizes, clip, 0, slots, first, index, weight, inside)
            for i in range(x1 - x0):
                for c in range(step):
                    value = ring[index[0, 0, i], index[1, 0, i], index[2, 0, i] * step + c]
                    dst[k, y, (x0 + i) * step + c] = value if inside[i] else cval


@kernel
def splines(ring, slots, first, sizes, dst, box, z, matrix, clip, cval, step, order, index, weight, inside):
    """Splines of order 1 or 3 (of coefficients) at the points that `matrix` [3, 4] makes of the places z + k, y, x.

    ring [w, y, x * c]: slice v of the source, of `sizes` voxels, is ring[slots[v - first]]. Beyond the centres of the
    outermost voxels stands cval, or with `clip` the value at the border. Scratch for a row of n points: index and weight
    [3, 4, n], inside [n].
    """
    z0, z1, y0, y1, x0, x1 = box
    for k in range(z0, z1):
        for y in range(y0, y1):
            _points(z + k, y, x0, matrix, sizes, clip, order, slots, first, index, weight, inside)
            for i in range(x1 - x0):
                for c in range(step):
                    at = (x0 + i) * step + c
                    if not inside[i]:
                        dst[k, y, at] = cval
                    elif order == 1:
                        dst[k, y, at] = _linear(ring, index, weight, i, step, c)
                    else:
                        dst[k, y, at] = _cubic(ring, index, weight, i, step, c)


@kernel(inline=True)
def _linear(ring, index, weight, i, step, c):
    za, zb, ya, yb = index[0, 0, i], index[0, 1, i], index[1, 0, i], index[1, 1, i]
    xa, xb = index[2, 0, i] * step + c, index[2, 1, i] * step + c
    va, vb = weight[2, 0, i], weight[2, 1, i]
    low = weight[1, 0, i] * (va * ring[za, ya, xa] + vb * ring[za, ya, xb])
    low += weight[1, 1, i] * (va * ring[za, yb, xa] + vb * ring[za, yb, xb])
    high = weight[1, 0, i] * (va * ring[zb, ya, xa] + vb * ring[zb, ya, xb])
    high += weight[1, 1, i] * (va * ring[zb, yb, xa] + vb * ring[zb, yb, xb])
    return weight[0, 0, i] * low + weight[0, 1, i] * high


@kernel(inline=True)
def _cubic(ring, index, weight, i, step, c):
    xa, xb = index[2, 0, i] * step + c, index[2, 1, i] * step + c
    xc, xd = index[2, 2, i] * step + c, index[2, 3, i] * step + c
    va, vb, vc, vd = weight[2, 0, i], weight[2, 1, i], weight[2, 2, i], weight[2, 3, i]
    total = 0.0
    for a in range(4):
        z, w = index[0, a, i], weight[0, a, i]
        for b in range(4):
            y = index[1, b, i]
            along = va * ring[z, y, xa] + vb * ring[z, y, xb] + vc * ring[z, y, xc] + vd * ring[z, y, xd]
            total += w * weight[1, b, i] * along
    return total
