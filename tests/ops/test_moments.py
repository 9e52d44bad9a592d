"""sweep-moments against the formulas of the paper, as ImageJ has them."""

import numpy as np
import pytest
from test_li import binned, found
from test_otsu import modes

from sweeptools.ops.moments import keeps_moments


def imagej(counts):
    """The index up to which there is more than the lower share."""
    share = counts / counts.sum()
    m1, m2, m3 = (float((np.arange(len(counts), dtype=float) ** k * share).sum()) for k in (1, 2, 3))
    cd = m2 - m1 * m1
    c0, c1 = (-m2 * m2 + m1 * m3) / cd, (-m3 + m2 * m1) / cd
    root = np.sqrt(c1 * c1 - 4 * c0)
    z0, z1 = (-c1 - root) / 2, (-c1 + root) / 2
    return int(np.argmax(np.cumsum(share) > (z1 - m1) / (z1 - z0)))


@pytest.mark.parametrize("seed", range(4))
def test_integers_as_the_paper(seed):
    for dtype in ("uint8", "uint16"):
        a = modes(dtype, (4, 9, 40), seed)
        t, out = found("moments", a)
        assert t == imagej(np.bincount(a.ravel()))
        np.testing.assert_array_equal(out, a > t)
    assert found("moments", modes("int8", seed=seed))[0] == imagej(np.bincount(modes("uint8", seed=seed).ravel()))


@pytest.mark.parametrize("dtype", ["int32", "float32", "float64"])
def test_other_types_as_the_paper_on_their_bins(dtype):
    a = (modes("float64", (4, 9, 40)) * 1000 - 500).astype(dtype)
    middles, counts = binned(a)
    assert found("moments", a)[0] == pytest.approx(middles[imagej(counts)], rel=1e-12)


def test_two_values_keep_their_own_moments():
    for counts in ([1, 1], [1, 99], [99, 1], [2, 1]):
        assert keeps_moments([-5, 1000], counts) == -5
    assert keeps_moments([10**18, 10**18 + 1, 10**18 + 9], [5, 5, 1]) == 10**18 + 1
