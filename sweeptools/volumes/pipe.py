"""A pipe that has a name, such as `>(...)` makes: a stream goes out as it is, and whoever reads it publishes."""

import os

from ..stream import Writer


class Sink:
    """The stream to a pipe, block by block; an abort closes it without an end mark, which its reader reports."""

    lost = ()                                        # a stream keeps all

    def __init__(self, path, head):
        self.stats, self.memory = {"bytes": 0, "chunks": 0, "chunks_rewritten": 0, "files": 0}, ()
        self._fd = os.open(path, os.O_WRONLY)
        self._writer = Writer(self._fd, head)

    def write(self, block):
        self._writer.block(block)
        self.stats["bytes"] = self._writer.bytes

    def finish(self, end=None):
        end = end or {}
        self._writer.end(end.get("reports", ()), end.get("found", ()))
        self.abort()

    def abort(self):
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)
