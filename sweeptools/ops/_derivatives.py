"""Gaussian weights for derivatives, as filters of _separable.py."""

from ..errors import UsageError
from ._separable import scaled
from .gauss import weights


def along(sigma, truncate, *axes, factor=1.0):
    """A filter: the Gaussian, differentiated once along each of the axes, times a number."""
    z, y, x = (weights(s, truncate, axes.count(axis)) for axis, s in enumerate(sigma))
    return ((scaled(z, factor) if factor != 1.0 else z, y, x),)


def axes_of(sigma):
    """The axes along which derivatives are taken: those that are smoothed."""
    axes = [axis for axis in range(3) if sigma[axis] > 1e-15]
    if not axes:
        raise UsageError("sigma is 0, must be above 0 along one axis at least")
    return axes
