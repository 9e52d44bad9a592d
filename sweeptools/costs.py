"""What reading, writing, handing on and each operation cost on this machine, as was measured; seconds of a run from that.

Each cost is (seconds, seconds of CPU) of a byte or a voxel. What runs at the same time shares the threads: a sweep takes
as long as the slowest of those who work in it side by side - readers, the run itself, writers - and at least as long as
all of their CPU seconds take on all threads. engines/calibrate.py measures; nothing here knows a figure of a machine.
"""

import json
import os
import platform
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from math import ceil, inf, prod
from pathlib import Path

from . import __version__
from .passes import passes
from .spec import call

BALANCE = 64           # operations that count as one byte of what is saved, where nothing was measured: only for choosing


@dataclass
class Ways:
    """How the leaves of a graph are read and its outs written, by the names of their costs."""

    reads: Mapping[str, str] = field(default_factory=dict)     # leaf's name -> what is read
    writes: tuple = ()                                         # (task, what is written, slices that are written at once)


def work_of(task):
    """Operations for each voxel, as the record says."""
    known = {n: v for n, v in task.params.items() if n not in task.values}
    if not callable(task.op.work):
        return float(task.op.work)
    return float(call(task.op.work, {**known, "head": task.inputs[0].head}))


def voxels_of(task):
    """Voxels that a task computes or, where it comes to a value, takes."""
    head = task.head or task.inputs[0].head
    return prod(head.shape) * max(1, len(head.components))


def bytes_of(task):
    """Bytes of all voxels of a task's stream."""
    return task.head.slices * task.head.slice_bytes


def key_of(task):
    """The name of what a task costs: its operation on voxels of a type."""
    return f"{task.op.fn.__module__.rpartition('.')[2]}.{task.op.name} {task.inputs[0].head.dtype.name}"


class Counted:
    """Costs where nothing was measured: bytes read, saved and read back, and operations as so many bytes."""

    unit = "bytes"

    def price(self, graph, kept, linked, ways):
        """What a run that saves the tasks `kept` costs; comparable with another run of the same graph."""
        total = 0.0
        for one in passes(graph, kept):
            total += sum(bytes_of(t) for t in (*one.saved, *one.again))
            for t in one.computed:
                total += bytes_of(t) if t in graph.leaves else voxels_of(t) * work_of(t) / BALANCE
        return total


class Costs:
    """Measured costs: `told` is what was kept of them, by the names of `engines.calibrate`."""

    unit = "seconds"

    def __init__(self, told):
        self.told, self.guessed = told, set()
        self.threads = told["threads"]

    def _of(self, kind, name):
        """(seconds, of CPU) of a byte; what was not measured costs what the dearest of its kind does."""
        costs = self.told[kind]
        if name not in costs:
            self.guessed.add(name)
            return tuple(max(costs.values()))
        return tuple(costs[name])

    def _task(self, task):
        """(seconds, of CPU) of all voxels of a task."""
        work, n = max(work_of(task), 1e-9), voxels_of(task)
        points = self.told["tasks"].get(key_of(task))
        if points is None:
            name = key_of(task).rpartition(" ")[0]
            others = [p for key, p in self.told["tasks"].items() if key.rpartition(" ")[0] == name]
            self.guessed.add(task.op.name)
            wall, cpu = self.told["operation"]
            points = max(others, key=lambda p: p[0][1]) if others else [[work, wall * work, cpu * work]]
        return tuple(n * cost for cost in _between(sorted(points), work))

    def sweeps(self, graph, kept, linked, ways):
        """[(seconds, what takes so long)] of each sweep."""
        self.guessed, made = set(), []
        for one in passes(graph, kept):
            busy, actors = [0.0, 0.0], {}
            for t in one.computed:
                if t in graph.leaves:
                    n = bytes_of(t)
                    actors[f"reading {t.name}"] = [n * c for c in self._of("read", ways.reads.get(t.name, ""))], _rows(t)
                    continue
                if t.rule or t.op is None:
                    continue
                for i, cost in enumerate(self._task(t)):
                    busy[i] += cost
                if t not in linked:
                    for i, cost in enumerate(self.told["hand"]):
                        busy[i] += cost * sum(bytes_of(i) for i in t.inputs)
            for t in one.saved:
                for i, cost in enumerate(self.told["spool"]["write"]):
                    busy[i] += cost * bytes_of(t if t.head else t.inputs[0])
            for t in one.again:
                actors["reading what was saved"] = [bytes_of(t) * c for c in self.told["spool"]["read"]], 1
            for i, (t, what, slab) in enumerate(ways.writes):
                if t.level == one.level:
                    slabs = max(1, ceil(t.head.slices / slab))
                    actors[f"writing {what}{chr(39) * i}"] = [bytes_of(t) * c for c in self._of("write", what)], slabs
            actors["computing"] = busy, 1
            made.append(self._sweep(actors))
        return made

    def _sweep(self, actors):
        """The slowest, or all on all threads; the first slab is read, and the last written, while nobody else works."""
        cpu = sum(costs[1] for costs, _ in actors.values()) / self.threads
        alone = {name: costs[0] for name, (costs, _) in actors.items()}
        slowest = max(alone, key=alone.get)
        fill = sum(costs[0] / parts for costs, parts in actors.values() if parts > 1)
        least = max(cpu, alone[slowest])
        return max(least, min(least + fill, sum(alone.values()))), slowest if alone[slowest] >= cpu else "all threads"

    def busy(self, task):
        """Seconds that one task works in a sweep."""
        return self._task(task)[0]

    def start(self, graph):
        """Seconds before the first block and after the last: what is imported, opened, loaded, closed."""
        kernels = {(t.op, t.inputs[0].head.dtype) for t in graph.tasks if t.op}
        start = self.told["start"]
        return start["run"] + (start["first"] + (len(kernels) - 1) * start["kernel"] if kernels else 0.0)

    def price(self, graph, kept, linked, ways):
        """Seconds of a run that saves the tasks `kept`."""
        return self.start(graph) + sum(seconds for seconds, _ in self.sweeps(graph, kept, linked, ways))


def _rows(task):
    """Rows of chunks that are read one after the other."""
    return max(1, ceil(task.head.slices / (task.head.chunks or (task.head.depth,))[0]))


def _between(points, work):
    """(seconds, of CPU) for so much work: between two that were measured, else in proportion to the nearest."""
    if work <= points[0][0] or len(points) == 1:
        scale = work / points[0][0] if len(points) == 1 else 1.0
        return [cost * scale for cost in points[0][1:]]
    for (w0, *low), (w1, *high) in zip(points, points[1:]):
        if work <= w1:
            return [a + (b - a) * (work - w0) / (w1 - w0) for a, b in zip(low, high)]
    return [cost * work / points[-1][0] for cost in points[-1][1:]]


# ------------------------------------------------------------------ where they are kept


def name_of(threads):
    """The name of the file for this version, this kind of machine and so many threads."""
    return f"sweeptools-{__version__}-costs-{platform.machine()}-{_cpu()}-{os.cpu_count()}cpu-{threads}t.json"


def _cpu():
    try:
        with open("/proc/cpuinfo") as told:
            model = next((line.partition(":")[2] for line in told if line.startswith("model name")), "")
    except OSError:
        model = platform.processor()
    return "".join(c if c.isalnum() else "-" for c in model.strip()) or "cpu"


def files(threads):
    """Where the costs may be: the file $SWEEP_COSTS alone where that is set; else beside what is compiled."""
    if os.environ.get("SWEEP_COSTS"):
        return [Path(os.environ["SWEEP_COSTS"])]
    xdg = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    folders = (os.environ.get("SWEEP_CACHE"), Path(__file__).parent / "__pycache__", xdg, os.environ.get("TMPDIR", "/tmp"))
    return [Path(folder) / name_of(threads) for folder in folders if folder]


def load(threads):
    """The Costs that were measured; None where there are none, or what is there is no such thing."""
    for file in files(threads):
        try:
            told = json.loads(file.read_text())
            if told["version"] == __version__ and told["threads"] == threads and _sound(told):
                return Costs(told)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue                                 # missing or damaged: as if nothing had been measured
    return None


def _sound(told):
    """Whether all is there, and every cost is a number that is not negative."""
    pairs = [*told["read"].values(), *told["write"].values(), *told["spool"].values(), told["hand"], told["operation"],
             told["pipe"]]  # fmt: skip
    tasks = [point for points in told["tasks"].values() for point in points]
    numbers = [*told["start"].values(), *(n for pair in (*pairs, *tasks) for n in pair)]
    known = {"write", "read"} <= set(told["spool"]) and {"run", "first", "kernel"} <= set(told["start"])
    whole = known and told["read"] and told["write"]
    shaped = all(len(p) == 2 for p in pairs) and all(told["tasks"].values()) and all(len(p) == 3 for p in tasks)
    return bool(whole) and shaped and all(isinstance(n, (int, float)) and 0 <= n < inf for n in numbers)


def save(told, threads):
    """Keep what was measured, complete or not at all; the file, or None where there is no place for it."""
    for file in files(threads):
        new = file.with_name(f".{file.name}.{os.getpid()}")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            new.write_text(json.dumps(told))
            new.replace(file)
            return file
        except OSError:                              # the next place may do
            with suppress(OSError):
                new.unlink()
    return None
