"""The ends of a pipeline that runs in one process: each in a thread of its own, fed block by block.

What an end would be as a process, it is here as a thread: it sees a stream and its end mark, and publishes only after
that; here the end mark comes when the whole run has ended well.
"""

import contextlib
import threading
import time
from functools import partial
from importlib import import_module
from queue import Empty, Full, Queue

from ..errors import Interrupted, SweepError
from ..options import Options
from ..spec import Source
from ..stream import Digest
from .io import IO

TICK = 0.1                             # seconds between two looks at whether to go on
GRACE, PATIENCE = 0.7, 10.0            # seconds that an end may take to give up: after a signal, else


class Stopped(SweepError):
    """Raised in an end that must not publish: the run failed elsewhere, and has said why."""


class Feed:
    """Blocks on their way to an end: one waits, one is in use."""

    def __init__(self):
        self._queue, self.stopped, self._ended = Queue(1), False, False

    def put(self, item, alive):
        """Hand on a block, or None for the end; waits while one is waiting, False where nobody is `alive` to take it."""
        while alive():
            with contextlib.suppress(Full):
                self._queue.put(item, timeout=TICK)
                return True
        return False

    def blocks(self, direction=None):
        """The blocks, until the end; Stopped where the run has failed."""
        while not (self.stopped or self._ended):
            with contextlib.suppress(Empty):
                item = self._queue.get(timeout=TICK)
                if item is None:
                    self._ended = True
                    break
                yield item
                del item
        if self.stopped:
            raise Stopped("the run failed")


class EndIO(IO):
    """What an end has to do with the world, in a process that it shares with the rest of its pipeline."""

    def __init__(self, end, main, source, streams):
        self.op, self.params, self.branch = end.stage.op, end.stage.params, end.branch
        given = {"quiet": main.options.quiet, "verbose": main.options.verbose, **end.stage.given}
        self.options = Options.of({**given, "progress": "off"})
        self.name, self.pool = f"sweep-{self.op.name}", main.pool
        self.threads, self.memory, self.tmpdir = main.threads, main.memory, main.tmpdir
        self.report, self.found, self.items, self.said, self.files = {}, {}, [], [], 1
        self.streams, self.inputs = {}, streams
        self._source, self._writer, self._progress = source, None, None
        self.admitted, self.go = threading.Event(), threading.Event()

    def stdin(self):
        return self._source if self._source is not None else super().stdin()

    def admit(self, items, head=None, least=("", 0)):
        """Say what will be held, and wait until the whole run is let in."""
        self.items = list(items)
        self.admitted.set()
        self.go.wait()

    def drain(self, source):
        if not self.admitted.is_set():               # a tool that holds next to nothing
            self.admit(source.memory)
        yield from source.blocks(source.head.sweep)

    def note(self, facts):
        """What other ends are at is no news here: the run tells how far it is."""

    def text(self, text):
        self.said.append(text)


def _digested(feed, source, direction):
    """The blocks of a feed; at their end the source's end tells their digest, as that of a pipe does."""
    digest = Digest()
    for block in feed.blocks():
        digest.add(block, source.head)
        yield block
        del block
    source.end |= {"digest": digest.hexdigest(), "slice_digests": digest.arrays()}


class Worker:
    """A sink or a tool at an end of the pipeline. `feeds` are the streams that it takes, by task."""

    def __init__(self, end, main, heads):
        self.feeds, source, streams = {}, None, {}
        for task, head, address, encoded in heads:
            self.feeds[task] = feed = Feed()
            fed = Source(head, feed.blocks, name=address or "stdin", encoded=encoded)
            if end.kind == "tool":
                fed.blocks = partial(_digested, feed, fed)
            if address:
                streams[address] = fed
            else:
                source = fed
        self.source, self.io, self.error, self.status = source, EndIO(end, main, source, streams), None, 0
        self._end = end
        self.thread = threading.Thread(target=self._work, daemon=True)

    def _work(self):
        op, io = self._end.stage.op, self.io
        deed = import_module(f"sweeptools.tools.{op.name.replace('-', '_')}")
        full = {**op.defaults, **self._end.stage.params}
        try:
            if self._end.kind == "sink":
                deed.put(self.source, io, **full)
            else:
                self.status = deed.main(io, **full) or 0
            for feed in self.feeds.values():
                for _ in feed.blocks():              # what it did not ask for, to the end
                    pass
        except BaseException as error:               # raised in the main thread, by `check`
            self.error = error
        io.admitted.set()

    def check(self):
        """Raise what went wrong here."""
        if self.error is not None:
            error, self.error = self.error, None
            if isinstance(error, OSError):
                error = SweepError(f"{f'{error.filename}: ' if error.filename else ''}{error.strerror or error}")
            if isinstance(error, SweepError) and not str(error).startswith("sweep-"):
                branch = "branch failed: " if self._end.branch else ""
                error.args = (f"{self.io.name}: {branch}{error}", *error.args[1:])
            raise error

    def put(self, task, block):
        """Hand on a block of one of its streams."""
        if not self.feeds[task].put(block, self.thread.is_alive):
            self.check()
            raise SweepError(f"{self.io.name} ended before the stream did")

    def finish(self):
        """The end mark; waits until all is in place."""
        for task in self.feeds:
            self.put(task, None)
        self.thread.join()
        self.check()


def stop(workers, error):
    """Publish nothing; all are gone within a second after a signal."""
    for worker in workers:
        for feed in worker.feeds.values():
            feed.stopped = True
        worker.io.go.set()
    until = time.monotonic() + (GRACE if isinstance(error, (Interrupted, KeyboardInterrupt)) else PATIENCE)
    for worker in workers:
        if worker.thread.ident is not None:          # it was begun
            worker.thread.join(max(0.0, until - time.monotonic()))
