"""Drive a graph of operations over blocks, sweep by sweep.

Within a sweep every task is an iterator of blocks that the next one pulls; of a task with several consumers a branch
holds exactly its skew. Each input is read ahead in a thread of its own.
What cannot be read again and is needed in a later sweep is saved on disk on its way.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from .errors import UsageError
from .flow import Ahead, Pool, pieces, share
from .graph import Graph, Task, elaborate, opposite, what_is_found
from .measure import resident
from .memory import depth_of, items
from .saving import choose
from .spec import WHOLE, Block, Node, Source, call, named
from .stages import Kernel, Pass, Threads, mapped, reduced, routed, scanned, warm_reduction, windowed

SMALL = (3, 4, 5)                      # voxels of the volume that is run through what must be compiled
_warmed = set()                        # what was compiled so, in this process


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
    costs: Any = None                  # what things cost, where what a later sweep needs may be saved to save time
    ways: Any = None                   # how the run reads and writes, by the names of costs
    warm: bool = True                  # whether what scans need is compiled before anything is measured


def _few(head, direction):
    """Blocks of a small volume in which every other voxel is 1."""
    for z in range(SMALL[0]) if direction == "up" else reversed(range(SMALL[0])):
        data = np.zeros((1, *head.slice_shape), head.dtype)
        data[0, z % 2 :: 2, ::2] = 1
        yield Block(z, 1, data)


@dataclass(eq=False)
class Lane:
    """A task that a sweep is driven by: its blocks are asked for one after the other."""

    task: Task
    blocks: Iterator
    done: int = 0                      # slices that passed

    def step(self):
        """The next block, or a number of slices where they end here; None at the end."""
        made = next(self.blocks, None)
        if made is not None:
            self.done += made if isinstance(made, int) else made.n
        return made

    @property
    def share(self):
        """What part of the stream has passed: so that lanes of one sweep stay side by side."""
        head = self.task.head or self.task.inputs[0].head
        return self.done / max(1, head.slices)


class Run:
    """One run: `events()` gives the blocks of the outs that are streams, then `values()` the outs that are none.

    outs are nodes, or a Graph; sources gives the Source of each of its inputs, by name. With `found_only` the run ends
    when the values are known that the graph names.
    """

    def __init__(self, outs, sources, settings=None, found_only=False):
        self.settings, self.sources = settings or Settings(), sources
        self.graph = outs if isinstance(outs, Graph) else elaborate(*outs)
        if found_only:
            self.graph = what_is_found(self.graph)
        self.results, self.found = {}, {}
        self.spools = {}                               # task -> Spool of its output
        self.grown = 0                                 # bytes that compiling took: part of the baseline
        self.threads = Threads(self.settings.threads)
        self.waited = 0.0
        self._kernels, self._disk = [], None
        self.kept, self.why = self._to_keep(), {}      # why: of what is or could be saved to save time
        if self.settings.costs is not None and self.graph.sweeps > 1:
            more, self.why = choose(self.graph, self.kept, self.sources, self.settings)
            self.kept |= more
        self.linked = self.graph.linked(self.kept)
        if self.kept:                               # what is imported now is no part of what a sweep holds
            self._the_disk().ready()
        elif any(t.op and (t.op.kind == "scan" or t.op.reduce and t.op.reduce.spills) for t in self.graph.tasks):
            self._the_disk()

    @property
    def head(self):
        """The head of the first stream that comes out, or None."""
        out = next((t for t in self.graph.outs if t.head is not None), None)
        return None if out is None else self.head_of(out)

    def head_of(self, task):
        """The head of a stream that comes out."""
        return task.head.but(sweep=self._way(task.level, task), depth=depth_of(task, self.settings.depth))

    def memory(self):
        """[(what, bytes)] that will be held; see memory.items."""
        return items(self.graph, self.sources, self.settings, self.kept)

    @property
    def edges(self):
        """(task, reader) of the streams whose blocks are handed on whole."""
        within = {(before, after) for after, before in self.linked.items()}
        return [edge for edge in self.graph.edges if edge not in within]

    def report(self):
        """What the run did, by the names of the report."""
        out = next((t for t in self.graph.outs if t.head is not None), next(iter(self.graph.outs), None))
        return {
            "busy_s": round(self.threads.busy, 4),
            "wait_in_s": round(self.waited, 4),
            "depth": depth_of(out, self.settings.depth) if out else 0,
            "halo": [list(pair) for pair in self.graph.halo],
            "held_bytes": sum(n for _, n in self.memory()),
            "sweeps": self.graph.sweeps,
            "spool_bytes": self._disk.bytes if self._disk else 0,
        }

    # -------------------------------------------------------------- the sweeps

    def blocks(self):
        """The blocks of the one out that is a stream; the sweeps before are done when the first is asked for."""
        for _, block in self.events():
            yield block
            del block

    def events(self):
        """(task, block) of every out that is a stream, all sweeps in order, those of one sweep side by side."""
        if self.settings.warm:
            self._warm_scans()
        self._turn_round()
        for level in range(self.graph.sweeps):
            for task, block in self._pass(level):
                yield task, block
                del block
        self._rules()
        self._close()

    def _pass(self, level):
        """(task, block) of every out that is a stream of one sweep."""
        lanes = self._sweep(level)
        while lanes:
            lane = min(lanes, key=lambda lane: lane.share)
            block = lane.step()
            if block is None:
                lanes.remove(lane)
            elif lane.task in self.graph.outs and not isinstance(block, int):
                yield lane.task, block
            del block

    def _warm_scans(self):
        """Compile what the scans call, by running the commands that they belong to on a few voxels."""
        before = resident()
        for origin in dict.fromkeys(t.origin for t in self.graph.tasks if t.op and t.op.kind == "scan" and t.origin):
            own = [t for t in self.graph.tasks if t.origin is origin]
            given = [i for t in own for i in t.inputs if i.op is None or i.origin is not origin]
            if not given or len(origin.inputs) != 1:
                continue
            kind = origin.op, given[0].head.dtype, given[0].head.components, repr(sorted(origin.params.items()))
            if kind in _warmed:
                continue
            _warmed.add(kind)
            head = given[0].head.but(whole=SMALL, halo=WHOLE, depth=1, sweep="up")
            small = Source(head, partial(_few, head), again=True)
            node = Node(origin.op, (Node(head=head, name="stdin"),), origin.params, origin.name, names=origin.names)
            mine = replace(self.settings, pool=Pool(), note=None, warn=None, warm=False, depth=None)
            run = Run([node], {"stdin": small}, mine)
            for _ in run.events():
                pass
        self.grown += max(0, resident() - before)

    def values(self):
        """The values of the outs that are no streams; runs the sweeps if nobody did."""
        outs = [t for t in self.graph.outs if t.head is None]
        if not all(t in self.results for t in outs):
            for _ in self.events():
                pass
        return [self.results[t] for t in outs]

    def _sweep(self, level):
        """The lanes of one sweep: outs, values, and what is saved for a later one."""
        self._rules()
        wanted = [t for t in self.graph.outs if t.head is not None and t.level == level]
        wanted += [t for t in self.graph.tasks if t.head is None and t.op and t.level == level]
        wanted += [t for t in self.kept if t.level == level and t not in self.spools]
        wanted += [t for t in self.graph.tasks if t.stores and t.level == level + 1]
        ways = {task: self._way(level, task) for task in wanted}
        consumers, needed = {}, []
        for task, way in ways.items():
            self._need(task, way, consumers, needed)
        before = resident()
        for task in needed:
            if task.op and task.op.kind == "reduce":
                warm_reduction(task, task.known(self.results))
        made = {}
        lanes = [Lane(t.inputs[0] if t.stores and t.level > level else t, self._open(t, consumers, made, way, level))
                 for t, way in ways.items()]  # fmt: skip
        self.grown += max(0, resident() - before)
        return lanes

    def _need(self, task, way, consumers, needed):
        """Count the consumers of each task that this sweep needs, by the way it goes."""
        consumers[task, way] = consumers.get((task, way), 0) + 1
        if consumers[task, way] == 1 and task not in self.spools:
            if task.op and task.op.direction not in ("any", way):
                raise UsageError(f"one sweep cannot go both up and down, as {task.name} would have it")
            for i in task.inputs:
                self._need(i, task.input_way(way), consumers, needed)
            needed.append(task)

    def _open(self, task, consumers, made, way, level):
        """An iterator of a task's blocks in this sweep: one of as many as it has consumers."""
        if (task, way) not in made:
            if task in self.spools:
                blocks = self._again(self.spools[task], way)
            else:
                saved = task.op is not None and task.wraps
                wanted = [] if saved else self._chain(task)[0].inputs
                inputs = [self._open(i, consumers, made, task.input_way(way), level) for i in wanted]
                blocks = self._iterate(task, inputs, way, level)
                if task in self.kept and not task.stores:
                    blocks = self._save(task, blocks, way)
            made[task, way] = share(blocks, consumers[task, way])
        return made[task, way].pop()

    def _iterate(self, task, inputs, way, level):
        known, pool, forced = task.known(self.results), self.settings.pool, self.settings.depth
        done = lambda value: self.results.__setitem__(task, value)  # noqa: E731
        if task.op is None:
            return self._read(task, way, level)
        if task.op.kind == "reduce":
            return reduced(task, inputs, known | {"disk": self._disk}, self.threads, way, partial(self._merged, task))
        if task.op.kind == "scan":
            known |= {"threads": self.threads, "warn": self.settings.warn}
            return scanned(task, inputs[0], known, self._the_disk(), pool, self.threads, done)
        if task.op.kind == "store":
            return self._fill(task, inputs[0], known)
        if task.op.kind == "route":
            return routed(task, [self.spools[t] for t in task.inputs] if task.wraps else inputs, known, way, pool,
                          self.threads, forced)  # fmt: skip
        kernels = [Kernel(t, self.results, self.threads, pool, forced) for t in self._chain(task)]
        for kernel in kernels:
            kernel.warm()
        self._kernels += kernels
        kernel = Pass(kernels, pool) if len(kernels) > 1 else kernels[0]
        if task.is_map:
            return mapped(kernel, inputs, way, pool, forced)
        if task.wraps:
            return windowed(kernel, task.inputs, way, pool, forced, [self.spools[t] for t in task.inputs])
        return windowed(kernel, inputs, way, pool, forced)

    def _merged(self, task, state):
        """The value of a reduction, from its state at the end."""
        self.results[task] = task.op.fn(state, **named(task.op.fn, task.known(self.results)))

    def _chain(self, task):
        """The tasks that are one pass over a block with this one, which is the last of them."""
        chain = [task]
        while chain[0] in self.linked:
            chain.insert(0, self.linked[chain[0]])
        return chain

    def _rules(self):
        """Compute the values that follow from values."""
        for task in self.graph.tasks:
            if task.rule and task not in self.results and task.inputs[0] in self.results:
                self.results[task] = task.rule(self.results[task.inputs[0]])
                if task.found:
                    self.found[task.found] = self.results[task]

    def _way(self, level, task):
        """Up or down: which way a task goes in this sweep."""
        way = self.graph.direction(level)
        way = next(iter(self.sources.values())).head.sweep if way == "any" else way
        return opposite(way) if task.turned else way

    # -------------------------------------------------------------- reading, saving, ending

    def _read(self, task, way, level):
        """Blocks of an input, read ahead; tells about once a second how far it is."""
        source, wanted = self.sources[task.name], self._wanted(task, level)
        blocks = Ahead(source.blocks(way) if wanted is None or source.some is None else source.some(way, wanted))
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

    def _wanted(self, task, level):
        """The slices of an input that a sweep looks at, rising; None where that is all of them."""
        found = []
        for reader in self.graph.readers[task]:
            if level in self.graph.needed_in(reader):
                tell = reader.op.some if reader.op else None
                found.append(call(tell, {**reader.params, "head": task.head}) if tell else None)
        if not found or task in self.kept or task in self.graph.outs or any(slices is None for slices in found):
            return None
        return np.unique(np.concatenate(found))

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
        keep = set().union(*(t.inputs for t in self.graph.tasks if t.wraps or t.opposed))
        readers = self.graph.readers
        for leaf in self.graph.leaves:
            if self.sources[leaf.name].again or len(self.graph.needed_in(leaf)) < 2:
                continue
            keep.add(self._smallest(leaf, readers))
        return keep

    def _smallest(self, leaf, readers):
        """The smallest stream that all need of an input, through kernels that have no other."""
        task = leaf
        while len(readers[task]) == 1 and task not in self.graph.outs:
            (reader,) = readers[task]
            fits = reader.head is not None and reader.head.slice_bytes <= task.head.slice_bytes
            if not fits or reader.level or reader.op.kind != "kernel" or len(reader.inputs) > 1:
                break
            task = reader
        return task

    def _save(self, task, blocks, way):
        """The blocks, saved on their way."""
        spool = self._the_disk().spool(task.head.but(sweep=way), pool=self.settings.pool)
        for block in blocks:
            spool.write(block)
            yield block
            del block
        spool.finish()
        self.spools[task] = spool

    def _fill(self, task, blocks, known):
        """Write what a task is to be read from in the next sweep; yields the slices of each block."""
        head = task.head.but(depth=depth_of(task, self.settings.depth))
        store = task.op.fn(task.inputs[0].head, head, self._the_disk(), self.settings.pool, **named(task.op.fn, known))
        for block in blocks:
            store.write(block)
            yield block.n
            del block
        store.finish()
        self.spools[task] = store

    def _turn_round(self):
        """Save what cannot be read again and comes the wrong way round."""
        for leaf in self.graph.leaves:
            source = self.sources[leaf.name]
            if not source.again and self._ways(leaf) - {source.head.sweep}:
                task, consumers = self._smallest(leaf, self.graph.readers), {}
                self.kept.add(task)
                self._need(task, source.head.sweep, consumers, [])
                for _ in self._open(task, consumers, {}, source.head.sweep, 0):
                    pass

    def _ways(self, leaf):
        """Which ways a leaf is read, over all sweeps."""
        saved = {t for t in self.graph.tasks if t in self.kept or t.stores}
        roots = [t for t in self.graph.tasks if t in self.graph.outs or t in saved or (t.op and t.head is None)]
        found, todo = set(), [(t, self._way(t.level - t.stores, t)) for t in roots]
        while todo:
            task, way = todo.pop()
            if (task, way) not in found:
                found.add((task, way))
                todo += [(i, task.input_way(way)) for i in task.inputs if i not in saved]
        return {way for task, way in found if task is leaf}

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
