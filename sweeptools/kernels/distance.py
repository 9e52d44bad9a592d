"""Squared Euclidean distances slice by slice: along z from the ends of runs, then columns, then rows.

A voxel belongs to the run of its neighbours with the same *key*; the distance is that to the nearest voxel with another
key. Where `every` is 0 the key 0 is the background, whose distance is 0. Columns and rows are minima of parabolas,
out[i] = min over j of f[j] + t[|i - j|], and at most t of the steps to another key along the line (beyond which no f[j] is
less):

  near   outwards from i, LANES voxels side by side, until t[d] reaches the largest value left: exact
  far    beyond CAP voxels: lower envelope, linear; Felzenszwalb and Huttenlocher 2012

Arrays, C-contiguous; W is int32, or float64, which holds whole numbers up to 2^53 as well:

  keys, lower    (ny, nx): keys of this slice and of the one below
  upper, below   int32 (ny, nx): z of the nearest voxel with another key above and below; NONE and -NONE without
  steps          int32 (ny, nx): steps to another key along an axis, NONE or more without
  t              W (side + 2,): squared distance of d steps along an axis; the last is `far`
  f, g           W (ny, pitch): squared distances, `far` where unknown, 0 beyond nx; pitch is nx rounded up to LANES, + 16
                 (a power of two would put a column into one cache set)
  bits           int32 or int64: the memory of an array of W. Non-negative floats order like their bits, and the largest
                 of whole numbers is found in vectors

Rows are sliced before they are looped over: an index that could be negative is not vectorised.
"""

import numpy as np

from ..jit import kernel
from .bits import lowest

NONE = 1 << 28
LANES = 128
CAP = 64


@kernel(inline=True)
def begins(row, before, fresh, every, byte):
    """byte[x] = 1 where a run of `row` begins: all do where it is `fresh`, has nothing before it."""
    for x in range(row.size):
        byte[x] = np.uint8(((row[x] != before[x]) | fresh) & (every | (row[x] != 0)))


@kernel
def descend(keys, higher, fresh, every, z, upper, byte, out, y0, y1):
    """Slice z on the way down, rows y0 to y1; `higher` are the keys of z + 1, `upper` becomes that of z. Into `out` go
    the ends of the runs that begin at z + 1, whose number is returned. At the end once more with `fresh`."""
    word = byte.view(np.uint64)
    at = 0
    for y in range(y0, y1):
        k, h, u = keys[y], higher[y], upper[y]
        begins(h, k, fresh, every, byte)
        for i in range(word.size):
            w = word[i]
            while w != 0:
                out[at] = u[8 * i + (lowest(w) >> 3)]
                at += 1
                w &= w - np.uint64(1)
        for x in range(k.size):
            u[x] = z + 1 if k[x] != h[x] else u[x]
    return at


@kernel
def along_z(keys, lower, fresh, every, z, upper, below, byte, ends, at, stop, t, f, y0, y1):
    """Slice z on the way up, rows y0 to y1: take the ends of the runs that begin here from ends[at:stop], then write
    f = t[steps along z], that of 0 steps for the background and `far` beyond the side. The number of runs that begin is
    returned; no more ends are taken than there are."""
    word = byte.view(np.uint64)
    last = np.int32(t.size - 1)
    first = at
    for y in range(y0, y1):
        k, h, u, b, r = keys[y], lower[y], upper[y], below[y], f[y]
        begins(k, h, fresh, every, byte)
        for i in range(word.size):
            w = word[i]
            while w != 0:
                if at < stop:
                    u[8 * i + (lowest(w) >> 3)] = ends[at]
                at += 1
                w &= w - np.uint64(1)
        if not fresh:
            for x in range(k.size):
                b[x] = z - 1 if k[x] != h[x] else b[x]
        for x in range(k.size):
            d = min(np.int32(u[x] - z), np.int32(z - b[x]))
            d = min(max(d, np.int32(0)), last)     # below 0 only where ends were missing
            r[x] = t[np.uint32(d if (k[x] != 0) | every else np.int32(0))]
    return at - first


@kernel
def edges(keys, steps, row, along_x):
    """The steps to another key along y, or along x; row: int32 (nx,)."""
    ny, nx = keys.shape
    if along_x:
        for y in range(ny):
            k, s = keys[y], steps[y]
            d = np.int32(NONE)
            for x in range(nx):
                d = np.int32(1) if x > 0 and k[x] != k[x - 1] else np.int32(d + 1)
                s[x] = d
            d = np.int32(NONE)
            for x in range(nx - 1, -1, -1):
                d = np.int32(1) if x + 1 < nx and k[x] != k[x + 1] else np.int32(d + 1)
                s[x] = min(s[x], d)
        return
    for y in range(ny):
        k, before, s, last = keys[y], keys[max(y - 1, 0)], steps[y], steps[max(y - 1, 0)]
        for x in range(nx):
            s[x] = np.int32(NONE) if y == 0 else np.int32(1) if k[x] != before[x] else np.int32(last[x] + 1)
    row[:] = NONE
    for y in range(ny - 2, -1, -1):
        k, after, s = keys[y], keys[y + 1], steps[y]
        for x in range(nx):
            row[x] = np.int32(1) if k[x] != after[x] else np.int32(row[x] + 1)
            s[x] = min(s[x], row[x])


@kernel(inline=True)
def largest(bits):
    m = bits[0]
    for x in range(LANES):
        m = max(m, bits[x])
    return m


@kernel(inline=True)
def nearer(best, p, q, step):
    """best = min(best, p + step, q + step)."""
    for x in range(LANES):
        v = (p[x] if p[x] < q[x] else q[x]) + step
        best[x] = v if v < best[x] else best[x]


@kernel(inline=True)
def bound(values, steps, t):
    """values = min(values, t[steps])."""
    last = np.int32(t.size - 1)
    for x in range(steps.size):
        v = t[np.uint32(min(steps[x], last))]
        values[x] = v if v < values[x] else values[x]


@kernel
def along_y(f, edged, steps, t, tbits, square, g, first, stop, best, bits, col, out, site, cut):
    """g = f after its columns, for strips first to stop of LANES columns; where `edged` at most t[steps].
    Scratch: best (LANES,); col, out (16, ny); site, cut (ny,)."""
    ny, nx = f.shape[0], steps.shape[1]
    for b in range(first, stop):
        x0 = b * LANES
        x1 = min(x0 + LANES, nx)
        near = True
        for y in range(ny):
            r = f[y, x0 : x0 + LANES]
            for x in range(LANES):
                best[x] = r[x]
            if edged:
                bound(best, steps[y, x0:x1], t)
            m = largest(bits)
            d = 1
            while d < ny and tbits[d] < m:
                if d > CAP:
                    near = False
                    break
                i, j = y - d, y + d
                i, j = (i if i >= 0 else j), (j if j < ny else i)
                if 0 <= i < ny:
                    nearer(best, f[i, x0 : x0 + LANES], f[j, x0 : x0 + LANES], t[d])
                    m = largest(bits)
                d += 1
            if not near:
                break
            r = g[y, x0 : x0 + LANES]
            for x in range(LANES):
                r[x] = best[x]
        if not near:
            for x in range(x0, x0 + LANES, 16):
                far_columns(f, t, square, g, x, col, out, site, cut)
            if edged:
                for y in range(ny):
                    bound(g[y, x0:x1], steps[y, x0:x1], t)


@kernel
def far_columns(f, t, square, g, x0, col, out, site, cut):
    """16 columns by the envelope, through col and out."""
    ny = f.shape[0]
    for y in range(ny):
        r = f[y, x0 : x0 + 16]
        for x in range(16):
            col[x, y] = r[x]
    for x in range(16):
        envelope(col[x], t, square, site, cut, out[x])
    for y in range(ny):
        r = g[y, x0 : x0 + 16]
        for x in range(16):
            r[x] = out[x, y]


@kernel
def envelope(f, t, square, site, cut, out):
    """out[i] = min over j of f[j] + t[|i - j|], t[d] being square * d * d.

    Parabola site[k] is the lowest from cut[k] on. What rounding of the cuts could change lies between two voxels, or is
    as small as that of the sum."""
    n, far = f.size, t[t.size - 1]
    k = -1
    for q in range(n):
        if f[q] >= far:
            continue
        s = 0.0
        while k >= 0:
            v = site[k]
            s = ((np.float64(f[q]) - np.float64(f[v])) / square / (q - v) + (q + v)) * 0.5
            if s > cut[k]:
                break
            k -= 1
        k += 1
        site[k] = q
        cut[k] = s if k > 0 else -np.inf
    if k < 0:
        out[:n] = far
        return
    start = 0
    for i in range(k + 1):
        v = site[i]
        stop = n if i == k else min(n, max(start, np.int64(np.floor(cut[i + 1])) + 1))
        value = f[v]
        middle = min(max(v, start), stop)
        o = out[start:middle]
        p = t[v - middle + 1 : v - start + 1]
        for x in range(o.size):
            o[x] = value + p[o.size - 1 - x]
        o = out[middle:stop]
        p = t[middle - v :]
        for x in range(o.size):
            o[x] = value + p[x]
        start = stop


@kernel
def along_x(g, edged, steps, t, tbits, square, scale, squared, dst, y0, y1, best, bits, line, out, site, cut):
    """dst = distances of rows y0 to y1 of the slice: the root of g after its rows, times `scale` (its square with
    `squared`), rounded once.

    Scratch: best (LANES,); line (nx rounded up to LANES + 2 CAP,), `far` outside the row; out (nx rounded up,); site, cut
    (nx,)."""
    nx = dst.shape[1]
    far = t[t.size - 1]
    for y in range(y0, y1):
        r, o = g[y, :nx], line[CAP : CAP + nx]
        for x in range(nx):
            o[x] = r[x]
        near = True
        for x0 in range(0, nx, LANES):
            o = line[CAP + x0 : CAP + x0 + LANES]
            for x in range(LANES):
                best[x] = o[x]
            for x in range(nx - x0, LANES):
                best[x] = 0
            if edged:
                bound(best, steps[y, x0 : min(x0 + LANES, nx)], t)
            m = largest(bits)
            d = 1
            while d < nx and tbits[d] < m:
                if d > CAP:
                    near = False
                    break
                i, j = CAP + x0 - d, CAP + x0 + d
                nearer(best, line[i : i + LANES], line[j : j + LANES], t[d])
                m = largest(bits)
                d += 1
            if not near:
                break
            o = out[x0 : x0 + LANES]
            for x in range(LANES):
                o[x] = best[x]
        if not near:
            envelope(r, t, square, site, cut, out)
            if edged:
                bound(out[:nx], steps[y], t)
        o = dst[y]
        for x in range(nx):
            v = np.float64(out[x])
            v = (v if squared else np.sqrt(v)) * scale
            o[x] = v if out[x] < far else np.inf
