"""An input that never waits: what its consumer is not ready for goes to disk.

With several inputs, a stage that waits for one of them while another is full may wait forever: one tee, one slow
branch and one zip are enough. So each is read by a thread of its own, into memory while there is room, then to disk.
"""

import threading
from collections import deque

ROOM = 2               # blocks in memory before the disk is used


class Spill:
    """Iterates over the blocks of a stream with this head, read as fast as they come; `disk` makes the spool."""

    def __init__(self, blocks, head, disk, pool=None):
        self._blocks, self._head, self._disk, self._pool = blocks, head, disk, pool
        self._ready, self._change = deque(), threading.Condition()
        self._spool = self._error = None
        self._over = self._stopped = False
        threading.Thread(target=self._fill, daemon=True).start()

    def _fill(self):
        try:
            for block in self._blocks:
                if self._stopped:
                    break
                with self._change:
                    if self._spool is None and len(self._ready) < ROOM:
                        self._ready.append(block)
                        self._change.notify()
                        continue
                if self._spool is None:
                    self._spool = self._disk.spool(self._rest(block), pool=self._pool)
                self._spool.write(block)
                with self._change:
                    self._ready.append((block.z, block.z + block.n))
                    self._change.notify()
        except BaseException as error:               # raised in the consumer's thread
            self._error = error
        with self._change:
            self._over = True
            self._change.notify()

    def _rest(self, block):
        """The head of what is left of the stream from this block on."""
        z0, z1 = self._head.box[0]
        box = (block.z, z1) if self._head.sweep == "up" else (z0, block.z + block.n)
        return self._head.but(box=(box, *self._head.box[1:]))

    def __iter__(self):
        while True:
            with self._change:
                self._change.wait_for(lambda: self._ready or self._over)
                if not self._ready:
                    break
                entry = self._ready.popleft()
            if isinstance(entry, tuple):
                yield from self._spool.blocks(self._head.sweep, *entry)
            else:
                yield entry
            del entry
        if self._error:
            raise self._error

    def close(self):
        self._stopped = True
