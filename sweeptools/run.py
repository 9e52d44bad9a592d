"""Drive a graph of operations over blocks, sweep by sweep.

Within a sweep every task is an iterator of blocks that the next one pulls; of a task with several consumers a branch
holds exactly its skew. Each input is read ahead in a thread of its own.
What cannot be read again and is needed in a later sweep is saved on disk on its way.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from .flow import Ahead, Pool, pieces, share
from .graph import elaborate, what_is_found
from .measure import resident
from .memory import depth_of, items
from .stages import Kernel, Threads, mapped, reduced, scanned, warm_reduction, windowed

_END = object()


@dataclass
class Settings:
    """What decides speed and memory, and never a byte of the result."""

    threads: int = 1
    depth: int | None = None           # slices of a block, where it is to be forced
    tmpdir: str | None = None
    beside: str | None = None          # the output, whose directory is the last choice for the spool
    pool: Pool = field(default_factory=Pool)
    note: Callable | None = None       # called with {sweep, sweeps, done, total} about once a second
    warn: Callable | None = None       # called with a sentence


class Run:
    """One run: `blocks()` gives the out that is a stream, then `values()` the outs that are none.

    outs are nodes of a graph; sources gives the Source of each of its inputs, by name. With `found_only` the run ends
    when the values are known that the graph names.
    """

    def __init__(self, outs, sources, settings=None, found_only=False):
        self.settings, self.sources = settings or Settings(), sources
        self.graph = what_is_found(elaborate(*outs)) if found_only else elaborate(*outs)
        self.results, self.found = {}, {}
        self.spools = {}                               # task -> Spool of its output
        self.grown = 0                                 # bytes that compiling took: part of the baseline
        self.threads = Threads(self.settings.threads)
        self.waited = 0.0
        self._kernels, self._disk = [], None
        self._kept = self._to_keep()
        if self._kept:                               # what is imported now is no part of what a sweep holds
            self._the_disk().ready()
        elif any(t.op and t.op.kind == "scan" for t in self.graph.tasks):
            self._the_disk()

    @property
    def head(self):
        """The head of the stream that comes out, or None."""
        out = next((t for t in self.graph.outs if t.head is not None), None)
        if out is None:
            return None
        return out.head.but(sweep=self._way(self.graph.sweeps - 1), depth=depth_of(out, self.settings.depth))

    def memory(self):
        """[(what, bytes)] that will be held; see memory.items."""
        return items(self.graph, self.sources, self.settings, self._kept)

    def report(self):
        """What the run did, by the names of the report."""
        out = next((t for t in self.graph.outs if t.head is not None), self.graph.outs[0])
        return {
            "busy_s": round(self.threads.busy, 4),
            "wait_in_s": round(self.waited, 4),
            "depth": depth_of(out, self.settings.depth),
            "halo": [list(pair) for pair in self.graph.halo],
            "held_bytes": sum(n for _, n in self.memory()),
            "sweeps": self.graph.sweeps,
            "spool_bytes": self._disk.bytes if self._disk else 0,
        }

    # -------------------------------------------------------------- the sweeps

    def blocks(self):
        """The blocks of the stream; the sweeps before the last are done when the first is asked for."""
        self._turn_round()
        for level in range(self.graph.sweeps):
            stream, others = self._sweep(level)
            for block in stream:
                yield block
                del block
                others = [o for o in others if next(o, _END) is not _END]
            while others:
                others = [o for o in others if next(o, _END) is not _END]
        self._rules()
        self._close()

    def values(self):
        """The values of the outs that are no streams; runs the sweeps if nobody did."""
        outs = [t for t in self.graph.outs if t.head is None]
        if not all(t in self.results for t in outs):
            for _ in self.blocks():
                pass
        return [self.results[t] for t in outs]

    def _sweep(self, level):
        """(the out stream, empty before the last sweep; iterators to be stepped beside it)."""
        self._rules()
        last = level == self.graph.sweeps - 1
        others = [t for t in self.graph.tasks if t.head is None and t.op and t.level == level]
        others += [t for t in self._kept if t.level == level and t not in self.spools]
        streams = [t for t in self.graph.outs if t.head is not None and last][:1]
        consumers, needed = {}, []
        for task in streams + others:
            self._need(task, consumers, needed)
        before = resident()
        for task in needed:
            if task.op and task.op.kind == "reduce":
                warm_reduction(task, task.known(self.results))
        made, way = {}, self._way(level)
        iterators = [self._open(t, consumers, made, way, level) for t in streams + others]
        self.grown += max(0, resident() - before)
        return iterators[0] if streams else (), iterators[len(streams) :]

    def _need(self, task, consumers, needed):
        """Count the consumers of each task that this sweep needs."""
        consumers[task] = consumers.get(task, 0) + 1
        if consumers[task] == 1:
            if task not in self.spools:
                for i in task.inputs:
                    self._need(i, consumers, needed)
                needed.append(task)

    def _open(self, task, consumers, made, way, level):
        """An iterator of a task's blocks in this sweep: one of as many as it has consumers."""
        if task not in made:
            if task in self.spools:
                blocks = self._again(self.spools[task], way)
            else:
                saved = task.op is not None and task.wraps
                inputs = [] if saved else [self._open(i, consumers, made, way, level) for i in task.inputs]
                blocks = self._iterate(task, inputs, way, level)
                if task in self._kept:
                    blocks = self._save(task, blocks, way)
            made[task] = share(blocks, consumers[task])
        return made[task].pop()

    def _iterate(self, task, inputs, way, level):
        known, pool, forced = task.known(self.results), self.settings.pool, self.settings.depth
        done = lambda value: self.results.__setitem__(task, value)  # noqa: E731
        if task.op is None:
            return self._read(task, way, level)
        if task.op.kind == "reduce":
            return reduced(task, inputs, known, self.threads, way, done)
        if task.op.kind == "scan":
            return scanned(task, inputs[0], known, self._the_disk(), pool, self.threads, done)
        kernel = Kernel(task, self.results, self.threads, pool, forced)
        kernel.warm()
        self._kernels.append(kernel)
        if task.is_map:
            return mapped(kernel, inputs, way, pool, forced)
        if task.wraps:
            return windowed(kernel, task.inputs, way, pool, forced, [self.spools[t] for t in task.inputs])
        return windowed(kernel, inputs, way, pool, forced)

    def _rules(self):
        """Compute the values that follow from values."""
        for task in self.graph.tasks:
            if task.rule and task not in self.results and task.inputs[0] in self.results:
                self.results[task] = task.rule(self.results[task.inputs[0]])
                if task.found:
                    self.found[task.found] = self.results[task]

    def _way(self, level):
        """Up or down: which way this sweep goes."""
        way = self.graph.direction(level)
        return next(iter(self.sources.values())).head.sweep if way == "any" else way

    # -------------------------------------------------------------- reading, saving, ending

    def _read(self, task, way, level):
        """Blocks of an input, read ahead; tells about once a second how far it is."""
        blocks = Ahead(self.sources[task.name].blocks(way))
        done, told = 0, time.monotonic()
        try:
            for block in blocks:
                yield from pieces(block, self.settings.depth or block.n, way)
                done += block.n
                del block
                if self.settings.note and time.monotonic() - told > 1.0:
                    told = time.monotonic()
                    facts = {"sweep": level + 1, "sweeps": self.graph.sweeps, "done": done, "total": task.head.slices}
                    self.settings.note(facts)
        finally:
            self.waited += blocks.waited
            blocks.close()

    def _again(self, spool, way):
        """Blocks of a spool, read ahead once the first is asked for."""
        blocks = Ahead(spool.blocks(way))
        try:
            yield from blocks
        finally:
            blocks.close()

    def _to_keep(self):
        """Tasks whose output is saved: what must be whole (mode wrap), and where a source that cannot be read again is
        needed in several sweeps, the smallest stream that all of them share."""
        keep = set().union(*(t.inputs for t in self.graph.tasks if t.wraps))
        readers = self.graph.readers
        for leaf in self.graph.leaves:
            if self.sources[leaf.name].again or len(self.graph.needed_in(leaf)) < 2:
                continue
            task = leaf
            while len(readers[task]) == 1 and task not in self.graph.outs:
                (reader,) = readers[task]
                fits = reader.head is not None and reader.head.slice_bytes <= task.head.slice_bytes
                if not fits or reader.level or reader.op.kind != "kernel" or len(reader.inputs) > 1:
                    break
                task = reader
            keep.add(task)
        return keep

    def _save(self, task, blocks, way):
        """The blocks, saved on their way."""
        spool = self._the_disk().spool(task.head.but(sweep=way), pool=self.settings.pool)
        for block in blocks:
            spool.write(block)
            yield block
            del block
        spool.finish()
        self.spools[task] = spool

    def _turn_round(self):
        """Save what cannot be read again and comes the wrong way round."""
        ways = {self.graph.direction(level) for level in range(self.graph.sweeps)} - {"any"}
        for leaf in self.graph.leaves:
            source = self.sources[leaf.name]
            if not source.again and ways - {source.head.sweep}:
                for _ in self._save(leaf, Ahead(source.blocks(source.head.sweep)), source.head.sweep):
                    pass

    def _the_disk(self):
        if self._disk is None:
            from .spool import Disk

            self._disk = Disk(self.settings.tmpdir, self.settings.beside)
        return self._disk

    def _close(self):
        self.threads.close()
        nans = sum(kernel.nans for kernel in self._kernels)
        if nans and self.settings.warn:
            self.settings.warn(f"{nans} voxels were NaN and became 0")
