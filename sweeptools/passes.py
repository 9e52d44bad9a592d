"""What each sweep of a run does: the streams that it computes, those that it reads of what was saved, those that it saves;
and what of all that is handed on and copied."""

from dataclasses import dataclass, field

from .graph import Task


@dataclass(eq=False)
class OneSweep:
    """One sweep."""

    level: int
    computed: list[Task] = field(default_factory=list)         # inputs first
    again: list[Task] = field(default_factory=list)            # read from what was saved
    saved: list[Task] = field(default_factory=list)


def passes(graph, kept=()):
    """The sweeps of a run of a Graph that saves the streams of the tasks `kept`: what run.py does, told before."""
    made, stored = [], set()
    for level in range(graph.sweeps):
        one = OneSweep(level)
        saved = [t for t in graph.tasks if t in kept and t.level == level] + _stores(graph, level)
        wanted = [t for t in graph.outs if t.head is not None and t.level == level]
        wanted += [t for t in graph.tasks if t.head is None and t.op and t.level == level]
        wanted += [t for t in saved if not t.stores] + [i for t in saved if t.stores for i in t.inputs]
        for t in wanted:
            _need(t, one, stored)
        one.saved = saved
        stored.update(saved)
        made.append(one)
    return made


def _stores(graph, level):
    return [t for t in graph.tasks if t.stores and t.level == level + 1]


def _need(task, one, stored):
    if task in one.computed or task in one.again:
        return
    if task in stored:
        one.again.append(task)
        return
    for i in task.inputs:
        _need(i, one, stored)
    one.computed.append(task)


def handovers(graph, kept, linked):
    """How often, over all sweeps, a stream is handed on whole from one task to the next, or to what saves it. `linked`
    are the tasks whose input never is whole: they are one pass over each block with the task before."""
    return sum(
        sum(1 for t in one.computed if t not in linked for _ in t.inputs) + len(one.saved) for one in passes(graph, kept)
    )


def copies(graph, kept):
    """How often, over all sweeps, a stream is copied on its way: into windows, put together anew, to disk and back."""
    windows = lambda t: t.op is not None and (t.op.kind == "route" or not t.is_map)  # noqa: E731
    return sum(
        sum(len(t.inputs) for t in one.computed if windows(t)) + len(one.saved) + len(one.again)
        for one in passes(graph, kept)
    )
