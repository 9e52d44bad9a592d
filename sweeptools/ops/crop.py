"""sweep-crop: a box of the volume."""

import numpy as np

from ..errors import UsageError
from ..params import Arg, Ranges, resolve_range
from ..spec import Reach, op


def _resolved(ranges, head):
    """(start, stop, step) along z, y, x; a range beyond the volume, or one that keeps nothing, is an error."""
    found = []
    for axis, part, size in zip(head.axes, ranges, head.whole):
        found.append(resolve_range(part, size, f"range {axis}"))
        if size and not len(range(*found[-1])):
            start, stop, _ = found[-1]
            raise UsageError(f"range {axis} {start}:{stop} keeps no voxel of {size}")
    return found


def _head(head, ranges):
    """The first voxel kept becomes the origin; a step multiplies the spacing; the chunks are those still whole."""
    kept = _resolved(ranges, head)
    steps = [step for _, _, step in kept]
    spacing = head.spacing and tuple(s and s * step for s, step in zip(head.spacing, steps))
    distance = head.spacing or (None,) * 3
    origin = tuple(o + k[0] * (1.0 if s is None else s) for o, k, s in zip(head.origin, kept, distance))
    aligned = head.chunks and all(k[2] == 1 and k[0] % c == 0 for k, c in zip(kept, head.chunks))
    return head.but(
        whole=tuple(len(range(*k)) for k in kept), spacing=spacing, origin=origin,
        chunks=head.chunks if aligned else None,
    )  # fmt: skip


@op(
    "keep a box of the volume",
    task="Geometry",
    examples=("1:,:,:", ":,1:,:-1", "::2,:,1::3", ":1,:1,:1"),
    extent="slice",
    reach=lambda ranges, head: tuple(Reach(start=a, stride=s) for a, _, s in _resolved(ranges, head)),
    head=_head,
)
def crop(src, dst, box, *, ranges: Arg(Ranges, "what to keep along z, y and x")):
    """Keep a box of voxels: RANGES are three numpy slices with commas between, Z0:Z1,Y0:Y1,X0:X1.

    Indices count from 0, ends are excluded, negatives count from the end, parts may be left out, and a third number
    is a step: `10:50,:,-100:` or `::2,::2,::2`. A box that reaches beyond the volume or keeps nothing is an error.
    The type is kept. The origin moves with the first voxel kept (in voxels, where the volume has no spacing), a step
    multiplies the spacing. sweep-read --box does the same without reading what is dropped.
    """
    z0, z1, y0, y1, x0, x1 = box
    if z1 <= z0 or y1 <= y0 or x1 <= x0:
        return
    step = ranges[0][2]
    slices = slice(z0 * step, (z1 - 1) * step + 1, step)         # the runner begins src at the first slice kept
    rows, columns = (_kept(part, size, *ends) for part, size, ends in
                     zip(ranges[1:], src.shape[1:3], ((y0, y1), (x0, x1))))  # fmt: skip
    np.copyto(dst[z0:z1, y0:y1, x0:x1], src[slices, rows, columns])


def _kept(part, size, first, last):
    """Where in the input the output's indices first to last lie along one axis."""
    start, _, step = resolve_range(part, size)
    return slice(start + first * step, start + (last - 1) * step + 1, step)
