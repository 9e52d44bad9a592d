"""The deed of sweep-tee: every block to all branches, each in a thread of its own, then on to stdout."""

from dataclasses import replace

from .. import volumes
from ..engines.branch import BEHIND, Behind, Child
from ..errors import SweepError, UsageError


class Copy:
    """A volume that is written in a thread of its own."""

    def __init__(self, address, head, io, overwrite):
        self._address = address
        self._sink = volumes.create(
            address, head, pool=io.pool, overwrite=overwrite, history=io.options.history, threads=io.threads
        )
        self.memory, self.stats, self.lost = self._sink.memory, self._sink.stats, self._sink.lost
        self._behind, self._published = Behind(), False

    def write(self, block):
        """Hand on a block; waits while the volume is too far behind."""
        self._told(self._behind.put, self._sink.write, block)

    def finish(self, end):
        """Write what is left and publish."""
        self._told(self._behind.put, self._sink.finish, end)
        self._told(self._behind.finish)
        self._published = True

    def abort(self, error):
        """Leave nothing behind."""
        self._behind.stop()
        if not self._published:
            self._sink.abort()

    def _told(self, deed, *given):
        try:
            deed(*given)
        except (SweepError, OSError) as error:
            failure = SweepError(f"branch failed: {error}")
            failure.status = getattr(error, "status", 1)
            raise failure from error


def main(io, *, address=None, to=(), overwrite=False, **_):
    """Read stdin, write all branches, send the stream on."""
    if address is None and not to:
        raise UsageError("there is nothing to write: give an ADDRESS or --to 'PIPELINE'")
    source = io.stdin()
    branches, lost = [], ()
    try:
        if address is not None:
            branches.append(Copy(address, source.head, io, overwrite))
            lost = branches[0].lost
        branches += [Child(pipeline, source.head, "tee", 2) for pipeline in to]
        waiting = len(branches) * (BEHIND + 1)
        memory = [*source.memory, (f"tee: {waiting} blocks on their way to branches", waiting * source.head.block_bytes),
                  ("tee: 2 blocks of the stream", 2 * source.head.block_bytes)]  # fmt: skip
        for branch in branches:
            memory += getattr(branch, "memory", ())
            if hasattr(branch, "stats"):
                io.report["write"] = branch.stats
        io.pump(replace(source, blocks=lambda way: spread(source, branches, way), memory=tuple(memory)))
    except BaseException as error:
        for branch in branches:
            branch.abort(error)
        raise
    for text in lost:
        io.say(text)


def spread(source, branches, way):
    """The blocks of a source, handed to each branch on their way; ends when all branches have ended well."""
    for block in source.blocks(way):
        for branch in branches:
            branch.write(block)
        yield block
        del block
    for branch in branches:
        branch.finish(source.end)
