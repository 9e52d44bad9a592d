"""sweep-permute: the axes in another order."""

from ..kernels import turn
from ..params import Arg, Param
from ..spec import op
from ._axes import Axes, places, whole


def _head(head, order):
    """All that goes by axes in the new order; the result is a volume of its own, which sweep-write does not turn back."""
    by = lambda triple: None if triple is None else tuple(triple[i] for i in order)  # noqa: E731
    return whole(head).but(
        whole=by(head.whole), spacing=by(head.spacing), origin=by(head.origin), axes=by(head.axes), chunks=by(head.chunks),
        order=(0, 1, 2),
    )  # fmt: skip


@op("slices turned by their diagonal", extent="slice", reach=None, head=_head)
def _planes(src, dst, box, *, order: Param("the axis of the input that each axis is")):
    """The axis z stays first."""
    z0, z1, y0, y1, x0, x1 = box
    src = src if order == (0, 1, 2) else src.swapaxes(1, 2)
    turn.copy(dst[z0:z1, y0:y1, x0:x1], src[z0:z1, y0:y1, x0:x1])


def _held(head, order):
    return turn.held(head.shape, head.dtype.itemsize * max(1, len(head.components)), order[0])


@op("slices along another axis", extent="volume", head=_head, memory=_held)
def _turned(head, out, disk, pool, *, order: Param("the axis of the input that each axis is")):
    """Through a temporary file of all voxels."""
    return disk.turned(head, out, order, pool)


@op("put the axes in another order", task="Geometry", extent="volume", examples=("yxz", "zxy", "xyz"))
def permute(stdin, *, order: Arg(Axes, "the new order of the axes: three letters, the slowest first", all=True,
                                 metavar="ORDER")):  # fmt: skip
    """Put the axes in the new ORDER: `sweep-permute yxz` makes slices of the axis y, whose rows are x and columns z, as
    numpy.transpose(v, (1, 2, 0)) does.

    The axes keep their names, spacing and origin and take them along; the result is a volume of its own, which
    sweep-write writes as it is. (sweep-read --axis y also delivers slices along y, and sweep-write puts those back.)
    ORDER goes by the names that the stream's axes have, so that `sweep-permute zyx` brings any order back.

    Where z stays first slices are turned as they pass. Else the volume goes through a temporary file as large as its
    voxels, in tiles, each voxel written once and read once; in memory are 32 MiB or a slice, whichever is more, of
    the old slices or of the new ones. A chunked volume is better read along another axis from the start: sweep-read
    --axis y | sweep-permute yzx needs no file. The type is kept, and every voxel, NaN too.
    """
    to = places(order, stdin.head)
    if to == (0, 1, 2) and stdin.head.order == (0, 1, 2):
        return stdin
    return stdin | (_turned(order=to) if to[0] else _planes(order=to))
