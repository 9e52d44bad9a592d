"""Ways to do one task, in turn on the same bytes: medians, ratios, and whether all came to the same.

A way is timed by what its call tells (`timed` for calls in this process, processes.run for whole processes), so that
this file is the arithmetic alone. In each round all ways run once, one after the other; a round before the first is not
counted: it compiles and fills caches. A way that has taken longer than the scale's patience in all takes no part in
further rounds; how often each ran is told.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

THREADS = len(os.sched_getaffinity(0))
OURS, PEER, COPY = "ours", "peer", "copy"


@dataclass(frozen=True)
class Scale:
    """How large the volumes are, and how long one may wait. Depths are slices of about a million voxels."""

    name: str
    rounds: int
    patience: float                    # seconds that one way may take in all its counted rounds
    slow: int                          # depth for tasks whose peers do a few Mvox/s
    fast: int                          # for all other tasks in memory
    stored: tuple[int, int, int]       # the volume in files
    series: tuple[int, int, int]       # the shallowest volume of the series of memory
    planes: tuple[tuple[int, int], ...]     # of volumes in memory
    dtypes: tuple[str, ...]            # of filters that all types are timed for
    narrow: tuple[int, ...]            # widths that filters are timed for too


FULL = Scale("full", 5, float("inf"), 16, 64, (256, 1000, 1013), (64, 1000, 1013), ((1024, 1024), (1000, 1013)),
             ("uint8", "uint16", "float32"), (1, 7, 63))  # fmt: skip
QUICK = Scale("quick", 3, 1.5, 4, 32, (96, 600, 607), (64, 256, 256), ((1000, 1013),), ("uint8", "uint16"), (7,))


@dataclass(frozen=True)
class Spent:
    """What one call took, and what came out."""

    seconds: float                     # of the wall
    cpu: float                         # seconds of all cores
    out: Any = None
    memory: int = 0                    # bytes, of whole processes


@dataclass(frozen=True)
class Way:
    """One way to do a task: call() -> Spent. `same(ours, its)` says how the two agree, raising Different; None where
    nothing is compared, as with a plain copy beside a filter."""

    name: str
    role: str
    call: Callable[[], Spent]
    same: Callable[[Any, Any], str] | None = None
    warm: Callable | None = None       # instead of a whole call in the round that is not counted


@dataclass(frozen=True)
class Row:
    """What one way took in all its rounds."""

    name: str
    role: str
    spent: tuple[Spent, ...]
    agrees: str = ""

    @property
    def seconds(self):
        return statistics.median(s.seconds for s in self.spent)

    @property
    def cpu(self):
        return statistics.median(s.cpu for s in self.spent)

    @property
    def best(self):
        return min(s.seconds for s in self.spent)

    @property
    def most(self):
        return max(s.seconds for s in self.spent)

    @property
    def memory(self):
        return max(s.memory for s in self.spent)


@dataclass(frozen=True)
class Contest:
    """The rows of one task, `voxels` in and `bytes` moved by a plain copy; the first of ours is the one that counts."""

    task: str
    rows: tuple[Row, ...]
    voxels: int
    bytes: int = 0
    bar: str = ""                      # the line of bars.py that this measures, if any
    missing: tuple[str, ...] = ()          # peers that are not installed

    def of(self, role):
        return [row for row in self.rows if row.role == role]

    @property
    def ours(self):
        return self.of(OURS)[0]

    @property
    def peer(self):
        """The fastest peer by its median, or None."""
        return min(self.of(PEER), key=lambda row: row.seconds, default=None)

    @property
    def copy(self):
        return next(iter(self.of(COPY)), None)

    def rate(self, row):
        """Million voxels a second."""
        return self.voxels / row.seconds / 1e6

    def rate_per_core(self, row):
        """Million voxels a second of one core's time."""
        return self.voxels / row.cpu / 1e6 if row.cpu else None

    def times_peer(self, row=None):
        """How many times as fast as the best peer."""
        return self.peer and self.peer.seconds / (row or self.ours).seconds

    def times_copy(self, row=None):
        """How many times as long as the plain copy."""
        return self.copy and (row or self.ours).seconds / self.copy.seconds

    def by_core(self):
        """The same with the time of all cores in place of the wall's: what is left of the load of others."""
        rows = (replace(row, spent=tuple(replace(s, seconds=s.cpu) for s in row.spent)) for row in self.rows)
        return replace(self, rows=tuple(rows))

    @property
    def different(self):
        return [row for row in self.rows if row.agrees.startswith("DIFFERENT")]


class Different(Exception):
    """Two ways did not come to the same."""


def timed(call, *args, **keywords):
    """Spent of a call in this process."""
    cpu, began = time.process_time(), time.perf_counter()
    out = call(*args, **keywords)
    return Spent(time.perf_counter() - began, time.process_time() - cpu, out)


def contest(task, ways, scale, voxels, bytes=0, bar="", missing=()):
    """A Contest of all ways, run in turn."""
    say(task)
    for way in ways:
        (way.warm or way.call)()
    spent = {way: [] for way in ways}
    for _ in range(scale.rounds):
        for way in ways:
            if sum(s.seconds for s in spent[way]) <= scale.patience:
                spent[way].append(way.call())
    first = ways[0]
    mine = spent[first][-1].out
    rows = []
    for way in ways:
        agrees = "" if way is first or way.same is None else agreement(way.same, mine, spent[way][-1].out)
        rows.append(Row(way.name, way.role, tuple(Spent(s.seconds, s.cpu, None, s.memory) for s in spent[way]), agrees))
    return Contest(task, tuple(rows), voxels, bytes, bar, tuple(missing))


def agreement(same, mine, its):
    try:
        return same(mine, its)
    except Different as error:
        return f"DIFFERENT: {error}"


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)
