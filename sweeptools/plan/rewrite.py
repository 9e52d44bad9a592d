"""What a graph need not do: voxels that a crop drops are not read, and what undoes itself is left out. No byte changes."""

from dataclasses import replace

from ..errors import SweepError
from ..graph import Task


def simplify(pipeline, reopened):
    """Rewrite the tasks of a Pipeline in place; sentences on what was done. `reopened(name, box)` gives the Source of the
    leaf `name` that reads no more than a box, or None where it cannot be opened so."""
    said = []
    while _step(pipeline, reopened, said):
        pass
    return said


def _step(pipeline, reopened, said):
    graph = pipeline.graph
    readers = graph.readers
    for t in graph.tasks:
        if t.op is None or t.head is None:
            continue
        if t.op.undoes_itself and len(t.inputs) == 1:
            before = t.inputs[0]
            if before.op is t.op and before.params == t.params and before.inputs[0].head == t.head:
                _put(pipeline, graph, t, before.inputs[0])
                said.append(f"{t.name} after {t.name} is left out: it undoes itself")
                return True
        if t.op.name == "crop" and _moved(pipeline, graph, readers, t, reopened):
            said.append(f"{t.inputs[0].name if t.inputs[0].op is None else 'the source'} is read no further than "
                        f"crop {t.op.params['ranges'].canonical(t.params['ranges'])} keeps")  # fmt: skip
            return True
    return False


def _moved(pipeline, graph, readers, crop, reopened):
    """Whether a crop was moved before the kernels that stand between it and its source, into how that is read."""
    between, at, last = [], crop.inputs[0], crop
    while readers[at] == [last] and at not in graph.outs and at.op is not None and at.works_alone and len(at.inputs) == 1:
        between.append(at)
        at, last = at.inputs[0], at
    if at.op is not None or at.rule is not None or readers[at] != [last] or at in graph.outs:
        return False
    try:
        source = reopened(at.name, crop.params["ranges"])
    except SweepError:                               # what cannot be read in part is read whole and cropped
        return False
    if source is None:
        return False
    new = Task(None, {}, (), source.head, at.name, origin=at.origin)
    for t in reversed(between):
        head = t.op.out(new.head, {k: v for k, v in t.params.items() if not isinstance(v, Task)})
        new = replace(t, inputs=(new,), head=head.but(depth=new.head.depth))
    if _facts(new.head) != _facts(crop.head):
        return False
    _put(pipeline, graph, crop, new)
    pipeline.sources[at.name] = source
    return True


def _facts(head):
    """What is the same of a stream however it is read."""
    return replace(head, depth=1, chunks=None, history=())


def _put(pipeline, graph, old, new):
    """Let everybody who reads the task `old` read `new`."""
    for t in graph.tasks:
        t.inputs = tuple(new if i is old else i for i in t.inputs)
    for node, t in list(pipeline.made.items()):
        if t is old:
            pipeline.made[node] = new
