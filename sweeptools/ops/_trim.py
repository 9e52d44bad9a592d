"""A part of a volume without some of its halo: where streams meet that have used up different shares of it."""

import numpy as np

from ..params import Param
from ..spec import Block, op


@op("a part with less halo", extent="halo")
def trim(streams, work, *, box: Param("what is kept, in voxels of the whole")):
    """The slices, rows and columns of BOX, out of a stream that has more of them."""
    (blocks,), (head,) = streams, work.heads
    (z0, z1), *sides = box
    rows, columns = (slice(a - lo, b - lo) for (a, b), (lo, _) in zip(sides, head.box[1:]))
    for block in blocks:
        a, b = max(z0, block.z), min(z1, block.z + block.n)
        if a < b:
            kept = block.part(a, b)
            if kept.data is not None:
                data = work.pool.array((b - a, *work.head.slice_shape), head.dtype, work.depth)
                np.copyto(data, kept.data[:, rows, columns])
                kept = Block(a, b - a, data)
                del data
            yield kept
            del kept
        del block
