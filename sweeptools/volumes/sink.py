"""A stream into a volume: blocks are gathered to whole chunk rows, which a thread writes behind; then it is published.

Down sweeps and turned streams come out in the volume's own order z, y, x. At most two slabs are alive, the one that is
being gathered and the one that is being written, and what was reduced of them for coarser levels.
"""

from concurrent.futures import ThreadPoolExecutor, wait

import numpy as np

from ..errors import SweepError
from .pyramid import Level, Pyramid, Rows

GRACE = 0.3                            # seconds that a row may take to be done where all is given up


def restored(head):
    """The head of the volume that a stream is a view of: axes in the volume's own order, swept up."""
    back = np.argsort(head.order)
    turn = lambda triple: None if triple is None else tuple(triple[i] for i in back)  # noqa: E731
    return head.but(
        whole=turn(head.whole), box=turn(head.box), spacing=turn(head.spacing), origin=turn(head.origin),
        axes=turn(head.axes), chunks=turn(head.chunks), order=(0, 1, 2), sweep="up", halo=turn(head.halo),
    )  # fmt: skip


class Sink:
    """`write` blocks in stream order, then `finish`; or `abort` at any time. `stats` counts, `memory` is what is held.

    writer: a format's Writer, which takes boxes of the volume, of all its `levels` where it has them; target: where it
    is published.
    """

    def __init__(self, head, writer, target, pool, history=True):
        self.head, self.writer, self.target, self.history = head, writer, target, history
        self.back = tuple(np.argsort(head.order))
        axis, comps, volume = head.order[0], len(head.components), restored(head)
        levels = getattr(writer, "levels", None) or [Level(volume.whole, max(1, writer.grain[axis]))]
        self.rows = Rows(levels[0], head.dtype, comps, axis, pool, writer.skips, head.depth)
        method = getattr(writer, "method", "mean")
        self.pyramid = Pyramid(levels, head.dtype, comps, axis, method, self._store, pool, getattr(writer, "threads", 1))
        self.seen = 0
        self.stats = {"bytes": 0, "chunks": 0, "chunks_rewritten": 0, "files": 0}
        self.worker = ThreadPoolExecutor(1, "write")
        self.behind = None
        rows = min(2, -(-head.slices // self.rows.grain))
        self.memory = ((f"{target.name}: {rows} slabs of {self.rows.grain} slices", rows * self.rows.bytes),)
        self.memory += tuple((f"{target.name}: {what}", n) for what, n in self.pyramid.memory())
        if head.depth != self.rows.grain or head.order != (0, 1, 2):     # else the blocks are the slabs
            self.memory += (("2 blocks of the stream", 2 * head.block_bytes),)
        if getattr(writer, "held", 0):
            self.memory += ((f"{target.name}: encoding", writer.held),)

    def write(self, block):
        """Take a block of the stream."""
        first, down = block.z - self.head.first, self.head.sweep == "down"
        data = block.data
        if data is not None and self.head.order != (0, 1, 2):
            data = data.transpose(*self.back, *range(3, data.ndim))
        for start, stop, row in self.rows.take(first, first + block.n, data, block.fill, down):
            if self.behind is not None:              # until the row before has been written
                self.behind.result()
            self.behind = self.worker.submit(self._put, start, stop, row)
        self.seen += block.n

    def _put(self, start, stop, row):
        if getattr(self.writer, "windows", None):
            self.writer.windows.add(row[0])
        self._store(row[0], (start, stop), 0)
        self.pyramid.take(start, stop, row[0], down=self.head.sweep == "down")
        self.rows.let_go(row)

    def _store(self, data, span, k):
        """Write a row of level k; one that is 0 throughout is not stored."""
        if data is None:
            return
        box = [(0, n) for n in self.pyramid.levels[k].whole]
        box[self.head.order[0]] = span
        self.stats["bytes"] += data.nbytes
        self.writer.write(data, tuple(box), *([k] if k else ()))

    def finish(self, end=None):
        """Write what is left and publish. end: what the stream's end told: slice_digests (indices, digests), found."""
        if self.seen != self.head.slices:
            raise SweepError(f"{self.target.name}: {self.seen} of {self.head.slices} slices came")
        if self.behind is not None:
            self.behind.result()
        self.worker.shutdown()
        self.pyramid.close()
        self.writer.finish(self.facts(end or {}))
        self.stats |= self.writer.stats
        root = getattr(self.writer, "root", None)
        self.target.publish((root,) if root else ())

    def facts(self, end):
        """What is kept with the volume: the history, what was found, and the digests of its slices along z."""
        facts = {}
        if self.history:
            facts["history"] = self.head.told(end.get("found", ()))
        digests = end.get("slice_digests")
        if digests is not None and self.head.order == (0, 1, 2):
            facts["digests"] = [f"{int(d):016x}" for d in digests[1]]
        return facts

    def abort(self):
        """Leave nothing behind, within a second: a row that is being written would put back what is removed."""
        self.worker.shutdown(wait=False, cancel_futures=True)
        if self.behind is not None:
            wait([self.behind], GRACE)
        self.pyramid.close()
        self.writer.abort()
        self.target.abort()


class Published:
    """A sink of another kind, of one file, that is published in the same way."""

    def __init__(self, make, target):
        self.target, self.sink = target, make(target.path)
        self.stats, self.memory = self.sink.stats, self.sink.memory

    def write(self, block):
        """Take a block of the stream."""
        self.sink.write(block)

    def finish(self, end=None):
        """Write the end and publish."""
        self.sink.finish(end)
        self.target.publish()

    def abort(self):
        """Leave nothing behind."""
        self.sink.abort()
        self.target.abort()
