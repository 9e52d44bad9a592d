"""Symmetric 3x3 tensors in every voxel: the operations that hessian, tensor, frangi and sato are made of."""

import re
from functools import reduce

import numpy as np

from ..errors import UsageError
from ..kernels import eigen
from ..params import Choice, Lengths, Param, convert, number, unit_name
from ..spec import op
from ._derivatives import along
from ._differences import inner
from ._separable import filtered
from .cast import cast
from .normalize import floating

NAMES = ("zz", "zy", "zx", "yy", "yx", "xx")
PAIRS = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))
VECTORS = tuple(f"v{k}{axis}" for k in (1, 2, 3) for axis in "zyx")
STRIP = 128                            # voxels whose matrices are solved at a time

Output = lambda: Choice("what of it is given", "components", "eigenvalues", "eigenvectors")  # noqa: E731


def second(sigma, truncate, factors=(1.0, 1.0, 1.0), across=1.0):
    """Filters for the six second derivatives of a Gaussian, each axis times its factor, those of two axes times `across`."""
    return [
        along(sigma, truncate, a, b, factor=factors[a] * factors[b] * (1.0 if a == b else across)) for a, b in PAIRS
    ]  # fmt: skip


class Scales(Lengths):
    """Standard deviations, each for all axes: `1,2,4`, in voxels or in a unit of length."""

    metavar = "SIGMAS"

    def parse(self, text):
        """((sigma, ...), unit); the unit is `px` or a UDUNITS name."""
        body, unit = re.fullmatch(r"(.*?)([A-Za-zµμÅ]*)", text, re.DOTALL).groups()
        name = "px" if unit in ("", "px") else unit_name(unit)
        if name is None:
            raise UsageError(f"{self.name} is {text!r}, {unit} is not a unit of length: use px, A, nm, um, mm, cm or m")
        values = tuple(float(number(part, self.name)) for part in body.split(","))
        if not all(0 < v < float("inf") for v in values):
            raise UsageError(f"{self.name} is {text!r}, must be above 0 and finite")
        return values, name

    def bind(self, value, head):
        """For each scale (sigma along z, y, x in voxels, what derivatives along them are multiplied with, sigma)."""
        values, unit = value
        if unit == "px":
            return tuple(((v, v, v), (1.0, 1.0, 1.0), v) for v in values)
        sigmas = [Lengths.bind(self, ((v, v, v), unit), head) for v in values]
        steps = tuple(1.0 / convert(s, head.unit, unit) for s in head.spacing)
        return tuple((sigma, steps, v) for sigma, v in zip(sigmas, values, strict=True))


def every_axis(sigma):
    """Standard deviations, none of them 0."""
    if not all(s > 1e-15 for s in sigma):
        raise UsageError(f"sigma is {','.join(f'{s:g}' for s in sigma)}, must be above 0 along every axis")
    return sigma


def wide(dtype):
    """The type of the sums that a type of the result asks for, or None."""
    return dtype if dtype == "float64" else None


def finished(stream, head, dtype):
    """A stream of floats, computed from one with this head, as the type that is asked for."""
    return stream if not dtype or dtype == (wide(dtype) or floating(head)) else stream | cast(type=dtype)


def over_scales(stdin, scales, truncate, mode, cval, dtype, rule):
    """The greatest over scales of what a rule(Hessian, sigma) makes of each; all of them have the halo of the widest."""
    halos = [tuple(int(truncate * s + 0.5) for s in sigma) for sigma, _, _ in scales]
    most = tuple(map(max, zip(*halos, strict=True)))
    parts = []
    for (sigma, factors, value), halo in zip(scales, halos, strict=True):
        hessian = filtered(stdin, second(sigma, truncate, factors), mode, cval, dtype, names=NAMES)
        parts.append(inner(rule(hessian, value), [(m - h, m - h) for m, h in zip(most, halo, strict=True)]))
    return reduce(lambda a, b: a | greater(b), parts)


def single(head, name):
    """Refuses voxels with components: a tensor is of one value a voxel."""
    if head.components:
        raise UsageError(
            f"{name} takes volumes of one value a voxel, this one has {','.join(head.components)}; choose one with "
            f"sweep-read --channel"
        )


def solver():
    """The scratch of the eigen-solver."""
    return {"m": ((6, STRIP), "float64"), "v": ((9, STRIP), "float64"), "turn": ((2, STRIP), "float64")}


def flat(src, dst):
    """Arrays [n, y, x(, c)] as [n, y, x * c]."""
    return (a.reshape(*a.shape[:2], -1) for a in (src, dst))


@op("eigenvalues", head=lambda head: head.but(components=("e1", "e2", "e3")), scratch=solver, work=800)
def _values(src, dst, box, *, scratch):
    """Three components, the greatest first."""
    eigen.values(*flat(src, dst), box, scratch["m"], scratch["v"], scratch["turn"])


@op("eigenvectors", head=lambda head: head.but(components=VECTORS), scratch=solver, work=1200)
def _vectors(src, dst, box, *, scratch):
    """Nine components: the vector of the greatest eigenvalue first."""
    eigen.vectors(*flat(src, dst), box, scratch["m"], scratch["v"], scratch["turn"])


@op("products of three components", head=lambda head: head.but(components=NAMES))
def products(src, dst, box):
    """The outer product of a vector with itself: six components."""
    eigen.outer(*flat(src, dst), box, src.dtype.type(np.nan))


def given(stream, output):
    """What is asked for of a stream of tensors."""
    return stream | {"eigenvalues": _values, "eigenvectors": _vectors}[output]() if output != "components" else stream


@op("the greater of two volumes")
def greater(src, other, dst, box):
    """Voxel by voxel; NaN where one is."""
    z0, z1, y0, y1, x0, x1 = box
    part = slice(z0, z1), slice(y0, y1), slice(x0, x1)
    np.maximum(src[part], other[part], out=dst[part])


@op("tubeness of one scale", head=lambda head: head.but(components=()), scratch=solver, work=800)
def sato_of(src, dst, box, *, bright: Param("which ridges"), factor: Param("of the scale"), scratch):
    """See sato."""
    eigen.sato(*flat(src, dst), box, bright, factor, scratch["m"], scratch["v"], scratch["turn"])


@op("vesselness of one scale", head=lambda head: head.but(components=()), scratch=solver, work=900)
def frangi_of(src, dst, box, *, bright: Param("which ridges"), alpha: Param("of plates"), beta: Param("of blobs"),
              gamma: Param("of noise"), scratch):  # fmt: skip
    """See frangi."""
    eigen.frangi(*flat(src, dst), box, bright, alpha, beta, gamma or 1.0, scratch["m"], scratch["v"], scratch["turn"])
