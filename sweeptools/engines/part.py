"""One tile of a run that is done tile by tile, and what the reductions and scans of all tiles come to.

The graphs of tiles have the same values in the same order, whatever they trim: a value is known by its place.
"""

import numpy as np

from ..measure import resident
from ..run import Run
from ..spec import call, named


def valued(graph):
    """The tasks that give a value."""
    return [t for t in graph.tasks if t.head is None]


class Shared:
    """A Disk whose logs are each shared by all tiles, one behind the other: else every tile would have files open."""

    def __init__(self, disk):
        self.disk, self.logs, self._asked = disk, {}, (None, 0)

    @property
    def bytes(self):
        """Bytes in all files."""
        return self.disk.bytes

    def begin(self, level):
        """A tile begins a sweep: it asks for the logs that the tile before asked for."""
        self._asked = level, 0

    def log(self, dtype):
        level, place = self._asked
        if self._asked not in self.logs:
            self.logs[self._asked] = self.disk.log(dtype)
        log, self._asked = self.logs[self._asked], (level, place + 1)
        return Section(log)

    def zeros(self, shape, dtype):
        """An array of zeros on disk, of one tile alone."""
        return self.disk.zeros(shape, dtype)


class Section:
    """What one tile appends to a log; nobody else does so meanwhile."""

    def __init__(self, log):
        self._log, self._first, self._size = log, None, 0

    def __len__(self):
        return self._size

    def append(self, values):
        """Add one item, or a one-dimensional array of items."""
        if self._first is None:
            self._first = len(self._log)
        self._log.append(values)
        self._size = len(self._log) - self._first

    def array(self):
        """All items so far as a read-only array over the file."""
        return self._log.array()[self._first : self._first + self._size] if self._size else np.empty(0, self._log.dtype)


class Values:
    """Of the tasks of the whole graph: `states` of reductions, merged so far; `each`, the values of scans, and of what
    follows from them, of every tile; `results`, the values that all tiles share."""

    def __init__(self, graph, disk):
        self.tasks, self.disk, self.shared = valued(graph), disk, Shared(disk)
        self.states, self.each, self.results = {}, {t: [] for t in self.tasks}, {}
        self.done = set()                            # sweeps that all tiles have behind them

    def known(self, graph, tile):
        """{task of the graph of a tile: value} of what is known by now."""
        known = {}
        for task, own in zip(self.tasks, valued(graph), strict=True):
            if self.each[task] and (task.rule or task.level in self.done):
                known[own] = self.each[task][tile]
            elif task in self.results:
                known[own] = self.results[task]
        return known

    def take(self, graph, states, results, level):
        """What the reductions and scans of one tile came to in a sweep."""
        for task, own in zip(self.tasks, valued(graph), strict=True):
            if own in states:
                have = self.states.get(task)
                self.states[task] = states[own] if have is None else task.op.reduce.merge(have, states[own])
            elif task.op and task.level == level:
                self.each[task].append(results[own])

    def finish(self, level, tiles):
        """All tiles, which are given as (rows, columns), have been swept: what they came to together."""
        self.done |= {level}
        for task in self.tasks:
            if task.op and task.level == level:
                known = task.known(self.results)
                if task.op.kind == "reduce":
                    self.results[task] = task.op.fn(self.states.pop(task), **named(task.op.fn, known))
                else:
                    facts = {**known, "parts": self.each[task], "tiles": tiles, "disk": self.disk}
                    self.each[task] = call(task.op.scan.join, {**facts, "head": task.inputs[0].head})
            elif task.rule and task not in self.results:
                given = task.inputs[0]
                if given in self.results:
                    self.results[task] = task.rule(self.results[given])
                elif self.each[given] and given.level in self.done:
                    self.each[task] = [task.rule(value) for value in self.each[given]]
                    self.results[task] = self.each[task][0]


class Part(Run):
    """The Run of one tile, a sweep at a time."""

    def __init__(self, graph, sources, settings, values, tile=0):
        self.values, self.states = values, {}
        super().__init__(graph, sources, settings)
        self.results |= values.known(self.graph, tile)

    def sweep(self, level):
        """(task, block) of every out that is a stream of one sweep; then the Values have what the tile came to."""
        self._warm_scans()
        self._warm_joins()
        self.values.shared.begin(level)
        for task, block in self._pass(level):
            yield task, block
            del block
        self._close()
        self.values.take(self.graph, self.states, self.results, level)

    def _warm_joins(self):
        """Compile what tiles are joined with: a join of none does that."""
        before = resident()
        for t in self.values.tasks:
            if t.op and t.op.scan:
                known = {name: p for name, p in t.params.items() if name not in t.values}
                call(t.op.scan.join, {**known, "parts": [], "tiles": [], "head": t.inputs[0].head, "disk": self.values.disk})
        self.grown += max(0, resident() - before)

    def _merged(self, task, state):
        self.states[task] = state

    def _the_disk(self):
        self._disk = self.values.shared
        return self._disk
