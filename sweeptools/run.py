"""Drive a graph of operations over blocks: sweeps in order, threads over boxes, reading ahead.

Within a sweep every task is an iterator of blocks pulled by the next; a task with several consumers is shared with
itertools.tee, so that what a branch holds is exactly its skew. Values (reductions, logs) are computed sweep by sweep.
"""

import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .errors import SweepError
from .flow import Ahead, Pool, align
from .graph import elaborate
from .spec import Block, Head, Reach, call
from .window import Windows, wrap_around

TARGET = 4 << 20                   # bytes of a block: long enough to amortise its handling, short enough for the caches


@dataclass
class Settings:
    """What decides speed and memory, and never a byte of the result."""

    threads: int = 1
    depth: int | None = None       # slices of a block, where it is to be forced
    tmpdir: str | None = None
    beside: str | None = None      # the output, whose directory is the last choice for the spool
    pool: Pool = field(default_factory=Pool)
    note: Any = None               # called with {sweep, sweeps, done, total} about once a second
    warn: Any = None               # called with a sentence


def natural_depth(head):
    """Slices of about TARGET bytes."""
    return max(1, min(head.slices or 1, TARGET // max(1, head.slice_bytes)))


class Run:
    """One run of a graph: `blocks()` gives the stream, `values()` what the other outs came to, when it has ended.

    outs are nodes; sources maps the graph's input nodes, by their name, to Sources.
    """

    def __init__(self, outs, sources, settings=None):
        self.settings = settings or Settings()
        self.graph = elaborate(*outs)
        self.sources = sources
        self.results, self.found, self.nans = {}, {}, 0
        self.spools = {}                               # task -> Spool, for what later sweeps read again
        self.busy = self.wait = 0.0
        self.grown = 0                                 # bytes that importing and compiling took
        self._pool = self.settings.pool
        self._disk = None
        self._workers = None
        self._keep = self._spooled()

    # -------------------------------------------------------------- what is known before the first block

    @property
    def head(self):
        """Head of the stream that comes out, or None."""
        out = next((t for t in self.graph.outs if t.head is not None), None)
        if out is None:
            return None
        way = self.graph.direction(self.graph.sweeps - 1)
        source = next(iter(self.sources.values()))
        return out.head.but(sweep=source.head.sweep if way == "any" else way, depth=self.depth(out))

    def depth(self, task):
        """Slices of a block that this task gives."""
        if task.op is None or not task.head:
            return self.settings.depth or max(1, min(task.head.depth, task.head.slices or 1))
        if _plain(task):
            return self.depth(task.inputs[0])
        if self.settings.depth:
            return self.settings.depth
        halo = max(r[0].below + r[0].above for r in task.reaches)
        return max(1, min(task.head.slices or 1, max(halo, natural_depth(task.head))))

    def windows(self, task, i, sweep):
        p = task.params
        return Windows(
            task.inputs[i].head, task.head, task.reaches[i], self.depth(task),
            p.get("mode") or "constant", p.get("cval") or 0, sweep, task.wraps,
        )  # fmt: skip

    def memory(self):
        """[(what, bytes)] held at the same time in the sweep that holds most, the import baseline apart."""
        source = [(f"{s.name}: {what}", n) for s in self.sources.values() for what, n in s.memory]
        return source + max(
            ([item for t in self.graph.tasks if t.level <= level for item in self._held(t, level)]
             for level in range(self.graph.sweeps)),
            key=lambda items: sum(n for _, n in items),
        )  # fmt: skip

    def _held(self, task, level):
        if task.rule or task.op is None:
            if task.head is None:
                return []
            depth = self.depth(task)
            return [(f"{task.name}: 3 blocks of {depth} slices read ahead", 3 * depth * task.head.slice_bytes)]
        op, head = task.op, task.head or task.inputs[0].head
        depth = self.depth(task if task.head else task.inputs[0])
        items = []
        if task.head is not None:
            items.append((f"{task.name}: 2 blocks of {depth} slices", 2 * depth * head.slice_bytes))
            if op.kind == "kernel" and not _plain(task):
                for i in range(len(task.inputs)):
                    windows = self.windows(task, i, "up")
                    items.append((f"{task.name}: window of {windows.shape[0]} slices", windows.bytes))
        known = {**task.known({t: 0 for t in self.graph.tasks}), "head": task.inputs[0].head, "depth": depth}
        if op.scratch:
            each = sum(int(np.prod(s)) * np.dtype(d).itemsize for s, d in call(op.scratch, known).values())
            items.append((f"{task.name}: scratch of {self.settings.threads} threads", each * self.settings.threads))
        if op.memory:
            items.append((f"{task.name}: state", int(call(op.memory, known))))
        return items

    def _spooled(self):
        """Tasks whose output is saved for later sweeps: the smallest that all readers of a lasting need share."""
        keep = set()
        readers = {}
        for t in self.graph.tasks:
            for i in t.inputs:
                if i.head is not None:
                    readers.setdefault(i, []).append(t)
        last = self.graph.sweeps - 1
        levels = {t: self._levels(t, readers, last) for t in self.graph.tasks if t.head is not None}
        for leaf in self.graph.leaves:
            if leaf.name not in self.sources or self.sources[leaf.name].again or len(levels[leaf]) < 2:
                continue
            t = leaf
            while len(readers.get(t, ())) == 1:
                (reader,) = readers[t]
                if reader.head is None or reader.level > 0 or len(reader.inputs) > 1 or reader in self.graph.outs:
                    break
                if reader.op.kind != "kernel" or reader.head.slice_bytes > t.head.slice_bytes:
                    break
                t = reader
            keep.add(t)
        return keep.union(*(t.inputs for t in self.graph.tasks if t.wraps))

    def _levels(self, task, readers, last):
        """The sweeps in which the output of a task is needed."""
        if task in self.graph.outs:
            return {last}
        found = set()
        for r in readers.get(task, ()):
            found |= {r.level} if r.head is None else {l for l in self._levels(r, readers, last) if l >= r.level}
        return found

    # -------------------------------------------------------------- the sweeps

    def blocks(self):
        """The blocks of the out stream; every sweep before the last is done when the first is asked for."""
        last = self.graph.sweeps - 1
        self._turn_round()
        for level in range(last + 1):
            stream, values = self._sweep(level, level == last)
            if stream is None:
                for _ in _round_robin(values):
                    pass
            else:
                for block in stream:
                    yield block
                    for v in values:
                        next(v, None)
                for _ in _round_robin(values):
                    pass
        self._close()

    def _turn_round(self):
        """Save what cannot be read again and comes the wrong way round."""
        ways = {self.graph.direction(level) for level in range(self.graph.sweeps)} - {"any"}
        for leaf in self.graph.leaves:
            source = self.sources[leaf.name]
            if not source.again and ways - {source.head.sweep}:
                for _ in self._save(leaf, Ahead(source.blocks(source.head.sweep))):
                    pass

    def values(self):
        """The values of the outs that are no streams, in their order; runs the sweeps if nobody did."""
        if not all(t in self.results for t in self.graph.outs if t.head is None):
            for _ in self.blocks():
                pass
        self._rules()
        return [self.results[t] for t in self.graph.outs if t.head is None]

    def _sweep(self, level, is_last):
        """(iterator of the out stream or None, iterators that compute the values of this level)."""
        self._rules()
        way = self.graph.direction(level)
        if way == "any":
            way = next((s.head.sweep for s in self.sources.values()), "up")
        values = [t for t in self.graph.tasks if t.head is None and t.op and t.level == level]
        values += [t for t in self._keep if t.level == level and t not in self.spools]
        streams = [t for t in self.graph.outs if t.head is not None] if is_last else []
        needed, counts = [], {}
        for t in values + streams:
            self._count(t, counts, needed)
        self._warm([t for t in needed if t.op])
        made = {}
        outs = [self._open(t, counts, made, way, level) for t in values + streams]
        return (outs[len(values)] if streams else None), outs[: len(values)]

    def _rules(self):
        """Compute the values that follow from values."""
        for t in self.graph.tasks:
            if t.rule and t not in self.results and t.inputs[0] in self.results:
                self.results[t] = t.rule(self.results[t.inputs[0]])
                if t.found:
                    self.found[t.found] = self.results[t]

    def _count(self, task, counts, needed):
        """How many consumers each task has in this sweep."""
        counts[task] = counts.get(task, 0) + 1
        if counts[task] == 1:
            if task not in self.spools:
                for i in task.inputs:
                    self._count(i, counts, needed)
            needed.append(task)

    def _open(self, task, counts, made, way, level):
        """The iterator of a task in this sweep; one of several where it has several consumers."""
        if task not in made:
            if task in self.spools:
                blocks = Ahead(self.spools[task].blocks(way))
            else:
                inputs = [self._open(i, counts, made, way, level) for i in task.inputs]
                blocks = self._iterate(task, inputs, way, level)
                if task in self._keep:
                    blocks = self._save(task, blocks)
            made[task] = list(itertools.tee(blocks, counts[task])) if counts[task] > 1 else [blocks]
        return made[task].pop()

    def _iterate(self, task, inputs, way, level):
        if task.op is None:
            return self._read(task, way, level)
        if task.op.kind == "reduce":
            return self._reduce(task, inputs[0])
        if task.op.kind == "scan":
            return self._scan(task, inputs[0])
        if _plain(task):
            return self._map(task, inputs, way)
        return self._window(task, inputs, way)

    def _save(self, task, blocks):
        from .spool import Spool

        head = task.head.but(sweep=next(iter(self.sources.values())).head.sweep)
        spool = Spool(head, self.settings.tmpdir, beside=self.settings.beside, pool=self._pool)
        for block in blocks:
            spool.write(block)
            yield block
        spool.finish()
        self.spools[task] = spool

    def _read(self, task, way, level):
        """Blocks of an input, read ahead; tells how far it is about once a second."""
        source = self.sources[task.name]
        blocks = Ahead(source.blocks(way))
        done, told = 0, time.monotonic()
        try:
            for block in blocks:
                if self.settings.depth and block.n > self.settings.depth:
                    from .flow import pieces

                    yield from pieces(block, self.settings.depth, way)
                else:
                    yield block
                done += block.n
                if self.settings.note and time.monotonic() - told > 1.0:
                    told = time.monotonic()
                    self.settings.note(
                        {"sweep": level + 1, "sweeps": self.graph.sweeps, "done": done, "total": task.head.slices}
                    )
        finally:
            self.wait += blocks.waited
            blocks.close()

    # -------------------------------------------------------------- the kinds of operations

    def _map(self, task, inputs, way):
        """Kernels without a window: blocks as they come, constant ones computed on one voxel."""
        kwargs = self._keywords(task)
        for blocks in align(inputs, way) if len(inputs) > 1 else ((b,) for b in inputs[0]):
            first = blocks[0]
            if len(blocks) == 1 and first.data is None:
                one = Head((1, 1, 1), task.inputs[0].head.dtype, components=task.inputs[0].head.components)
                src = np.ascontiguousarray(Block(0, 1, None, first.fill).array(one))
                dst = np.empty((1, 1, 1, *task.head.slice_shape[2:]), task.head.dtype)
                self._kernel(task, [src], dst, kwargs)
                yield Block(first.z, first.n, None, dst[0, 0, 0])
                continue
            srcs = [np.ascontiguousarray(b.array(t.head)) for b, t in zip(blocks, task.inputs)]
            dst = self._pool.array((first.n, *task.head.slice_shape), task.head.dtype)
            self._kernel(task, srcs, dst, kwargs)
            yield Block(first.z, first.n, dst)

    def _window(self, task, inputs, way):
        kwargs = self._keywords(task)
        windows = [self.windows(task, i, way) for i in range(len(inputs))]
        feeds = inputs
        if task.wraps:
            saved = [self.spools[t] for t in task.inputs]
            feeds = [wrap_around(s, w.head.whole[0], w.below, w.above, way) for s, w in zip(saved, windows)]
        for chunk in zip(*(w.over(feed, self._pool) for w, feed in zip(windows, feeds)), strict=True):
            z, n, _ = chunk[0]
            dst = self._pool.array((n, *task.head.slice_shape), task.head.dtype)
            self._kernel(task, [src for _, _, src in chunk], dst, kwargs)
            yield Block(z, n, dst)

    def _kernel(self, task, srcs, dst, kwargs):
        op = task.op
        arrays = [dict(zip(task.names, srcs))] if task.names else srcs
        start = time.perf_counter()
        boxes = [(0, dst.shape[0], 0, dst.shape[1], 0, dst.shape[2])] if op.foreign else _boxes(dst.shape, self._threads)
        calls = [(lambda box=b, kw=k: op.fn(*arrays, dst, box, **kw)) for b, k in zip(boxes, kwargs)]
        self.nans += sum(n or 0 for n in self._each(calls))
        self.busy += time.perf_counter() - start

    def _reduce(self, task, blocks):
        op, head = task.op, task.inputs[0].head
        known = {**task.known(self.results), "head": head}
        states = [call(op.reduce.start, known) for _ in range(self._threads)]
        names = _own(op.reduce.add, known)
        for block in blocks:
            data = np.ascontiguousarray(block.array(head))
            start = time.perf_counter()
            self._each(
                (lambda s=s, b=b, d=data, z=block.z: op.reduce.add(s, d, b, z, **names))
                for s, b in zip(states, _boxes(data.shape, self._threads))
            )
            self.busy += time.perf_counter() - start
            yield
        state = states[0]
        for other in states[1:]:
            state = op.reduce.merge(state, other)
        self.results[task] = op.fn(state, **_own(op.fn, known))

    def _scan(self, task, blocks):
        op, head = task.op, task.inputs[0].head
        known = {**task.known(self.results), "head": head, "disk": self._the_disk()}
        state = call(op.scan.start, known)
        names = _own(op.scan.step, known)
        for block in blocks:
            src = np.ascontiguousarray(block.array(head))
            dst = None
            if task.head is not None:
                dst = self._pool.array((block.n, *task.head.slice_shape), task.head.dtype)
            start = time.perf_counter()
            op.scan.step(state, src, dst, block.z, **names)
            self.busy += time.perf_counter() - start
            yield None if dst is None else Block(block.z, block.n, dst)
        if op.scan.end:
            op.scan.end(state)
        if task.head is None:
            self.results[task] = op.fn(state, **_own(op.fn, known))

    # -------------------------------------------------------------- threads, memory of kernels, start

    @property
    def _threads(self):
        return max(1, self.settings.threads)

    def _keywords(self, task):
        """Keywords of the kernel, one set per thread: parameters it names, and scratch of its own."""
        known = task.known(self.results)
        names = _own(task.op.fn, known)
        sets = []
        for _ in range(self._threads):
            mine = dict(names)
            if task.op.scratch:
                facts = {**known, "head": task.inputs[0].head, "depth": self.depth(task)}
                wanted = call(task.op.scratch, facts)
                mine["scratch"] = {k: self._pool.array(shape, dtype) for k, (shape, dtype) in wanted.items()}
            sets.append(mine)
        return sets

    def _each(self, calls):
        calls = list(calls)
        if len(calls) == 1:
            return [calls[0]()]
        if self._workers is None:
            self._workers = ThreadPoolExecutor(self._threads)
        return [f.result() for f in [self._workers.submit(c) for c in calls]]

    def _the_disk(self):
        if self._disk is None:
            from .spool import Disk

            self._disk = Disk(self.settings.tmpdir, beside=self.settings.beside)
        return self._disk

    def _warm(self, tasks):
        """Compile the kernels that this sweep needs before its first block, and count what that takes as baseline."""
        before = resident()
        for task in tasks:
            if task.op.kind == "kernel" and not task.op.foreign and task not in self.spools:
                srcs = []
                for t, r in zip(task.inputs, task.reaches):
                    shape = [k.below + k.size + k.above for k in r]
                    srcs.append(np.zeros((*shape, *t.head.slice_shape[2:]), t.head.dtype))
                dst = np.zeros((1, 1, 1, *task.head.slice_shape[2:]), task.head.dtype)
                kwargs = self._keywords(task)[0]
                arrays = [dict(zip(task.names, srcs))] if task.names else srcs
                task.op.fn(*arrays, dst, (0, 0, 0, 0, 0, 0), **kwargs)
            elif task.op.kind == "reduce":
                t = task.inputs[0]
                known = {**task.known(self.results), "head": t.head}
                src = np.zeros((1, 1, 1, *t.head.slice_shape[2:]), t.head.dtype)
                state = call(task.op.reduce.start, known)
                task.op.reduce.add(state, src, (0, 0, 0, 0, 0, 0), t.head.first, **_own(task.op.reduce.add, known))
        self.grown += max(0, resident() - before)

    def _close(self):
        if self._workers:
            self._workers.shutdown()
            self._workers = None
        if self.nans and self.settings.warn:
            self.settings.warn(f"{self.nans} voxels were NaN and became 0")
            self.nans = 0


def _plain(task):
    """Whether a kernel reads just the voxel it writes."""
    return task.op.kind != "kernel" or all(r == Reach() for reach in task.reaches for r in reach)


def _own(fn, known):
    """Those of the known parameters that are keywords of a function."""
    import inspect

    names = {p.name for p in inspect.signature(fn).parameters.values() if p.kind is p.KEYWORD_ONLY}
    if any(p.kind is p.KEYWORD_ONLY for p in inspect.signature(fn).parameters.values()):
        return {k: v for k, v in known.items() if k in names}
    return {k: v for k, v in known.items() if k in inspect.signature(fn).parameters}


def _boxes(shape, threads):
    """A block's shape cut into one box per thread: along y, or along z where rows are few."""
    n, ny, nx = shape[:3]
    if threads == 1 or not n * ny * nx:
        return [(0, n, 0, ny, 0, nx)]
    along_y = ny >= 8 * threads or ny >= n
    size = ny if along_y else n
    cuts = [size * i // threads for i in range(threads + 1)]
    pairs = [(a, b) for a, b in zip(cuts, cuts[1:]) if a < b]
    return [(0, n, a, b, 0, nx) if along_y else (a, b, 0, ny, 0, nx) for a, b in pairs]


def _round_robin(iterators):
    """Step several iterators in turn until all have ended."""
    live = list(iterators)
    while live:
        live = [i for i in live if next(i, _END) is not _END]
        yield


_END = object()


def resident():
    """Bytes of memory that is this process's own: RssAnon + RssShmem (0 where /proc does not tell)."""
    try:
        with open("/proc/self/status") as status:
            lines = [line.split() for line in status]
    except OSError:
        return 0
    return sum(int(line[1]) << 10 for line in lines if line[0] in ("RssAnon:", "RssShmem:"))
