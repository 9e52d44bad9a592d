"""A task as an iterator of blocks: one function for each kind of operation, kernels in threads over boxes."""

import time
from dataclasses import dataclass
from functools import partial

import numpy as np

from .flow import align, recut
from .memory import depth_of, scratch_of, windows_of
from .spec import Block, Head, call, named
from .window import wrap_around

PIECE = 1 << 18        # bytes that are worked on together by kernels that follow each other: they stay in the cache


class Threads:
    """Calls at the same time on disjoint boxes of the same buffers; `busy` counts seconds of work, `spent` by task."""

    def __init__(self, count):
        self.count, self.busy, self.spent = max(1, count), 0.0, {}
        self._pool = None

    def each(self, calls, task=None):
        """The results of the calls, which are for a task: made by this thread and by others that help it."""
        start = time.perf_counter()
        results, turns = [None] * len(calls), iter(range(len(calls)))
        helpers = min(self.count, len(calls)) - 1
        if helpers > 0 and self._pool is None:
            from concurrent.futures import ThreadPoolExecutor

            self._pool = ThreadPoolExecutor(self.count - 1)
        futures = [self._pool.submit(_take_turns, calls, turns, results) for _ in range(helpers)]
        try:
            _take_turns(calls, turns, results)
        finally:                                     # what they work on may go once this is left
            for _ in turns:
                pass
            failed = [future.exception() for future in futures]
        for error in filter(None, failed):
            raise error
        seconds = time.perf_counter() - start
        self.busy += seconds
        self.spent[task] = self.spent.get(task, 0.0) + seconds
        return results

    def boxes(self, shape):
        """A block's shape cut into one box a thread: along y, or along z where rows are few."""
        n, ny, nx = shape[:3]
        if self.count == 1 or not n * ny * nx:
            return [(0, n, 0, ny, 0, nx)]
        along_y = ny >= 8 * self.count or ny >= n
        size = ny if along_y else n
        cuts = [size * i // self.count for i in range(self.count + 1)]
        pairs = [(a, b) for a, b in zip(cuts, cuts[1:]) if a < b]
        return [(0, n, a, b, 0, nx) if along_y else (a, b, 0, ny, 0, nx) for a, b in pairs]

    def close(self):
        if self._pool:
            self._pool.shutdown()


def _take_turns(calls, turns, results):
    """Make the calls whose turn it is, and forget each: a thread may keep what it was given a little longer than its
    result is awaited."""
    for i in turns:
        call, calls[i] = calls[i], None
        results[i] = call()
        del call


class Kernel:
    """A kernel of a task, ready to be called: its keywords, with scratch of its own for each thread.

    `nans` counts voxels that were NaN and have none of their own in the type of the result.
    """

    def __init__(self, task, results, threads, pool, forced=None):
        self.task = self.first = task
        self.threads, self.nans = threads, 0
        known = task.known(results)
        own = {k: known.get(k) for k in task.op.keywords if k in known or k in task.op.inputs}
        wanted = scratch_of(task, known, forced)
        self.keywords = [dict(own) for _ in range(threads.count)]
        if wanted:
            for mine in self.keywords:
                mine["scratch"] = {name: pool.array(shape, dtype) for name, (shape, dtype) in wanted.items()}

    def __call__(self, srcs, dst, boxes=None):
        op = self.task.op
        arrays = [dict(zip(self.task.names, srcs))] if self.task.names else srcs
        if op.foreign:                               # code that is not ours is called once, on the whole block
            boxes = [(0, dst.shape[0], 0, dst.shape[1], 0, dst.shape[2])]
        boxes = boxes or self.threads.boxes(dst.shape)
        calls = [partial(op.fn, *arrays, dst, box, **own) for box, own in zip(boxes, self.keywords)]
        self.nans += sum(n or 0 for n in self.threads.each(calls, self.task))

    def warm(self):
        """Compile, by computing one voxel of nothing; where the kernel moves its input, by computing none."""
        srcs = []
        for t, reach in zip(self.task.inputs, self.task.reaches):
            shape = [r.below + r.size + r.above for r in reach]
            srcs.append(np.zeros((*shape, *t.head.slice_shape[2:]), t.head.dtype))
        dst = np.zeros((1, 1, 1, *self.task.head.slice_shape[2:]), self.task.head.dtype)
        one = int(not any(r.start for reach in self.task.reaches for r in reach))
        if not self.task.op.foreign:
            busy = self.threads.busy
            self(srcs, dst, [(0, one, 0, one, 0, one)])
            self.nans, self.threads.busy = 0, busy
            self.threads.spent.pop(self.task)


class Pass:
    """Kernels that work voxel by voxel, one after the other on pieces of a block that stay in the cache: one read and
    one write of the block. Called like a Kernel; what lies between two of them has the type that it would have."""

    def __init__(self, kernels, pool):
        self.kernels, self.threads = kernels, kernels[0].threads
        self.first, self.task = kernels[0].task, kernels[-1].task
        self.between = [[pool.array((PIECE,), np.uint8) for _ in range(2)] for _ in range(self.threads.count)]

    @property
    def nans(self):
        return sum(kernel.nans for kernel in self.kernels)

    def __call__(self, srcs, dst, boxes=None):
        boxes = boxes or self.threads.boxes(dst.shape)
        calls = [partial(self._pieces, i, srcs, dst, box) for i, box in enumerate(boxes)]
        for told in self.threads.each(calls):
            for kernel, (nans, seconds) in zip(self.kernels, told):
                kernel.nans += nans
                self.threads.spent[kernel.task] = self.threads.spent.get(kernel.task, 0.0) + seconds

    def _pieces(self, i, srcs, dst, box):
        """All kernels on all pieces of a box of whole rows; [(nans, seconds)] by kernel."""
        z0, z1, y0, y1, _, nx = box
        told = [(0, 0.0)] * len(self.kernels)
        rows = max(1, PIECE // max(1, row_bytes(self.kernels)))
        for z in range(z0, z1):
            for y in range(y0, y1, rows):
                part = slice(z, z + 1), slice(y, min(y + rows, y1))
                arrays, box = [src[part] for src in srcs], (0, 1, 0, part[1].stop - y, 0, nx)
                for k, kernel in enumerate(self.kernels):
                    out = dst[part] if kernel is self.kernels[-1] else self._room(i, k, kernel.task.head, box)
                    start = time.perf_counter()
                    named = [dict(zip(kernel.task.names, arrays))] if kernel.task.names else arrays
                    nans = kernel.task.op.fn(*named, out, box, **kernel.keywords[i]) or 0
                    told[k] = told[k][0] + nans, told[k][1] + time.perf_counter() - start
                    arrays = [out]
        return told

    def _room(self, i, k, head, box):
        """Memory for a piece between kernel k and the next."""
        shape = (1, box[3], *head.slice_shape[1:])
        size = int(np.prod(shape)) * head.dtype.itemsize
        if size > PIECE:                             # a single row is more than a piece
            return np.empty(shape, head.dtype)
        return self.between[i][k % 2][:size].view(head.dtype).reshape(shape)


def row_bytes(kernels):
    """Bytes of the longest row between kernels."""
    return max(k.task.head.slice_bytes // max(1, k.task.head.shape[1]) for k in kernels)


def mapped(kernel, inputs, way, pool, forced=None):
    """Voxel by voxel: blocks as they come; a constant one is computed on one voxel."""
    task, first_task, depth = kernel.task, kernel.first, depth_of(kernel.task, forced)
    for blocks in align(inputs, way):
        first = blocks[0]
        if len(blocks) == 1 and first.data is None and not task.op.foreign:
            head = first_task.inputs[0].head
            one = Head((1, 1, 1), head.dtype, components=head.components)
            dst = np.empty((1, 1, 1, *task.head.slice_shape[2:]), task.head.dtype)
            kernel([np.ascontiguousarray(Block(0, 1, None, first.fill).array(one))], dst, [(0, 1, 0, 1, 0, 1)])
            yield Block(first.z, first.n, None, dst[0, 0, 0])
        else:
            dst = pool.array((first.n, *task.head.slice_shape), task.head.dtype, depth)
            kernel([np.ascontiguousarray(b.array(t.head)) for b, t in zip(blocks, first_task.inputs)], dst)
            done = Block(first.z, first.n, dst)
            del blocks, first, dst                   # so that their memory is free while the next is awaited
            yield done
            del done


def windowed(kernel, inputs, way, pool, forced=None, saved=None):
    """Windows: `saved` has the inputs whole where they wrap around along z."""
    task = kernel.task
    windows, depth = [windows_of(task, i, way, forced) for i in range(len(inputs))], depth_of(task, forced)
    if task.wraps:
        inputs = [wrap_around(s, w.head.whole[0], w.below, w.above, way) for s, w in zip(saved, windows)]
    for chunk in zip(*(w.over(blocks, pool) for w, blocks in zip(windows, inputs)), strict=True):
        z, n, _ = chunk[0]
        dst = pool.array((n, *task.head.slice_shape), task.head.dtype, depth)
        kernel([src for _, _, src in chunk], dst)
        done = Block(z, n, dst)
        del dst
        yield done
        del done


@dataclass(frozen=True)
class Work:
    """What a route has at hand: the heads of its inputs and its own, the way it goes, the depth of its blocks, memory."""

    heads: tuple[Head, ...]
    head: Head
    way: str
    depth: int
    pool: object
    threads: Threads


def routed(task, inputs, known, way, pool, threads, forced=None):
    """A route: blocks made of the blocks of its inputs, cut to the depth that was declared. Inputs that are needed whole
    (mode wrap) are spools. What its function compiles is compiled now, before anything is measured."""
    depth = depth_of(task, forced)
    work = Work(tuple(t.head for t in task.inputs), task.head, way, depth, pool, threads)
    return recut(task.op.fn(inputs, work, **named(task.op.fn, known)), depth, way)


def reduced(task, inputs, known, threads, way, done):
    """A reduction: yields the slices of each block; calls done(state) at the end. Each thread has a state of its own."""
    reduce = task.op.reduce
    known = {**known, "head": task.inputs[0].head}
    states = [call(reduce.start, known) for _ in range(threads.count)]
    own = named(reduce.add, known)
    for blocks in align(inputs, way):
        arrays = [np.ascontiguousarray(b.array(t.head)) for b, t in zip(blocks, task.inputs)]
        add = partial(_add, reduce.add, arrays, blocks[0].z, own)
        threads.each([partial(add, s, box) for s, box in zip(states, threads.boxes(arrays[0].shape))], task)
        n = blocks[0].n
        del blocks, arrays, add
        yield n
    state = states[0]
    for other in states[1:]:
        state = reduce.merge(state, other)
    done(state)


def _add(add, arrays, z, own, state, box):
    add(state, *arrays, box, z, **own)


def scanned(task, blocks, known, disk, pool, threads, done):
    """A scan: blocks in stream order through one state; a stream, or a value for done(value) at the end, and then the
    slices of each block."""
    scan, head, depth = task.op.scan, task.inputs[0].head, depth_of(task)
    known = {**known, "head": head, "disk": disk}
    state = call(scan.start, known)
    own = named(scan.step, known)
    for block in blocks:
        src = np.ascontiguousarray(block.array(head))
        dst = None if task.head is None else pool.array((block.n, *task.head.slice_shape), task.head.dtype, depth)
        threads.each([partial(scan.step, state, src, dst, block.z, **own)], task)
        made = block.n if dst is None else Block(block.z, block.n, dst)
        del block, src, dst
        yield made
        del made
    if scan.end:
        scan.end(state)
    if task.head is None:
        done(task.op.fn(state, **named(task.op.fn, known)))


def warm_reduction(task, known):
    """Compile a reduction's kernels by adding one voxel to a state that is thrown away."""
    known = {**known, "head": task.inputs[0].head}
    state = call(task.op.reduce.start, known)
    one = [np.zeros((1, 1, 1, *t.head.slice_shape[2:]), t.head.dtype) for t in task.inputs]
    add = task.op.reduce.add
    _add(add, one, known["head"].first, named(add, known), state, (0, 1, 0, 1, 0, 1))
