"""Principal axes: eigenvalues and eigenvectors of symmetric 3 x 3 matrices, by steps that are the same on every machine."""

import numpy as np

from ..jit import kernel


def principal(moments, out, ways):
    """Eigenvalues, falling, of symmetric matrices given as zz, yy, xx, zy, zx, yx, by Jacobi's rotations; ways become the
    eigenvectors in the same order, of length 1, each with its last component that is not 0 positive. moments (n, 6),
    out (n, 3), ways (n, 3, 3: of each value, z y x), float64."""
    _principal(moments, out, ways, np.zeros((3, 3)), np.zeros((3, 3)))


@kernel
def _principal(moments, out, ways, m, v):
    for i in range(moments.shape[0]):
        for k in range(3):
            m[k, k] = moments[i, k]
        m[0, 1] = m[1, 0] = moments[i, 3]
        m[0, 2] = m[2, 0] = moments[i, 4]
        m[1, 2] = m[2, 1] = moments[i, 5]
        for p in range(3):
            for q in range(3):
                v[p, q] = p == q
        for _ in range(16):                        # converges quadratically: 5 or 6 are enough
            if m[0, 1] == 0 and m[0, 2] == 0 and m[1, 2] == 0:
                break
            for p, q in ((0, 1), (0, 2), (1, 2)):
                rotate(m, v, p, q)
        first, second, third = 0, 1, 2             # equal ones stay in their order
        if m[second, second] > m[first, first]:
            first, second = second, first
        if m[third, third] > m[second, second]:
            second, third = third, second
        if m[second, second] > m[first, first]:
            first, second = second, first
        for place, axis in ((0, first), (1, second), (2, third)):
            out[i, place] = m[axis, axis]
            sign = 1.0
            for p in range(3):
                sign = 1.0 if v[p, axis] > 0 else -1.0 if v[p, axis] < 0 else sign
            for p in range(3):
                ways[i, place, p] = sign * v[p, axis] + 0.0        # no -0


@kernel
def rotate(m, v, p, q):
    """Turn m in the plane p, q so that m[p, q] vanishes, and the columns of v; Golub and Van Loan, algorithm 8.5.1."""
    off = m[p, q]
    tiny = abs(m[p, p]) * 2.0**-60 >= abs(off) and abs(m[q, q]) * 2.0**-60 >= abs(off)
    if off == 0 or tiny:
        m[p, q] = m[q, p] = 0
        return
    tau = (m[q, q] - m[p, p]) / (2 * off)
    t = (1.0 if tau >= 0 else -1.0) / (abs(tau) + np.sqrt(1 + tau * tau))
    c = 1 / np.sqrt(1 + t * t)
    s = t * c
    m[p, p] -= t * off
    m[q, q] += t * off
    m[p, q] = m[q, p] = 0
    r = 3 - p - q
    a, b = m[r, p], m[r, q]
    m[r, p] = m[p, r] = c * a - s * b
    m[r, q] = m[q, r] = s * a + c * b
    for k in range(3):
        a, b = v[k, p], v[k, q]
        v[k, p], v[k, q] = c * a - s * b, s * a + c * b
