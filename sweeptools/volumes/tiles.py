"""A Zarr volume that is written in bands of rows, one after the other, each from its first slice to its last."""

from ..errors import Refused
from ..stream import Growing
from .pyramid import Level, Rows


class Bands:
    """Takes the blocks of band after band and publishes as its Sink does. `height`: rows of its files; a band begins at a
    multiple of that, so that every file is written once."""

    def __init__(self, sink):
        writer = getattr(sink, "writer", None)
        name = getattr(sink, "target", sink).name
        if not getattr(writer, "arrays", None) or sink.head.order != (0, 1, 2) or sink.head.sweep != "up":
            raise Refused(f"{name}: whole slices are written there")
        if len(writer.levels) > 1:
            raise Refused(f"{name}: coarser levels are made of whole slices; add them later with sweep-pyramid")
        self.sink, self.height, self.grain = sink, writer.arrays[0].files[1], writer.grain[0]
        self._digest, self._rows, self._span = Growing(sink.head.slices), None, (0, 0)

    def begin(self, head, pool):
        """The head of the next band, whose box tells its rows."""
        self._span, self._head = head.box[1], head
        self._rows = self._gathered(head, pool)

    def _gathered(self, head, pool):
        level = Level(head.shape, self.grain)
        return Rows(level, head.dtype, len(head.components), 0, pool, self.sink.writer.skips, head.depth)

    def memory(self, head, pool):
        """[(what, bytes)] held for a band with this head."""
        rows, name = self._gathered(head, pool), self.sink.target.name
        count = min(2, -(-head.slices // rows.grain))
        return [(f"{name}: {count} slabs of {rows.grain} slices", count * rows.bytes),
                ("2 blocks of the band", 2 * head.block_bytes), (f"{name}: encoding", self.sink.writer.held)]  # fmt: skip

    def write(self, block):
        """Take a block of the band."""
        sink = self.sink
        self._digest.add(block.z, block.array(self._head))
        for start, stop, row in self._rows.take(block.z, block.z + block.n, block.data, block.fill):
            if sink.behind is not None:
                sink.behind.result()
            sink.behind = sink.worker.submit(self._put, start, stop, row, self._rows, self._span)

    def _put(self, start, stop, row, rows, span):
        data = row[0]
        if self.sink.writer.windows:
            self.sink.writer.windows.add(data)
        if data is not None:
            self.sink.stats["bytes"] += data.nbytes
            self.sink.writer.write(data, ((start, stop), span, (0, data.shape[2])))
        del data
        rows.let_go(row)

    def end(self):
        """All of the band has come: wait until it is written."""
        if self.sink.behind is not None:
            self.sink.behind.result()
        self._rows = None

    def finish(self, history_found=()):
        """All bands have come: publish."""
        self.sink.seen = self.sink.head.slices
        self.sink.finish({"slice_digests": self._digest.arrays(), "found": history_found})

    def abort(self):
        """Leave nothing behind."""
        self.sink.abort()
