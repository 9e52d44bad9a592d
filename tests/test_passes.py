"""What a sweep hands on and copies: voxel operations in a row are one read and one write of each block."""

from dataclasses import replace
from functools import wraps

import numpy as np
import pytest
from harness import head_of, parsed, source

from sweeptools import saving
from sweeptools.costs import Counted
from sweeptools.graph import elaborate
from sweeptools.ops import load
from sweeptools.passes import copies, handovers, passes
from sweeptools.run import Run, Settings
from sweeptools.spec import Node
from sweeptools.stages import PIECE

TEN = [("clip", {"low": "5", "high": "60000"}), ("invert", {})] * 4
TEN += [("cast", {"type": "float32"}), ("threshold", {"low": "100"})]


def chain(leaf, *steps):
    for name, params in steps:
        leaf = leaf | load(name)(**parsed(load(name), params))
    return leaf


def span(array):
    """(first byte, byte after the last) of an array in memory."""
    return np.lib.array_utils.byte_bounds(array)


def within(spans, others):
    others = list(others)
    return all(any(a <= c and d <= b for a, b in others) for c, d in spans)


@pytest.mark.parametrize("threads", [1, 2])
def test_ten_voxel_operations_are_one_read_and_one_write_of_each_block(threads):
    array = np.random.default_rng(0).integers(0, 65536, (9, 700, 301), np.uint16)
    given, calls = [], {}
    stored = source(array, cut=4, again=True)
    inner = stored.blocks

    def blocks(direction):
        for block in inner(direction):
            given.append(block)                      # kept, so that nothing else comes to lie in its memory
            yield block

    stored.blocks = blocks
    run = Run([chain(Node(head=stored.head), *TEN)], {"stdin": stored}, Settings(threads=threads))
    kernels = [t for t in run.graph.tasks if t.op]
    for i, task in enumerate(kernels):

        def fn(src, dst, box, i=i, own=task.op.fn, **known):
            if dst.size > 1:                         # one voxel: it was only compiled
                calls.setdefault(i, []).append((span(src), span(dst)))
            return own(src, dst, box, **known)

        task.op = replace(task.op, fn=wraps(task.op.fn)(fn))
    made = list(run.blocks())
    read, written = [src for src, _ in calls[0]], [dst for _, dst in calls[9]]
    assert within(read, map(span, (b.data for b in given))) and within(written, map(span, (b.data for b in made)))
    for spans, size in ((sorted(read), array.nbytes), (sorted(written), array.size)):
        assert sum(b - a for a, b in spans) == size and all(one[1] <= two[0] for one, two in zip(spans, spans[1:]))
    between = [dst for i in range(9) for _, dst in calls[i]] + [src for i in range(1, 10) for src, _ in calls[i]]
    assert len(between) == 18 * len(read) and all(b - a <= PIECE for a, b in between)
    assert len({a for a, _ in between}) <= 2 * threads, "what lies between two of them stays in the cache"
    assert handovers(run.graph, run.kept, run.linked) == 1 and copies(run.graph, run.kept) == 0
    expected = array
    for _ in range(4):
        expected = 65535 - expected.clip(5, 60000)
    assert np.array_equal(np.concatenate([block.data for block in made]), expected >= 100)


def test_each_sweep_is_told_before():
    leaf = Node(head=head_of(np.zeros((9, 8, 7), np.uint16)))
    smooth = chain(leaf, ("gauss", {"sigma": "1"}))
    graph = elaborate(smooth | load("otsu")())
    task = {t.name: t for t in graph.tasks}
    first, second = passes(graph)
    assert [t.name for t in first.computed] == ["stdin", "plane", "depth", "tally"]
    assert [t.name for t in second.computed] == ["stdin", "plane", "depth", "above"]
    assert (handovers(graph, (), {}), copies(graph, ())) == (6, 4)
    first, second = passes(graph, {task["depth"]})
    assert first.saved == second.again == [task["depth"]] and second.computed == [task["above"]]
    assert (handovers(graph, {task["depth"]}, {}), copies(graph, {task["depth"]})) == (5, 4)


class Told:
    """Costs of so much for each sweep in which a task is computed, and for each that is saved."""

    unit = "seconds"

    def __init__(self, computing, saving):
        self.computing, self.saving = computing, saving

    def price(self, graph, kept, linked, ways):
        each = [self.computing.get(t.name, 0) for one in passes(graph, kept) for t in one.computed]
        return float(sum(each) + self.saving * sum(len(one.saved) for one in passes(graph, kept)))


def smoothed(costs, tmpdir=None, again=True):
    """(the Run of a smoothing whose threshold is found in a first sweep, the task that smooths, the array)."""
    array = np.random.default_rng(1).integers(0, 65536, (20, 16, 18), np.uint16)
    given = source(array, cut=4, again=again)
    node = chain(Node(head=given.head), ("gauss", {"sigma": "1"})) | load("otsu")()
    run = Run([node], {"stdin": given}, Settings(threads=1, costs=costs, tmpdir=tmpdir))
    return run, next(t for t in run.graph.tasks if t.name == "depth")


def result(run):
    return np.concatenate([block.data for block in run.blocks()])


def test_a_later_sweep_reads_what_was_saved_where_that_costs_less_and_gives_the_same_bytes(tmp_path):
    run, smooth = smoothed(None)
    expected = result(run)
    assert run.kept == set() and not run.why
    run, smooth = smoothed(Told({"plane": 5.0, "depth": 4.0}, 8.0), str(tmp_path))
    assert run.kept == {smooth} and run.why == {smooth: "18.0 s to compute it again, 17.0 s to save it"}
    assert np.array_equal(result(run), expected) and run.report()["spool_bytes"] > 0
    run, smooth = smoothed(Told({"plane": 5.0, "depth": 4.0}, 9.0), str(tmp_path))
    assert run.kept == set() and run.why == {}, "it costs as much"
    assert np.array_equal(result(run), expected) and run.report()["spool_bytes"] == 0
    run, smooth = smoothed(Told({"plane": 5.0, "depth": 4.0}, 90.0), str(tmp_path), again=False)
    assert len(run.kept) == 1 and run.why == {}, "what cannot be read again is saved whatever it costs"


def test_what_the_disk_has_no_room_for_is_computed_again(tmp_path, monkeypatch):
    told = Told({"plane": 5.0, "depth": 4.0}, 1.0)
    monkeypatch.setattr(saving, "room", lambda path: 1000)
    run, smooth = smoothed(told, str(tmp_path))
    assert run.kept == set() and "18.0 s to compute it again, 10.0 s to save it; but that may take" in run.why[smooth]
    result(run)
    run, smooth = smoothed(told, str(tmp_path / "none"))
    assert run.kept == set() and "does not exist" in run.why[smooth]
    result(run)


def test_what_was_not_measured_is_saved_only_where_it_is_much_work():
    counted = smoothed(Counted())[0]
    assert counted.kept == set() and counted.why == {}, "a Gaussian is soon computed again"
    array = np.zeros((20, 16, 18), np.uint16)
    node = chain(Node(head=head_of(array)), ("bilateral", {"space": "2", "value": "50"})) | load("otsu")()
    run = Run([node], {"stdin": source(array, again=True)}, Settings(costs=Counted()))
    assert [t.name for t in run.kept] == ["bilateral"]
