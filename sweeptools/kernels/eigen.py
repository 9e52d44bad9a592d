"""Symmetric 3x3 matrices, a row of them at a time: eigenvalues and eigenvectors by Jacobi's rotations (1846).

All in float64, with products, sums, quotients and roots alone, in one fixed order: the same bytes on every CPU. Four
sweeps of three rotations leave nothing off the diagonal that float64 can tell (convergence is quadratic, then cubic).
A voxel of the source has the components zz, zy, zx, yy, yx, xx. A matrix with NaN or infinity has NaN for all it has.
"""

import numpy as np

from ..jit import kernel
from .decay import decay

SWEEPS = 4


@kernel
def _rotate(p, q, pq, rp, rq, cosine, sine):
    """Turns two axes so that nothing is left between them."""
    for i in range(p.size):
        d, b = q[i] - p[i], 2.0 * pq[i]
        size = abs(d) + np.sqrt(d * d + b * b)
        t = b / size if size > 0.0 else 0.0
        t = t if d >= 0.0 else -t
        c = 1.0 / np.sqrt(t * t + 1.0)
        s = t * c
        h = t * pq[i]
        p[i] -= h
        q[i] += h
        pq[i] = 0.0
        x, y = rp[i], rq[i]
        rp[i] = c * x - s * y
        rq[i] = s * x + c * y
        cosine[i] = c
        sine[i] = s


@kernel
def _turn(p, q, cosine, sine):
    for i in range(p.size):
        x, y = p[i], q[i]
        p[i] = cosine[i] * x - sine[i] * y
        q[i] = sine[i] * x + cosine[i] * y


@kernel
def _exchange(p, q, a, b, c, d, e, f):
    """The greater to p, and what belongs to it."""
    for i in range(p.size):
        x, y, u, v, w, r, s, t = p[i], q[i], a[i], b[i], c[i], d[i], e[i], f[i]
        less = x < y
        p[i], q[i] = (y if less else x), (x if less else y)
        a[i], d[i] = (r if less else u), (u if less else r)
        b[i], e[i] = (s if less else v), (v if less else s)
        c[i], f[i] = (t if less else w), (w if less else t)


@kernel
def _sort(p, q):
    """The greater to p."""
    for i in range(p.size):
        x, y = p[i], q[i]
        p[i], q[i] = (y if x < y else x), (x if x < y else y)


@kernel
def _solve(m, v, turn, n, vectors):
    """m [6, n]: rows 0, 3 and 5 become the eigenvalues, the greatest first; v [9, n] their vectors, three rows each."""
    p, q, r = m[0, :n], m[3, :n], m[5, :n]
    for i in range(n):                               # 0 unless something is not finite
        bad = m[0, i] + m[1, i] + m[2, i] + m[3, i] + m[4, i] + m[5, i]
        bad -= bad
        p[i] += bad
        q[i] += bad
        r[i] += bad
    c, s = turn[0, :n], turn[1, :n]
    if vectors:
        v[:, :n] = 0.0
        v[0, :n] = 1.0
        v[4, :n] = 1.0
        v[8, :n] = 1.0
    for _ in range(SWEEPS):
        _rotate(p, q, m[1, :n], m[2, :n], m[4, :n], c, s)
        if vectors:
            for k in range(3):
                _turn(v[k, :n], v[3 + k, :n], c, s)
        _rotate(p, r, m[2, :n], m[1, :n], m[4, :n], c, s)
        if vectors:
            for k in range(3):
                _turn(v[k, :n], v[6 + k, :n], c, s)
        _rotate(q, r, m[4, :n], m[1, :n], m[2, :n], c, s)
        if vectors:
            for k in range(3):
                _turn(v[3 + k, :n], v[6 + k, :n], c, s)
    if not vectors:
        _sort(p, q)
        _sort(q, r)
        _sort(p, q)
        return
    x, y, z = v[0:3], v[3:6], v[6:9]
    _exchange(p, q, x[0, :n], x[1, :n], x[2, :n], y[0, :n], y[1, :n], y[2, :n])
    _exchange(q, r, y[0, :n], y[1, :n], y[2, :n], z[0, :n], z[1, :n], z[2, :n])
    _exchange(p, q, x[0, :n], x[1, :n], x[2, :n], y[0, :n], y[1, :n], y[2, :n])


@kernel
def outer(src, dst, box, nan):
    """The outer product of vectors (z, y, x) with themselves. Every NaN becomes `nan`: which of two a product takes on
    depends on the order of its operands."""
    z0, z1, y0, y1, x0, x1 = box
    for z in range(z0, z1):
        for y in range(y0, y1):
            row, out = src[z, y, 3 * x0 : 3 * x1], dst[z, y, 6 * x0 : 6 * x1]
            for i in range(x1 - x0):
                a, b, c = row[3 * i], row[3 * i + 1], row[3 * i + 2]
                a, b, c = (a if a == a else nan), (b if b == b else nan), (c if c == c else nan)
                d, e, f = a * a, a * b, a * c
                g, h, j = b * b, b * c, c * c
                out[6 * i] = d
                out[6 * i + 1] = e if e == e else nan
                out[6 * i + 2] = f if f == f else nan
                out[6 * i + 3] = g
                out[6 * i + 4] = h if h == h else nan
                out[6 * i + 5] = j


@kernel
def _gather(row, m, n):
    for i in range(n):
        for k in range(6):
            m[k, i] = row[6 * i + k]


@kernel
def values(src, dst, box, m, v, turn):
    """Three eigenvalues, the greatest first. Scratch, float64: m [6, strip], v [9, strip], turn [2, strip]."""
    z0, z1, y0, y1, x0, x1 = box
    strip = m.shape[1]
    for z in range(z0, z1):
        for y in range(y0, y1):
            for x in range(x0, x1, strip):
                n = min(strip, x1 - x)
                _gather(src[z, y, 6 * x : 6 * (x + n)], m, n)
                _solve(m, v, turn, n, False)
                out = dst[z, y, 3 * x : 3 * (x + n)]
                for i in range(n):
                    out[3 * i] = m[0, i]
                    out[3 * i + 1] = m[3, i]
                    out[3 * i + 2] = m[5, i]


@kernel
def vectors(src, dst, box, m, v, turn):
    """Three vectors (z, y, x) of length one in the order of the eigenvalues; of each the longest component is positive.
    Scratch as that of `values`."""
    z0, z1, y0, y1, x0, x1 = box
    strip = m.shape[1]
    for z in range(z0, z1):
        for y in range(y0, y1):
            for x in range(x0, x1, strip):
                n = min(strip, x1 - x)
                _gather(src[z, y, 6 * x : 6 * (x + n)], m, n)
                _solve(m, v, turn, n, True)
                out = dst[z, y, 9 * x : 9 * (x + n)]
                for i in range(n):
                    bad = m[0, i] - m[0, i]
                    for k in range(3):
                        a, b, c = v[3 * k, i], v[3 * k + 1, i], v[3 * k + 2, i]
                        most = a if abs(a) >= abs(b) else b
                        most = most if abs(most) >= abs(c) else c
                        sign = -1.0 if most < 0.0 else 1.0
                        out[9 * i + 3 * k] = sign * a + bad
                        out[9 * i + 3 * k + 1] = sign * b + bad
                        out[9 * i + 3 * k + 2] = sign * c + bad


@kernel
def sato(src, dst, box, bright, factor, m, v, turn):
    """Tubeness: the root of the product of the two greatest eigenvalues, each at least 0, times `factor`."""
    z0, z1, y0, y1, x0, x1 = box
    strip = m.shape[1]
    for z in range(z0, z1):
        for y in range(y0, y1):
            for x in range(x0, x1, strip):
                n = min(strip, x1 - x)
                _gather(src[z, y, 6 * x : 6 * (x + n)], m, n)
                _solve(m, v, turn, n, False)
                out = dst[z, y, x : x + n]
                for i in range(n):
                    a, b = (-m[5, i], -m[3, i]) if bright else (m[0, i], m[3, i])
                    a, b = (0.0 if a < 0.0 else a), (0.0 if b < 0.0 else b)
                    out[i] = factor * np.sqrt(a * b)


@kernel
def frangi(src, dst, box, bright, alpha, beta, gamma, m, v, turn):
    """Vesselness of Frangi and others 1998, as scikit-image computes it: eigenvalues in order of magnitude, the two
    greater ones at least 1e-10."""
    z0, z1, y0, y1, x0, x1 = box
    strip = m.shape[1]
    plate, blob, noise = 0.5 / (alpha * alpha), 0.5 / (beta * beta), 0.5 / (gamma * gamma)
    for z in range(z0, z1):
        for y in range(y0, y1):
            for x in range(x0, x1, strip):
                n = min(strip, x1 - x)
                _gather(src[z, y, 6 * x : 6 * (x + n)], m, n)
                _solve(m, v, turn, n, False)
                out = dst[z, y, x : x + n]
                for i in range(n):
                    a, b, c = m[0, i], m[3, i], m[5, i]
                    total = a * a + b * b + c * c
                    a, b = (b, a) if abs(b) < abs(a) else (a, b)
                    b, c = (c, b) if abs(c) < abs(b) else (b, c)
                    a, b = (b, a) if abs(b) < abs(a) else (a, b)
                    b, c = (-b, -c) if bright else (b, c)
                    b, c = (b if b > 1e-10 else 1e-10), (c if c > 1e-10 else 1e-10)
                    flat, round_ = b / c, a * a / (b * c)
                    value = (1.0 - decay(flat * flat * plate)) * decay(round_ * blob) * (1.0 - decay(total * noise))
                    out[i] = value + (total - total)
