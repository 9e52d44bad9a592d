"""Iterators of blocks: memory that is used again, work done ahead in a thread, blocks cut anew.

A block belongs to whoever holds it: its memory returns to the pool when the last array on it is gone, so nobody
releases anything and nobody writes into a block that was handed on.
"""

import threading
import time
import weakref
from collections import deque
from math import prod
from queue import Empty, Full, Queue

import numpy as np

from .errors import SweepError

GRACE = 0.25           # seconds that a closing may wait for a thread: one that reads what does not come never ends


class _Lease:
    """Owns pooled memory on behalf of the arrays made of it; numpy keeps it alive as their base."""

    def __init__(self, memory):
        self.__array_interface__ = memory.__array_interface__
        self.memory = memory


class Pool:
    """Arrays in memory that is recycled: memory touched for the first time runs at half speed.

    Memory is kept for as many arrays of a size as ever lived at once.
    """

    def __init__(self):
        self._free = {}
        self._lock = threading.RLock()               # a lease may end inside `array`, when garbage is collected

    def array(self, shape, dtype, depth=0):
        """An uninitialised C-contiguous array, aligned to 64 bytes. With `depth` it lies in memory for so many slices:
        a block that is less deep than others, as the last one is, takes the memory of any of them."""
        dtype = np.dtype(dtype)
        size = prod(shape) * dtype.itemsize
        room = max(64, -(-max(size, depth * prod(shape[1:]) * dtype.itemsize) // 64) * 64)
        with self._lock:
            free = self._free.setdefault(room, deque())
            memory = free.pop() if free else None
        if memory is None:
            raw = np.empty(room + 64, np.uint8)
            skip = -raw.ctypes.data % 64
            memory = raw[skip : skip + room]
        lease = _Lease(memory)
        weakref.finalize(lease, free.append, memory).atexit = False
        return np.asarray(lease)[:size].view(dtype).reshape(shape)


class Ahead:
    """An iterator that is worked through in a thread of its own, at most `size` items ahead of its consumer.

    Reading ahead and writing behind are both this: the reader's iterator, or the computation's, runs ahead.
    An exception of the inner iterator is raised at its place. `close` stops the thread and waits for it.
    """

    _END = object()

    def __init__(self, items, size=1):
        self._queue = Queue(maxsize=size)
        self._stop = threading.Event()
        self._items = items
        self.waited = 0.0                            # seconds the consumer waited for an item
        self.held_up = 0.0                           # seconds the producer waited for a place
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self):
        try:
            for item in self._items:
                self._put((item, None))
                del item
                if self._stop.is_set():
                    break
            last = (self._END, None)
        except BaseException as error:               # raised in the consumer's thread
            last = (self._END, error)
        close = getattr(self._items, "close", None)
        if close and self._stop.is_set():
            close()
        self._put(last)

    def _put(self, entry):
        start = time.perf_counter()
        while not self._stop.is_set():
            try:
                self._queue.put(entry, timeout=0.1)
                break
            except Full:
                continue
        self.held_up += time.perf_counter() - start

    def __iter__(self):
        return self

    def __next__(self):
        if self._stop.is_set():
            raise StopIteration
        start = time.perf_counter()
        item, error = self._queue.get()
        self.waited += time.perf_counter() - start
        if item is self._END:
            self._stop.set()
            if error is not None:
                raise error
            raise StopIteration
        return item

    def close(self):
        self._stop.set()
        try:
            while True:
                self._queue.get_nowait()
        except Empty:
            pass
        if self._thread is not threading.current_thread():
            self._thread.join(GRACE)


def mapped(pool, call, items, lead):
    """What `call` gives for each item, in order: worked out by a pool of threads, at most `lead` items ahead, so that no
    more results wait."""
    jobs = deque()
    for item in items:
        jobs.append(pool.submit(call, item))
        if len(jobs) > lead:
            yield jobs.popleft().result()
    while jobs:
        yield jobs.popleft().result()


def share(blocks, count):
    """So many iterators over the same blocks, which are kept until the last of them has had them (itertools.tee keeps
    57 more)."""
    if count == 1:
        return [blocks]
    blocks, waiting = iter(blocks), [deque() for _ in range(count)]
    return [_branch(blocks, mine, waiting) for mine in waiting]


def _branch(blocks, mine, waiting):
    while True:
        if not mine:
            block = next(blocks, None)
            if block is None:
                return
            for each in waiting:
                each.append(block)
            del block
        yield mine.popleft()


def recut(blocks, depth, sweep="up"):
    """The same slices in blocks of at most `depth`, without a copy."""
    for block in blocks:
        yield from pieces(block, depth, sweep)
        del block


def pieces(block, depth, sweep="up"):
    """One block in pieces of at most `depth` slices, in stream order."""
    starts = range(block.z, block.z + block.n, depth)
    for z in starts if sweep == "up" else reversed(starts):
        yield block.part(z, min(z + depth, block.z + block.n))


def align(streams, sweep="up"):
    """Blocks of several streams over the same slices, cut where any of them is cut: tuples, without a copy."""
    streams = [iter(blocks) for blocks in streams]
    held = [None] * len(streams)
    while True:
        held = [next(blocks, None) if block is None else block for block, blocks in zip(held, streams)]
        if all(block is None for block in held):
            return
        if any(block is None for block in held):
            raise SweepError("one of several inputs ended before the others")
        n = min(block.n for block in held)
        parts = tuple(_first(block, n, sweep) for block in held)
        held = [_rest(block, n, sweep) for block in held]
        yield parts
        del parts


def _first(block, n, sweep):
    end = block.z + block.n
    return block.part(block.z, block.z + n) if sweep == "up" else block.part(end - n, end)


def _rest(block, n, sweep):
    end = block.z + block.n
    if block.n == n:
        return None
    return block.part(block.z + n, end) if sweep == "up" else block.part(block.z, end - n)
