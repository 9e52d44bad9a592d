"""Branches of different latency: each stage in turn stands still until its reader can get no further ahead; nothing locks
up, no branch holds more than was computed for it, and the bytes are those of an undisturbed run."""

import threading
from dataclasses import replace
from functools import wraps

import numpy as np
import pytest
from harness import parsed, source

from sweeptools import flow, words
from sweeptools import run as running
from sweeptools.memory import skews
from sweeptools.ops import load
from sweeptools.run import Run, Settings
from sweeptools.spec import Node

ARRAY = np.random.default_rng(0).integers(0, 60000, (40, 9, 11), np.uint16)


class Watched:
    """Counts blocks that the reader made and those that were asked for; `still()` waits until it can make no more."""

    def __init__(self, inner, total):
        self.inner, self.total, self.made, self.taken = inner, total, 0, 0
        self.change = threading.Condition()

    def blocks(self, direction):
        for block in self.inner(direction):
            with self.change:
                self.made += 1
                self.change.notify_all()
            yield block

    def took(self):
        with self.change:
            self.taken += 1
            self.change.notify_all()

    def still(self):
        full = lambda: self.made >= min(self.total, self.taken + 2)  # noqa: E731
        with self.change:
            assert self.change.wait_for(full, 60), "the reader does not read ahead"


def step(node, name, **params):
    return node | load(name)(**parsed(load(name), params))


def prepared(depth):
    """A tee of two branches that look ahead by 4 and by 12 slices, a zip of both, and one of them as an out."""
    given = source(ARRAY, cut=depth, again=True)
    watched = Watched(given.blocks, -(-len(ARRAY) // depth))
    given.blocks = watched.blocks
    leaf = Node(head=given.head)
    near, far = step(leaf, "gauss", sigma="1"), step(step(leaf, "gauss", sigma="2"), "erode", shape="box:9,1,1")
    calc = load("calc")
    both = Node(calc, (near, far), words.parse(calc, ["f-g", "--let", "f=-", "--let", "g=-"]), "calc", names=("f", "g"))
    return Run([both, near], {"stdin": given}, Settings(threads=1, depth=depth)), watched


def held(run, watched, monkeypatch):
    """{task: the most slices that waited for the slower of its readers}, and what comes out, by task."""
    most, out, names = {}, {}, {}

    def share(blocks, count):
        task = names["task"]
        if task.op is None:
            blocks = asked(blocks, watched)
        had = [0] * count                            # slices that each of its readers has had

        def branch(i, mine):
            for block in mine:
                had[i] += block.n
                most[task] = max(most.get(task, 0), max(had) - min(had))
                yield block

        return [branch(i, mine) for i, mine in enumerate(flow.share(blocks, count))] if count > 1 else [blocks]

    def iterate(task, *rest):
        made = inner(task, *rest)
        names["task"] = task
        return made

    inner = run._iterate
    monkeypatch.setattr(running, "share", share)
    monkeypatch.setattr(run, "_iterate", iterate)
    for task, block in run.events():
        out.setdefault(task, []).append(block.array(task.head).copy())
    return most, {task: np.concatenate(blocks) for task, blocks in out.items()}


def asked(blocks, watched):
    for block in blocks:
        watched.took()
        yield block


@pytest.mark.parametrize("depth", [1, 3])
def test_each_stage_in_turn_stands_still(depth, monkeypatch):
    run, watched = prepared(depth)
    computed = skews(run.graph, 0, (), depth)
    names = [t.name for t in run.graph.tasks]
    _, expected = held(run, watched, monkeypatch)
    assert len(computed) >= 2 and len(expected) == 2
    for i, name in enumerate(names):
        run, watched = prepared(depth)
        task, calls = run.graph.tasks[i], []
        if task.op is not None:

            def fn(*given, own=task.op.fn, calls=calls, watched=watched, **known):
                if given[-2].size > 1:
                    calls.append(1)
                    watched.still()
                return own(*given, **known)

            task.op = replace(task.op, fn=wraps(task.op.fn)(fn))
        most, made = held(run, watched, monkeypatch)
        bound = {t.name: n for t, n in skews(run.graph, 0, (), depth).items()}
        assert calls or task.op is None
        assert most and {t.name for t in most} == set(bound), (name, most, bound)
        assert all(n <= bound[t.name] for t, n in most.items()), (name, {t.name: n for t, n in most.items()}, bound)
        assert all(np.array_equal(a, b) for a, b in zip(made.values(), expected.values()))
