"""A stream into a volume: blocks are gathered to whole chunk rows, which a thread writes behind; then it is published.

Down sweeps and turned streams come out in the volume's own order z, y, x. At most two slabs are alive: the one that is
being gathered and the one that is being written.
"""

from concurrent.futures import ThreadPoolExecutor, wait

import numpy as np

from ..errors import SweepError

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

    writer: a format's Writer, which takes boxes of the volume; target: where it is published.
    """

    def __init__(self, head, writer, target, pool, history=True):
        self.head, self.writer, self.target, self.pool, self.history = head, writer, target, pool, history
        self.back = tuple(np.argsort(head.order))
        self.grain = max(1, writer.grain[head.order[0]])
        self.rows = {}                               # row -> [data or None, slices that are there, [(a, b, fill)]]
        self.seen = 0
        self.stats = {"bytes": 0, "chunks": 0, "chunks_rewritten": 0, "files": 0}
        self.worker = ThreadPoolExecutor(1, "write")
        self.behind = None
        rows = min(2, -(-head.slices // self.grain))
        held = rows * min(self.grain, head.slices) * head.slice_bytes
        turned = 0 if head.order == (0, 1, 2) else min(self.grain, head.slices) * head.slice_bytes
        self.memory = ((f"{target.name}: {rows} slabs of {self.grain} slices", held + turned),)
        if head.depth != self.grain:                 # else the blocks are the slabs
            self.memory += (("2 blocks of the stream", 2 * head.block_bytes),)
        if getattr(writer, "held", 0):
            self.memory += ((f"{target.name}: encoding", writer.held),)

    def write(self, block):
        """Take a block of the stream."""
        first, end = block.z - self.head.first, block.z - self.head.first + block.n
        rows = range(first // self.grain, (end - 1) // self.grain + 1)
        for k in rows if self.head.sweep == "up" else reversed(rows):
            a, b = max(first, k * self.grain), min(end, (k + 1) * self.grain)
            self._gather(k, a, b, block.part(a + self.head.first, b + self.head.first))
        self.seen += block.n

    def _gather(self, k, a, b, part):
        start, stop = k * self.grain, min((k + 1) * self.grain, self.head.slices)
        row = self.rows.setdefault(k, [None, 0, []])
        if part.data is None:
            row[2].append((a, b, part.fill))
        elif (a, b) == (start, stop):
            row[0] = part.data                       # a whole row in one block: no copy
        else:
            if row[0] is None:
                row[0] = self._room(stop - start)
            row[0][a - start : b - start] = part.data
        row[1] += b - a
        if row[1] == stop - start:
            del self.rows[k]
            self._send(row[0], row[2], start, stop)

    def _send(self, data, fills, start, stop):
        """Hand a row over to the thread that writes, once that has written the row before."""
        if data is None:
            if self.writer.skips and all(self._is_zero(fill) for _, _, fill in fills):
                return
            data = self._room(stop - start)
        for a, b, fill in fills:
            data[a - start : b - start] = fill
        box = [(0, n) for n in self.head.shape]
        box[0] = (start, stop)
        box = tuple(box[i] for i in self.back)
        if self.head.order != (0, 1, 2):
            data = data.transpose(*self.back, *range(3, data.ndim))
        if self.behind is not None:
            self.behind.result()
        self.stats["bytes"] += data.nbytes
        self.behind = self.worker.submit(self._put, [data], box)

    def _put(self, row, box):
        self.writer.write(row.pop(), box)            # nobody holds it any more when this is told to be done

    def _room(self, n):
        return self.pool.array((n, *self.head.slice_shape), self.head.dtype, min(self.grain, self.head.slices))

    def _is_zero(self, fill):
        return not any(np.asarray(fill, self.head.dtype).tobytes())    # by its bits: -0.0 is not 0.0

    def finish(self, end=None):
        """Write what is left and publish. end: what the stream's end told: slice_digests (indices, digests), found."""
        if self.seen != self.head.slices:
            raise SweepError(f"{self.target.name}: {self.seen} of {self.head.slices} slices came")
        if self.behind is not None:
            self.behind.result()
        self.worker.shutdown()
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
