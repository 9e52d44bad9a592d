"""sweep-pad: voxels around the volume."""

import numpy as np

from ..errors import Refused, UsageError
from ..params import Arg, Param, whole_number
from ..spec import Block, op
from ..window import constant, edge_index, wrap_around
from ._axes import steps, whole


class Margins(Param):
    """Voxels below and above along z, y and x: `5`, `1,2,3`, `0:5,2:2,:7`; one for all three."""

    metavar = "N"
    unit = "voxels"

    def parse(self, text):
        parts = tuple(self._pair(part) for part in text.split(","))
        if len(parts) not in (1, 3):
            raise UsageError(f"{self.name} is {text!r}, which has {len(parts)} values, must have one or three: Z,Y,X")
        return parts * 3 if len(parts) == 1 else parts

    def _pair(self, part):
        numbers = [whole_number(n, self.name) if n.strip() or ":" not in part else 0 for n in part.split(":")]
        if len(numbers) > 2:
            raise UsageError(f"{self.name} is {part!r}, must be N or BELOW:ABOVE")
        for n in numbers:
            if n < 0:
                raise UsageError(f"{self.name} is {n} voxels, must be at least 0; sweep-crop takes voxels away")
        return (numbers[0], numbers[-1])

    def canonical(self, value):
        return ",".join(f"{a}:{b}" if a != b else str(a) for a, b in value)


def _head(head, margins, mode):
    """The whole grows, and the origin moves to the first voxel that is put before."""
    for axis, n, pair in zip(head.axes, whole(head).whole, margins):
        if not n and any(pair) and mode != "constant":
            raise UsageError(f"the volume has no voxels along {axis} that mode {mode} could repeat; use --mode constant")
    below = [a for a, _ in margins]
    aligned = head.chunks and all(a % c == 0 for a, c in zip(below, head.chunks))
    return head.but(
        whole=tuple(a + n + b for n, (a, b) in zip(head.whole, margins)),
        origin=tuple(o - a * s for o, a, s in zip(head.origin, below, steps(head))),
        chunks=head.chunks if aligned else None,
    )  # fmt: skip


@op("rows and columns around slices", edges=True, extent="slice",
    halo=lambda margins: margins, head=_head)  # fmt: skip
def _frame(src, dst, box, *, margins: Param("voxels below and above along z, y, x")):
    """The window is the slice with all around it."""
    z0, z1, y0, y1, x0, x1 = box
    np.copyto(dst[z0:z1, y0:y1, x0:x1], src[z0:z1, y0:y1, x0:x1])


def _beyond(n, below, above, mode):
    """Which slice stands before and behind the volume's at each place, rising; -1 where it is the constant."""
    return edge_index(np.arange(-below, 0), n, mode), edge_index(np.arange(n, n + above), n, mode)


def _held(head, taken, margins, mode):
    """Slices kept at the beginning and for the end, and the blocks that these are parts of."""
    if mode == "wrap":
        return 0
    n = head.whole[0]
    before, behind = _beyond(n, *margins[0], mode)
    kept = int(before.max(initial=-1)) + 1 + n - int(behind[behind >= 0].min(initial=n))
    return (min(kept, 2 * n) + 2 * taken * (kept > 0)) * head.slice_bytes


@op("slices before and behind the volume", edges=True, extent="slice", halo=lambda margins: margins, head=_head,
    memory=_held)  # fmt: skip
def _ends(streams, work, *, margins: Param("voxels below and above along z, y, x"), mode, cval):
    """The slices themselves pass without a copy."""
    head, (below, above) = work.heads[0], margins[0]
    n, up = head.whole[0], work.way == "up"
    if mode == "wrap":
        for block in wrap_around(streams[0], n, below, above, work.way):
            yield Block(block.z + below, block.n, block.data, block.fill)
            del block
        return
    fill = constant(cval if mode == "constant" else 0, head.dtype)
    before, behind = _beyond(n, below, above, mode)
    first, last = (before, behind) if up else (behind, before)
    held, blocks = [], iter(streams[0])
    while first.size and not _has(held, first):
        held.append(next(blocks, None))
        if held[-1] is None:
            raise Refused(f"the stream ended before slice {first.max()}")
    yield from _repeated(first, held, 0 if up else n + below, fill, work)
    wanted, tail = last[last >= 0], []
    while True:
        block = held.pop(0) if held else next(blocks, None)
        if block is None:
            break
        if ((wanted >= block.z) & (wanted < block.z + block.n)).any():
            tail.append(block)
        yield Block(block.z + below, block.n, block.data, block.fill)
        del block
    yield from _repeated(last, tail, n + below if up else 0, fill, work)


def _has(held, wanted):
    """Whether all the slices that are wanted are in the blocks held."""
    real = wanted[wanted >= 0]
    ends = (real.min(), real.max()) if real.size else ()
    return all(any(b.z <= v < b.z + b.n for b in held) for v in ends)


def _repeated(slices, held, z, fill, work):
    """Blocks of the slices with these numbers, or of the constant, from place z on; in stream order."""
    starts = range(0, len(slices), work.depth)
    for a in starts if work.way == "up" else reversed(starts):
        numbers = slices[a : a + work.depth]
        if (numbers < 0).all():
            yield Block(z + a, len(numbers), None, fill[()])
            continue
        dst = work.pool.array((len(numbers), *work.head.slice_shape), work.head.dtype, work.depth)
        for i, v in enumerate(numbers):
            block = next(b for b in held if b.z <= v < b.z + b.n)
            dst[i] = block.part(v, v + 1).array(work.head)[0]
        yield Block(z + a, len(numbers), dst)
        del dst


@op("put voxels around the volume", task="Geometry", extent="slice", edges=True,
    examples=("2", "1,0,3 --mode constant --cval 7", "0:5,2:1,: --mode nearest", "3:0,2,1 --mode wrap"))
def pad(stdin, *, margins: Arg(Margins, "voxels put before and behind, N or BELOW:ABOVE, along z, y and x or for all",
                               metavar="N"), mode, cval):  # fmt: skip
    """Put N voxels before the first and behind the last along every axis; `2,0,10` other numbers along z, y and x, and
    `0:5,2:2,:7` others below than above.

    What stands there --mode says in scipy's words, as in all windows: reflect, the default, repeats the volume mirrored
    at its border (d c b a | a b c d), mirror at its outermost voxel (d c b | a b c d), nearest that voxel, wrap the other
    end, constant is CVAL. numpy.pad calls these symmetric, reflect, edge, wrap and constant. N may be larger than the
    volume. CVAL must be a value of the type; an axis without voxels can only be padded with a constant.

    The origin moves to the first voxel put there, the spacing stays. Along z the slices that are repeated are held in
    memory, none for constant; wrap saves the stream on disk once. The type is kept, and every voxel, NaN too.
    """
    (z, y, x), none = margins, (0, 0)
    constant(cval if mode == "constant" else 0, stdin.head.dtype)
    if any(y) or any(x):
        stdin = stdin | _frame(margins=(none, y, x), mode=mode, cval=cval)
    return stdin | _ends(margins=(z, none, none), mode=mode, cval=cval) if any(z) else stdin
