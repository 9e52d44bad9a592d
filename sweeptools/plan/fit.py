"""The depth of blocks that a budget allows."""

from ..memory import depth_of


def depths(run):
    """Depths of blocks to try: as the run would choose them, then ever fewer slices."""
    deepest = max((depth_of(t) for t in run.graph.tasks if t.head is not None), default=1)
    return [None, *(deepest >> i for i in range(1, deepest.bit_length()))]


def fit(run, memory, io):
    """Choose the greatest depth of blocks whose memory the budget allows, and let the run in; Refused where none does.

    memory() gives the items for the depth that run.settings has."""
    room = io.memory or io.options.budget
    for depth in depths(run):
        run.settings.depth = depth
        if io.needs(memory()) <= room:
            break
    return io.admit(memory())
