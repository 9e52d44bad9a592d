"""What is saved for a later sweep because that costs less than to compute it again."""

from .errors import SweepError
from .machine import spell_size
from .passes import passes
from .spool import place, room, upper_bound


def choose(graph, must, sources, settings):
    """(tasks whose streams are to be saved beside those that must be, {task: why it is, or is not}).

    What several sweeps compute may be saved in the first of them, where that costs less and the disk has room; where the
    source cannot be read again, what is saved was decided before. One stream after the other is taken, the one that
    saves most first.
    """
    kept, why = set(must), {}
    best = _price(graph, kept, settings)
    while True:
        tried = []
        for task in _repeated(graph, kept, sources):
            cost = _price(graph, kept | {task}, settings)
            if cost < best and task not in why:
                tried.append((cost, graph.tasks.index(task), task))
        if not tried:
            return kept - set(must), why
        cost, _, task = min(tried)
        lacks = _lacks(kept | {task}, settings)
        told = f"{_spelt(best, settings)} to compute it again, {_spelt(cost, settings)} to save it"
        why[task] = f"{told}; {lacks}" if lacks else told
        if not lacks:
            kept.add(task)
            best = cost


def _price(graph, kept, settings):
    return settings.costs.price(graph, kept, graph.linked(kept), settings.ways)


def _repeated(graph, kept, sources):
    """The tasks with streams that more than one sweep computes, beginning with the first that could save them."""
    seen, found = set(), []
    for one in passes(graph, kept):
        for t in one.computed:
            if t in seen and t.head is not None and t not in found and not t.stores and t.op is not None:
                found.append(t)
            if t.level == one.level:
                seen.add(t)
    return [t for t in found if all(sources[leaf.name].again for leaf in graph.leaves)]


def _lacks(tasks, settings):
    """Why these streams cannot be saved; empty where they can."""
    need = sum(upper_bound(t.head) for t in tasks if t.head is not None)
    try:
        directory = place(settings.tmpdir, settings.beside)
        free = room(directory)
    except (SweepError, OSError) as error:
        return f"but {error}"
    return f"but that may take {spell_size(need)} and {directory} has {spell_size(free)} free" if need > free else ""


def _spelt(cost, settings):
    return f"{cost:.1f} s" if settings.costs.unit == "seconds" else f"{spell_size(int(cost))} of reading, saving and work"
