"""Pipelines in shells of their own that are fed a stream: the branches of tee, and calc's --via.

Each branch is written to by a thread of its own, so that a slow one holds back only who feeds it.
"""

import contextlib
import os
import subprocess
import sys
import threading
from queue import Empty, Full, Queue

from ..errors import Interrupted, SweepError
from ..spill import Spill
from ..spool import Disk
from ..stream import Reader, Writer

BEHIND = 2                     # blocks that may wait for a branch
TICK = 0.1                     # seconds between two looks at whether to go on
GRACE, PATIENCE = 0.4, 5.0     # seconds that an aborted branch may take to end by itself: after a signal, else


class BranchFailed(SweepError):
    """A branch ended badly; its exit status is passed on."""

    def __init__(self, pipeline, status):
        how = "before the stream did" if status == 0 else f"with exit status {status}"
        super().__init__(f"branch failed: '{pipeline}' ended {how}")
        self.status = status if 0 < status < 126 else 1


class Behind:
    """Calls functions in order in a thread of its own; what they raise comes out of `put` and `finish`."""

    def __init__(self, size=BEHIND):
        self._queue, self._stop, self.error = Queue(size), threading.Event(), None
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self):
        try:
            while not self._stop.is_set():
                with contextlib.suppress(Empty):
                    call, given = self._queue.get(timeout=TICK)
                    if call is None:
                        return
                    call(*given)
                    del call, given                  # a block's memory goes back to the pool now
        except BaseException as error:               # raised in the thread that feeds
            self.error = error

    def put(self, call, *given):
        """Call it when all before are done; waits where too many are."""
        while True:
            if self.error is not None:
                raise self.error
            with contextlib.suppress(Full):
                return self._queue.put((call, given), timeout=TICK)

    def finish(self):
        """Wait until all is done."""
        self.put(None)
        self._thread.join()
        if self.error is not None:
            raise self.error

    def stop(self, seconds=GRACE):
        """Begin nothing any more; whether the thread has ended within this time."""
        self._stop.set()
        self._thread.join(seconds)
        return not self._thread.is_alive()


class Child:
    """A pipeline run by bash, that reads a stream with this head on its stdin; it gets the head at once.

    stdout: a file descriptor, or subprocess.PIPE. BranchFailed where the pipeline ends early or not with 0.
    """

    def __init__(self, pipeline, head, name, stdout):
        self.pipeline, self._name, self._writer = pipeline, name, None
        try:
            self.process = subprocess.Popen(
                ["bash", "-c", f"set -o pipefail\n{pipeline}"], bufsize=0, stdin=subprocess.PIPE, stdout=stdout,
                env={**os.environ, "PATH": search_path()},
            )  # fmt: skip
        except OSError as error:
            raise SweepError(f"bash cannot be started: {error.strerror}") from None
        self._behind = Behind()
        self._behind.put(self._begin, head)

    def _begin(self, head):
        self._guarded(lambda: setattr(self, "_writer", Writer(self.process.stdin.fileno(), head, name=self._name)))

    def _guarded(self, call, *given):
        try:
            call(*given)
        except BrokenPipeError:
            raise BranchFailed(self.pipeline, self._status()) from None

    def _status(self):
        status = self.process.wait()
        return status if status >= 0 else 128 - status

    def write(self, block):
        """Hand on a block; waits while the branch is too far behind."""
        self._behind.put(lambda: self._guarded(self._writer.block, block))

    def end(self, end):
        """Send the end mark and close the pipe."""
        self._behind.put(lambda: self._guarded(self._writer.end, end.get("reports", ()), end.get("found", ())))
        self._behind.finish()
        self.process.stdin.close()

    def finish(self, end):
        """Send the end mark and wait until the pipeline is done."""
        self.end(end)
        status = self._status()
        if status:
            raise BranchFailed(self.pipeline, status)

    def abort(self, error):
        """Tell the branch that the stream ends here and why; end it where it does not end by itself."""
        seconds = GRACE if isinstance(error, (Interrupted, KeyboardInterrupt)) else PATIENCE
        if self._behind.stop(seconds) and self.process.poll() is None:
            stage = getattr(error, "stage", f"sweep-{self._name}")
            why = getattr(error, "why", str(error) or "interrupted")
            with contextlib.suppress(OSError):       # it ended in between
                if self._writer:
                    self._writer.error(stage, why, getattr(error, "status", 1))
                self.process.stdin.close()
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.terminate()


def search_path():
    """$PATH with the directory of the running command first, so that branches find the same sweeptools."""
    command = os.path.abspath(sys.argv[0])
    mine = [os.path.dirname(command)] if os.path.basename(command).startswith("sweep") else []
    return os.pathsep.join([*mine, os.environ.get("PATH", os.defpath)])


def applied(pipelines, source, io, keep=True):
    """{name: Source} of the streams that pipelines make of a source; which is itself still to be read if `keep`.

    All are read as fast as they come and wait on disk for their consumer: nobody waits for another.
    """
    way, whole = source.head.sweep, source.blocks
    children = {n: Child(p, source.head, io.op.name, subprocess.PIPE) for n, p in pipelines.items()}
    disk = Disk(io.tmpdir)
    if keep:
        own = Spill(_feed(whole(way), source, children), source.head, disk, io.pool)
        source.blocks = lambda direction: iter(own)
    else:
        threading.Thread(target=_drain, args=(_feed(whole(way), source, children),), daemon=True).start()
    return {name: _output(name, child, disk, io) for name, child in children.items()}


def _feed(blocks, source, children):
    """The blocks of a source as they are handed on to the children too."""
    fed = dict(children)
    try:
        for block in blocks:
            _each(fed, lambda child, block=block: child.write(block))
            yield block
            del block
        _each(fed, lambda child: child.end(source.end))
    except BaseException as error:
        for child in fed.values():
            child.abort(error)
        raise


def _each(fed, deed):
    """Do this with each child; one that does not read any more is left out, and who reads its output learns why."""
    for name, child in list(fed.items()):
        try:
            deed(child)
        except BranchFailed:
            del fed[name]


def _drain(blocks):
    with contextlib.suppress(BaseException):         # the children were told, and tell it on in their own streams
        for _ in blocks:
            pass


def _output(name, child, disk, io):
    """What a child makes, as a Source."""
    source = Reader(child.process.stdout.fileno(), io.pool, io.note, name=f"--via {name}").source(name)
    blocks = source.blocks

    def checked(direction):
        yield from blocks(direction)
        status = child.process.wait()
        if status:
            raise BranchFailed(child.pipeline, status)

    spill = Spill(checked(source.head.sweep), source.head, disk, io.pool)
    source.blocks = lambda direction: iter(spill)
    return source
