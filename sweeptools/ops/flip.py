"""sweep-flip: the volume mirrored along axes."""

import numpy as np

from ..params import Arg, Param
from ..spec import Block, op
from ._axes import Axes, places, whole


def _chunks(head, axes):
    """The chunks, where those of the mirrored volume begin where they end."""
    return head.chunks if head.chunks and all(head.whole[i] % head.chunks[i] == 0 for i in axes) else None


@op("rows and columns the other way round", extent="slice", reach=None,
    head=lambda head, axes: whole(head).but(chunks=_chunks(head, axes)))  # fmt: skip
def _mirror(src, dst, box, *, axes: Param("1 for y, 2 for x")):
    """Each slice on its own."""
    z0, z1, y0, y1, x0, x1 = box
    ny, nx = src.shape[1:3]
    rows = slice(ny - y1, ny - y0) if 1 in axes else slice(y0, y1)
    columns = slice(nx - x1, nx - x0) if 2 in axes else slice(x0, x1)
    back = tuple(slice(None, None, -1) if i in axes else slice(None) for i in (0, 1, 2))
    np.copyto(dst[z0:z1, y0:y1, x0:x1], src[z0:z1, rows, columns][back])


@op("slices the other way round", extent="slice", turns=True,
    head=lambda head: whole(head).but(chunks=_chunks(head, (0,))))  # fmt: skip
def _turn(streams, work):
    """Slice i is slice n - 1 - i: a stream that comes down is one that goes up."""
    n = work.head.whole[0]
    for block in streams[0]:
        starts = range(block.z, block.z + block.n, work.depth)
        for z in starts if work.way == "down" else reversed(starts):
            part = block.part(z, min(z + work.depth, block.z + block.n))
            data = part.data
            if data is not None and part.n > 1:
                data = work.pool.array(data.shape, data.dtype, work.depth)
                np.copyto(data, part.data[::-1])
            yield Block(n - part.z - part.n, part.n, data, part.fill)
            del part, data
        del block


@op("mirror along axes", task="Geometry", extent="slice", examples=("z", "y,x", "zyx"))
def flip(stdin, *, axes: Arg(Axes, "what to mirror: letters of z, y and x")):
    """Mirror the volume along AXES, as numpy.flip does: the first voxel along each becomes the last.

    The volume stays where it is: spacing, origin and the names of the axes are kept, its content is what is mirrored.
    AXES go by the names that the stream's axes have.

    Rows and columns are mirrored slice by slice. Along z nothing is held or saved: a stream that comes up goes on as a
    stream that comes down, which most commands, and sweep-write, take as they take any; a volume that can be read
    again is read down where what follows must go up, and only a pipe before such a command (sweep-label, sweep-edt) is
    saved on disk once. The type is kept, and every voxel, NaN too.
    """
    at = places(axes, stdin.head)
    plane = tuple(i for i in at if i)
    if plane:
        stdin = stdin | _mirror(axes=plane)
    return stdin | _turn() if 0 in at else stdin
