"""What a run will hold, item by item, before the first block; and the depth of the blocks that decides it."""

from math import prod

import numpy as np

from .spec import Reach, call
from .stream import packing
from .window import Windows

TARGET = 4 << 20       # bytes of a block: enough to amortise its handling, few enough for the caches
AHEAD = 3              # blocks of a reader in a thread of its own: one made, one waiting, one in use
ARENA = 1 << 20        # Python takes memory for its objects by arenas; a run may begin one
THREAD = 160 << 10     # what a thread touches of its stack, and the least arena that malloc gives it


def depth_of(task, forced=None):
    """Slices of a block that a task gives: the least that amortises its halo, and its handling."""
    if task.head is None:
        return depth_of(task.inputs[0], forced)
    slices = max(1, task.head.slices)
    if task.op is None:
        return min(forced or max(1, task.head.depth), slices)
    if task.op.kind in ("route", "store"):
        return min(forced or max(1, TARGET // max(1, task.head.slice_bytes)), slices)
    if task.is_map:
        return depth_of(task.inputs[0], forced)
    halo = max(r[0].below + r[0].above for r in task.reaches)
    return min(forced or max(1, halo, TARGET // max(1, task.head.slice_bytes)), slices)


def windows_of(task, i, way, forced=None):
    """The windows of input i of a task."""
    mode, cval = task.params.get("mode") or "constant", task.params.get("cval") or 0
    depth = depth_of(task, forced)
    return Windows(task.inputs[i].head, task.head, task.reaches[i], depth, mode, cval, way, task.wraps)


def scratch_of(task, known, forced=None):
    """{name: (shape, dtype)} that a kernel wants for each thread."""
    facts = {**known, "head": task.inputs[0].head, "depth": depth_of(task, forced)}
    return call(task.op.scratch, facts) if task.op.scratch else {}


def items(graph, sources, settings, saved=()):
    """[(what, bytes)] held at the same time in the sweep that holds most; imports and compiled code come on top.
    `saved` are the tasks whose streams go to a spool."""
    between = set(graph.linked(saved).values())      # within a pass over a block: nothing of it is ever whole
    reading = [(f"{s.name}: {what}", n) for s in sources.values() for what, n in s.memory]
    sweeps = [
        [item for t in graph.tasks if t.level <= level for item in held(t, settings, t not in between)]
        + [(f"{t.name}: {n} slices wait for the slower of its readers", n * t.head.slice_bytes)
           for t, n in skews(graph, level, saved, settings.depth).items()]
        for level in range(graph.sweeps)
    ]
    deepest = {t: depth_of(t, settings.depth) * t.head.slice_bytes for t in saved}
    packed = [(f"{t.name}: packing for the spool", packing(size)) for t, size in deepest.items()]
    most = max(sweeps, key=lambda sweep: sum(n for _, n in sweep))
    workers = settings.threads * (settings.threads > 1)
    return [*running(workers + len(sources) + len(saved) + 3), *reading, *packed, *most]


def skews(graph, level, saved=(), forced=None):
    """{task: slices} that are kept in a sweep for the slower of several readers, at most.

    A reader that looks further ahead, or works in deeper blocks, pulls slices before another has come to them. How far
    each may be ahead of what has left the graph is summed up from there: (least, most) in the task's own slices.
    """
    readers, leads, kept = graph.readers, {}, {}
    for t in reversed(graph.tasks):
        if t.head is None:
            continue
        depth, found = depth_of(t, forced), []
        for r in readers[t]:
            if r.head is None:
                found += [(0, depth)] * (r.level == level)
            elif r in leads and r not in saved:
                least, most = leads[r]
                for i, reach in zip(r.inputs, r.reaches or [(Reach(),) * 3] * len(r.inputs)):
                    if i is t:
                        z, more = reach[0], max(reach[0].below, reach[0].above) + reach[0].size - 1
                        found.append((least * z.stride, (most + depth_of(r, forced)) * z.stride + more))
        if t in saved and t.level == level or t in graph.outs and t.level == level:
            found.append((0, depth))
        if found:
            leads[t] = min(least for least, _ in found), max(most for _, most in found)
            if len(found) > 1:
                kept[t] = min(leads[t][1] - leads[t][0] + depth, max(1, t.head.slices))
    return kept


def running(threads):
    """Items of so many threads, and of the objects that Python makes meanwhile."""
    return [(f"{threads} threads", threads * THREAD), ("Python's objects", ARENA)]


def held(task, settings, whole=True):
    """[(what, bytes)] of one task; its blocks too where they are `whole`."""
    if task.rule:
        return []
    depth = depth_of(task, settings.depth)
    if task.op is None:
        return [(f"{task.name}: {AHEAD} blocks of {depth} slices", AHEAD * depth * task.head.slice_bytes)]
    own = []
    if task.head is not None and whole:
        own.append((f"{task.name}: 2 blocks of {depth} slices", 2 * depth * task.head.slice_bytes))
        if not task.is_map and task.op.kind == "kernel":
            for i in range(len(task.inputs)):
                windows = windows_of(task, i, "up", settings.depth)
                own.append((f"{task.name}: window of {windows.shape[0]} slices", windows.bytes))
    known = {name: p for name, p in task.params.items() if name not in task.values}
    each = sum(prod(shape) * np.dtype(dtype).itemsize for shape, dtype in scratch_of(task, known, settings.depth).values())
    if each:
        own.append((f"{task.name}: scratch of {settings.threads} threads", each * settings.threads))
    if task.op.memory:
        head = task.inputs[0].head
        taken = depth_of(task.inputs[0], settings.depth)         # slices of the blocks that come in
        facts = {**known, "head": head, "out": task.head, "depth": depth, "taken": taken, "threads": settings.threads}
        own.append((f"{task.name}: state", int(call(task.op.memory, facts))))
    return own
