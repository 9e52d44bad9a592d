"""The bars: what is to be reached, what was measured, and whether it holds."""

from collections.abc import Callable
from dataclasses import dataclass

from . import memory
from .harness import OURS, PEER


@dataclass(frozen=True)
class Bar:
    """A goal for what is measured of the contests with this key; of several the worst counts."""

    text: str
    key: str
    goal: float
    of: Callable                       # (contest) -> what is measured, or None where a peer is missing
    least: bool = True                 # whether at least the goal is wanted, or at most
    form: str = "{:.3g}x"
    timed: bool = True                 # whether it is one of time

    def measured(self, contests):
        """What was measured, of several contests the worst; None where there is none."""
        found = [value for value in map(self.of, (c for c in contests if c.bar == self.key)) if value is not None]
        return (min if self.least else max)(found, default=None)

    def verdict(self, contests):
        """(text, goal, measured, holds, measured by the time of cores) in words."""
        value, goal = self.measured(contests), (">= " if self.least else "<= ") + self.form.format(self.goal)
        if value is None:
            return self.text, goal, "not measured", "-", "-"
        holds = value >= self.goal if self.least else value <= self.goal
        core = self.form.format(self.measured([c.by_core() for c in contests])) if self.timed else "-"
        return self.text, goal, self.form.format(value), "yes" if holds else "no", core


def times_peer(contest):
    return contest.times_peer()


def times_best_run(contest):
    """Against the fastest single run of any peer."""
    best = min((row.best for row in contest.of(PEER)), default=None)
    return best and best / contest.ours.seconds


def as_long_as_peer(contest):
    times = contest.times_peer()
    return times and 1 / times


def as_long_as_copy(contest):
    return contest.times_copy()


def second_way(contest):
    """How many times as long our second way takes as the first."""
    first, second, *_ = contest.of(OURS)
    return second.seconds / first.seconds


def extra(contest):
    return 100 * (second_way(contest) - 1)


def seconds(contest):
    return contest.ours.seconds


def of_peers_memory(contest):
    peer = contest.peer
    return contest.ours.memory / peer.memory if peer and peer.memory else None


COPIED = {"goal": 1.15, "of": as_long_as_copy, "least": False}
BARS = (
    Bar("Gaussian in memory, uint8, best peer", "gauss uint8", 30, times_peer),
    Bar("Gaussian in memory, uint16, best peer", "gauss uint16", 20, times_peer),
    Bar("median 3 in memory, uint8, best peer", "median 3 uint8", 200, times_peer),
    Bar("median 5 in memory, uint8, best peer", "median 5 uint8", 50, times_peer),
    Bar("erosion box 7 in memory, uint8, best peer", "box 7 uint8", 70, times_peer),
    Bar("dilation ball 3 in memory, uint8, best peer", "ball 3 uint8", 200, times_peer),
    Bar("mean 2 x 2 x 2 in memory, uint8, best peer", "2x mean uint8", 5, times_peer),
    Bar("labels in memory, blobs, cc3d", "labels blobs", 6, times_peer),
    Bar("labels in memory, white noise, cc3d", "labels white noise", 4, times_peer),
    Bar("labels in memory, few large objects, cc3d's best run", "labels few large objects", 4, times_best_run),
    Bar("region table in the labels' sweep, extra time", "regions", 15, extra, False, "{:.0f} %"),
    Bar("distance in memory, blobs, edt", "edt blobs", 6, times_peer),
    Bar("distance in memory, far corner, edt", "edt far corner", 5, times_peer),
    Bar("distance in memory, lone zeros, edt", "edt lone zeros", 4, times_peer),
    Bar("labels, Zarr to Zarr, cc3d in memory", "zarr labels", 4, times_peer),
    Bar("Gaussian, Zarr to Zarr, uint8, dask-image", "zarr gauss uint8", 5, times_peer),
    Bar("Gaussian, Zarr to Zarr, uint16, dask-image", "zarr gauss uint16", 4, times_peer),
    Bar("the same, uint8, time against a copy by zarrs", "zarr gauss uint8", **COPIED),
    Bar("the same, uint16, time against a copy by zarrs", "zarr gauss uint16", **COPIED),
    Bar("the same on a store slowed to 200 MB/s and 5 ms a file, time against bytes / bandwidth", "slow store", 1.05,
        as_long_as_copy, False),
    Bar("ten filters, time against a copy by zarrs", "ten", 2.0, as_long_as_copy, False),
    Bar("three windows, a shell pipe's time against one process", "pipe", 1.1, second_way, False),
    Bar("copies between formats, time against the fastest peer", "copy", 1.15, as_long_as_peer, False),
    Bar("TIFF slices to 8-bit OME-Zarr with levels, ngff-zarr", "first", 5, times_peer),
    Bar("the same, memory against ngff-zarr's", "first", 0.1, of_peers_memory, False, timed=False),
    Bar("start of a stage without a kernel", "start", 0.15, seconds, False, "{:.2f} s"),
    Bar("start of a stage with a kernel that was compiled before", "start kernel", 0.3, seconds, False, "{:.2f} s"),
)  # fmt: skip
GROWTH = 0.05          # of the deepest volume over one a quarter as deep: what sampling leaves uncertain


def of_memory(held):
    """The verdicts on a series of memory: the bound, and that it does not grow with depth."""
    most, mib = max(held.measured), lambda n: f"{n / 2**20:.0f} MiB"
    growth = held.measured[-1] / held.measured[-2] - 1
    slabs = f"memory above the imports, {held.name}: {memory.SLABS} slabs in and out + {memory.BESIDE / 1e6:.0f} MB"
    yield slabs, f"<= {mib(held.bound)}", mib(most), "yes" if most <= held.bound else "no", "-"
    text = f"memory, {held.name}: growth from {held.depths[-2]} to {held.depths[-1]} slices"
    yield text, f"<= {GROWTH:.0%}", f"{growth:.0%}", "yes" if growth <= GROWTH else "no", "-"


def verdicts(contests, series):
    return [bar.verdict(contests) for bar in BARS] + [line for held in series for line in of_memory(held)]
