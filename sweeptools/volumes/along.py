"""Volumes whose slices lie along z, read or written along another axis: through a temporary file in tiles, with memory
for a few slices (see turned.py); and those that are read from their beginning only, read down: through a saved stream."""

from math import prod

import numpy as np

from ..kernels import turn
from ..machine import spell_size
from ..memory import TARGET
from ..spec import Source
from ..spool import Spool, place, require
from ..stream import Digest, packing
from ..turned import Turned
from .sink import restored


def source(inner, axis, pool, sweep="up", tmpdir=None):
    """The Source `inner`, which goes along z and up, as one along another axis, or along z in either direction; it is
    read once, when the first block is asked for, however often this is."""
    order = (axis, *(i for i in (0, 1, 2) if i != axis))
    by = lambda triple: None if triple is None else tuple(triple[i] for i in order)  # noqa: E731
    head = inner.head
    out = head.but(
        whole=by(head.whole), spacing=by(head.spacing), origin=by(head.origin), axes=by(head.axes), order=by(head.order),
        chunks=by(head.chunks), sweep=sweep,
    )  # fmt: skip
    if axis:
        out = out.but(depth=max(1, min(TARGET // max(1, out.slice_bytes), out.slices)))
    directory, size = place(tmpdir), voxel_bytes(head) * prod(head.shape)
    require(directory, size)
    made = []

    def blocks(direction="up"):
        if not made:
            file = Turned(head, out, order, directory, pool) if axis else Spool(head, directory, pool=pool)
            for block in inner.blocks("up"):
                file.write(block)
                del block
            file.finish()
            made.append(file)
            inner.stats["spool_bytes"] = file.bytes
        yield from made[0].blocks(direction)

    def close():
        for file in made:
            file.close()
        inner.close()

    way = f"its slices lie along {head.axes[0]}: along {head.axes[axis]}" if axis else "it is packed as one stream: down"
    most = f"{'' if axis else 'up to '}{spell_size(size)}"
    held = turning(head, axis) + (("2 blocks that come out", 2 * out.block_bytes),)
    return Source(
        out, blocks, again=True, name=inner.name, stats=inner.stats, least=inner.least, close=close,
        memory=(*inner.memory, *((f"{inner.name}: {item}", n) for item, n in held)),
        said=(*inner.said, f"{inner.name}: {way} it is read through a temporary file of {most} in {directory}"),
    )  # fmt: skip


def voxel_bytes(head):
    return head.dtype.itemsize * max(1, len(head.components))


def turning(head, axis):
    """What the temporary file of a stream holds, as items of memory: where it is read along axis, or only down or up."""
    if axis:
        return (("slices along two axes", turn.held(head.shape, voxel_bytes(head), axis)),)
    return (("packing", packing(head.block_bytes)),)


class Sink:
    """A sink for a stream whose slices come in another order than its format takes: `make(head)` gives the sink for the
    volume's own slices, rising, which is fed when all has come."""

    def __init__(self, head, make, pool, tmpdir=None, beside=None):
        out = restored(head)
        out = out.but(depth=max(1, min(TARGET // max(1, out.slice_bytes), out.slices)))
        back = tuple(int(i) for i in np.argsort(head.order))
        directory, size = place(tmpdir, beside), voxel_bytes(head) * prod(head.shape)
        require(directory, size)
        self.sink = make(out)
        try:
            self.file = Turned(head, out, back, directory, pool) if back[0] else Spool(head, directory, pool=pool)
        except BaseException:
            self.sink.abort()
            raise
        self.out = out
        self.stats, self.lost, self.noted = self.sink.stats, self.sink.lost, self.sink.noted
        blocks = ("2 blocks of slices", 2 * max(out.block_bytes, head.block_bytes))
        self.memory = (*self.sink.memory, *turning(head, back[0]), blocks)
        what = f"comes along {head.axes[0]}, it is written along {out.axes[0]}" if back[0] else "goes down, it is written up"
        self.said = (f"the stream {what}: through a temporary file of up to {spell_size(size)} in {directory}",)

    def write(self, block):
        """Take a block of the stream."""
        self.file.write(block)

    def finish(self, end=None):
        """Write what came in the order of the volume, and publish it."""
        self.file.finish()
        self.stats["spool_bytes"] = self.file.bytes
        digest = Digest()
        for block in self.file.blocks("up"):
            digest.add(block, self.out)
            self.sink.write(block)
            del block
        self.file.close()
        self.sink.finish({**(end or {}), "slice_digests": digest.arrays()})

    def abort(self):
        """Leave nothing behind."""
        self.file.close()
        self.sink.abort()
