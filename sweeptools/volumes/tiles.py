"""A Zarr volume that is written in tiles of its plane, one after the other, each from its first slice to its last."""

from ..errors import Refused
from ..stream import Growing
from .pyramid import Level, Rows
from .zarrread import OWN

AGAIN = 32 << 20         # bytes of voxels that are read at a time for the digests of slices, a row of chunks at least


class Tiles:
    """Takes the blocks of tile after tile, row by row, and publishes as its Sink does. `step`: rows and columns of its
    files; a tile begins at multiples of these, so that every file is written once."""

    def __init__(self, sink):
        writer = getattr(sink, "writer", None)
        name = getattr(sink, "target", sink).name
        if not getattr(writer, "arrays", None) or sink.head.order != (0, 1, 2) or sink.head.sweep != "up":
            raise Refused(f"{name}: whole slices are written there")
        if len(writer.levels) > 1:
            raise Refused(f"{name}: coarser levels are made of whole slices; add them later with sweep-pyramid")
        self.sink, self.step, self.grain = sink, writer.arrays[0].files[1:], writer.grain[0]
        self._digest, self._rows, self._spans = Growing(sink.head.slices), None, ()
        self._again = False                          # whether the digests are those of what was written

    def begin(self, head, pool):
        """The head of the next tile, whose box tells its rows and columns."""
        self._spans, self._head = head.box[1:], head
        self._again = head.shape[2] < head.whole[2]
        self._rows = self._gathered(head, pool)

    def _gathered(self, head, pool):
        level = Level(head.shape, self.grain)
        return Rows(level, head.dtype, len(head.components), 0, pool, self.sink.writer.skips, head.depth)

    def memory(self, head, pool, again):
        """[(what, bytes)] held for a tile with this head; again: whether all is read once more at the end."""
        rows, name = self._gathered(head, pool), self.sink.target.name
        count = min(2, -(-head.slices // rows.grain))
        items = [(f"{name}: {count} slabs of {rows.grain} slices", count * rows.bytes),
                 ("2 blocks of the tile", 2 * head.block_bytes), (f"{name}: encoding", self.sink.writer.held)]  # fmt: skip
        after = self._slab() * self._row_bytes() * 3 + OWN if again else 0       # packed, decoded, and as they are hashed
        return [*items, (f"{name}: digests of slices", max(0, after - sum(n for _, n in items)))] if again else items

    def write(self, block):
        """Take a block of the tile."""
        sink = self.sink
        if not self._again:
            self._digest.add(block.z, block.array(self._head))
        for start, stop, row in self._rows.take(block.z, block.z + block.n, block.data, block.fill):
            if sink.behind is not None:
                sink.behind.result()
            sink.behind = sink.worker.submit(self._put, start, stop, row, self._rows, self._spans)

    def _put(self, start, stop, row, rows, spans):
        data = row[0]
        if self.sink.writer.windows:
            self.sink.writer.windows.add(data)
        if data is not None:
            self.sink.stats["bytes"] += data.nbytes
            self.sink.writer.write(data, ((start, stop), *spans))
        del data
        rows.let_go(row)

    def end(self):
        """All of the tile has come: wait until it is written."""
        if self.sink.behind is not None:
            self.sink.behind.result()
        self._rows = None

    def finish(self, found=()):
        """All tiles have come: publish."""
        if self._again:
            self._read_again()
        self.sink.seen = self.sink.head.slices
        self.sink.finish({"slice_digests": self._digest.arrays(), "found": found})

    def _row_bytes(self):
        """Bytes of a row of chunks, one slice deep."""
        head = self.sink.head
        return self.sink.writer.chunks[1] * head.slice_bytes // head.whole[1]

    def _slab(self):
        """Slices that are read again at a time: some of a chunk's where a row of chunks is too large."""
        return max(1, min(self.sink.writer.chunks[0], AGAIN // self._row_bytes()))

    def _read_again(self):
        """The digests of slices, of which no tile had whole rows, from what was written: rows of chunks in order."""
        writer, head = self.sink.writer, self.sink.head
        depth, height, slices = self._slab(), writer.chunks[1], head.slices
        for y in range(0, head.whole[1], height):
            for z in range(0, slices, depth):
                box = ((z, min(z + depth, slices)), (y, min(y + height, head.whole[1])), (0, head.whole[2]))
                self._digest.add(z, writer.arrays[0].read(box))

    def abort(self):
        """Leave nothing behind."""
        self.sink.abort()
