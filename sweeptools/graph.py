"""An operation on streams with known heads -> the smallest operations, each with the head that comes out of it.

Composite operations are replaced by their graphs, parameters are bound, `--dtype` becomes a cast where the kernel
cannot write the type itself, and every task gets its level: the number of the sweep in which it can run.
"""

from dataclasses import dataclass, field
from typing import Any

from .errors import UsageError
from .ops import load
from .spec import EXTENTS, WHOLE, Head, Node, Op, Reach, shrink


@dataclass(eq=False)
class Task:
    """A node of the elaborated graph; its output is a stream with `head`, or a value where `head` is None."""

    op: Op | None
    params: dict[str, Any]
    inputs: tuple["Task", ...]
    head: Head | None
    name: str
    level: int = 0
    rule: Any = None
    found: str = ""
    reaches: tuple[tuple[Reach, Reach, Reach], ...] = ()     # of each input
    names: tuple[str, ...] = ()                              # of the inputs, for kernels that take them by name
    origin: Node | None = None                               # the node as it was asked for that came to this task

    floor: int = 0                                           # the first sweep that has room for it

    def __post_init__(self):
        given = [i.bound for i in self.inputs]
        own = "any" if self.op is None else self.op.direction
        wanted = {own, *given} - {"any"} if own == "any" else {b for b in given if b != "any"} | {self.input_way(own)}
        self.opposed = len(wanted) > 1                       # its inputs come another way than it, or than each other
        saved = self.wraps or self.stores or self.opposed
        self.bound = own if own != "any" else "any" if saved or not wanted else self.input_way(*wanted)
        self.settle()

    def settle(self):
        """Find the first sweep in which all that it needs is there."""
        waits = self.wraps or self.stores or self.opposed
        ready = [i.level + waits for i in self.inputs] + [v.level + 1 for v in self.values.values()]
        self.level = max([self.floor, *ready])

    @property
    def wraps(self):
        """Whether the last slices are needed beside the first: another sweep over what was saved."""
        return self.params.get("mode") == "wrap" and any(r[0].below or r[0].above for r in self.reaches)

    @property
    def stores(self):
        """Whether its input is written away in one sweep and its output read from there in the next."""
        return self.op is not None and self.op.kind == "store"

    @property
    def turned(self):
        """Whether its slices rise where those of the first input of all fall."""
        return bool(self.inputs) and self.inputs[0].turned != (self.op is not None and self.op.turns)

    def input_way(self, way):
        """Which way its inputs go where it goes this way."""
        return opposite(way) if self.op is not None and self.op.turns else way

    @property
    def values(self):
        """{parameter: task that gives its value}."""
        return {name: p for name, p in self.params.items() if isinstance(p, Task)}

    @property
    def is_map(self):
        """Whether each voxel depends on just its own in every input."""
        if self.op.kind != "kernel":
            return True
        return self.head.whole == self.inputs[0].head.whole and all(r == Reach() for rs in self.reaches for r in rs)

    @property
    def works_alone(self):
        """Whether it is a kernel of ours on each voxel by itself: such kernels can follow each other in the cache."""
        ours = self.op is not None and self.op.kind == "kernel" and not self.op.foreign
        return ours and self.is_map and self.op.extent == "halo"

    def known(self, results):
        """The parameters with the values that are known by now."""
        return {name: results[p] if isinstance(p, Task) else p for name, p in self.params.items()}


@dataclass(eq=False)
class Graph:
    """The tasks of a run: inputs first, each after those it needs; `outs` are what is asked for."""

    outs: tuple[Task, ...]
    tasks: list[Task] = field(default_factory=list)

    @property
    def leaves(self):
        return [t for t in self.tasks if t.op is None and t.rule is None]

    @property
    def sweeps(self):
        """How often the stream is passed over."""
        return 1 + max((t.level for t in self.tasks), default=0)

    @property
    def readers(self):
        """{task: tasks that read its stream}."""
        found = {t: [] for t in self.tasks}
        for t in self.tasks:
            for i in t.inputs:
                found[i].append(t)
        return found

    def linked(self, kept=()):
        """{task: its input} where both work voxel by voxel and nobody else reads what is between them, nor is it kept:
        they are one pass over a block."""
        readers, found = self.readers, {}
        for t in self.tasks:
            if t.works_alone and len(t.inputs) == 1:
                (before,) = t.inputs
                if before.works_alone and readers[before] == [t] and before not in self.outs and before not in kept:
                    found[t] = before
        return found

    @property
    def edges(self):
        """(task, reader) of all streams that are handed on."""
        return [(i, t) for t in self.tasks for i in t.inputs if i.head is not None]

    def needed_in(self, task):
        """The sweeps in which the stream of a task is needed."""
        if task.head is None:
            return {task.level}
        later = set()
        for reader in self.readers[task]:
            later |= {reader.level - 1} if reader.stores else {n for n in self.needed_in(reader) if n >= reader.level}
        return later | ({task.level} if task in self.outs else set())

    def direction(self, level):
        """Which way the first input must go in the sweep `level`: up, down or any."""
        bound = [t for t in self.tasks if t.op and t.level == level and t.op.direction != "any"]
        wanted = {opposite(t.op.direction) if t.turned else t.op.direction for t in bound}
        if len(wanted) > 1:
            raise UsageError("one sweep cannot go both up and down")
        return wanted.pop() if wanted else "any"

    @property
    def extent(self):
        """How much of the volume an output voxel depends on: halo, line, slice or volume."""
        if any(t.values or t.head is None for t in self.tasks):
            return "volume"
        return max((t.op.extent for t in self.tasks if t.op), key=EXTENTS.index, default="halo")

    @property
    def halo(self):
        """((below, above) z, y, x): what an output voxel needs of the input in all, through the whole graph."""
        return halo_of(self.tasks, self.outs)


def halo_of(tasks, outs):
    """((below, above) z, y, x): what a voxel of the outs needs of what comes into these tasks."""
    most = {}
    for t in tasks:
        sums = [
            tuple((a + r.below, b + r.above) for (a, b), r in zip(most.get(i, WHOLE), reach))
            for i, reach in zip(t.inputs, t.reaches or [(Reach(),) * 3] * len(t.inputs))
        ]
        sums += [most.get(v, WHOLE) for v in t.values.values()]
        most[t] = tuple((max(s[k][0] for s in sums), max(s[k][1] for s in sums)) for k in range(3)) if sums else WHOLE
    return tuple(tuple(max((most[o][k][side] for o in outs), default=0) for side in (0, 1)) for k in range(3))


def opposite(way):
    return "down" if way == "up" else "up"


def elaborate(*outs):
    """The Graph of nodes whose inputs have heads."""
    made = {}
    return graph_of(task_of(node, made) for node in outs)


def task_of(node, made):
    """The Task of a node whose inputs have heads; `made` holds those of the nodes met so far."""
    return _elaborate(node, made, node)


def what_is_found(graph):
    """The part of a graph that comes to the values which have a name."""
    return graph_of(t for t in graph.tasks if t.found)


def graph_of(outs):
    """The Graph of tasks that are asked for."""
    outs = tuple(dict.fromkeys(outs))
    return _settled(Graph(outs, list(dict.fromkeys(t for out in outs for t in _with_inputs(out)))))


def _settled(graph):
    """The graph with tasks that must go another way than the first of their sweep put off to the next."""
    level = 0
    while level < graph.sweeps:
        ways = {}
        for t in graph.tasks:
            if t.op and t.level == level and t.op.direction != "any":
                ways.setdefault(opposite(t.op.direction) if t.turned else t.op.direction, []).append(t)
        for others in list(ways.values())[1:]:
            for t in others:
                t.floor = level + 1
        for t in graph.tasks:
            t.settle()
        level += len(ways) < 2
    return graph


def _with_inputs(task):
    for needed in (*task.inputs, *task.values.values()):
        yield from _with_inputs(needed)
    yield task


def _elaborate(node, made, origin):
    if node not in made:
        inputs = tuple(_elaborate(i, made, origin) for i in node.inputs)
        if node.op is None:
            head = None if node.rule else node.head
            made[node] = Task(None, {}, inputs, head, node.name, 0, node.rule, node.found, origin=origin)
        elif any(i.head is None for i in inputs):
            raise UsageError(f"{node.op.name} needs streams, not values")
        else:
            made[node] = _operation(node, inputs, made, origin)
    return made[node]


def trimmed(task, box):
    """The task itself, or one that gives of its part of a volume no more than a box, in voxels of the whole."""
    if task.head.box == box:
        return task
    from .ops._trim import trim

    halo = tuple((a - (new[0] - old[0]), b - (old[1] - new[1]))
                 for (a, b), old, new in zip(task.head.halo, task.head.box, box))  # fmt: skip
    head = task.head.but(box=box, halo=halo)
    return Task(trim, {"box": box}, (task,), head, task.name, reaches=((Reach(),) * 3,), origin=task.origin)


def without_halo(task):
    """The task itself, or one that gives of its part of a volume what is no halo."""
    return trimmed(task, tuple((lo + a, hi - b) for (lo, hi), (a, b) in zip(task.head.box, task.head.halo)))


def _met(inputs):
    """Parts of volumes of one shape, each without what another has not: kernels that look far use up more of the halo."""
    if len({i.head.whole for i in inputs}) > 1 or len({i.head.box for i in inputs}) == 1:
        return inputs
    box = tuple((max(a for a, _ in spans), min(b for _, b in spans)) for spans in zip(*(i.head.box for i in inputs)))
    return tuple(trimmed(i, box) for i in inputs)


def _operation(node, inputs, made, origin):
    op, head = node.op, inputs[0].head
    if op.kind not in ("graph", "route") and len(inputs) > 1:
        inputs = _met(inputs)
        head = inputs[0].head
    if op.kind in ("reduce", "scan"):                # a voxel is counted, and numbered, in one part only
        inputs = tuple(without_halo(i) for i in inputs)
        head = inputs[0].head
    for other in inputs[1:]:
        if other.head.shape != head.shape and op.kind not in ("graph", "route"):
            one, two = (" x ".join(map(str, h.shape)) for h in (other.head, head))
            raise UsageError(f"{other.name} is {one} voxels, the stream {two}: they must be equal")
    bound = op.bind(node.params, head)
    wanted = None if op.casts or "dtype" in op.keywords else bound.pop("dtype", None)
    if op.kind == "graph":
        leaves = [Node(head=i.head, name=i.name) for i in inputs]
        made |= dict(zip(leaves, inputs))
        task = _elaborate(op.fn(*leaves, **{k: v for k, v in bound.items() if k in op.keywords}), made, origin)
    else:
        params = {k: _elaborate(v, made, origin) if isinstance(v, Node) else v for k, v in bound.items()}
        each = op.reaches(head, {k: v for k, v in params.items() if not isinstance(v, Task)})
        reaches = tuple(each.get(name, each["stdin"]) for name in (*op.inputs, *(["stdin"] * len(inputs)))[: len(inputs)])
        known = {**params, "heads": tuple(i.head for i in inputs)}
        gives = shrink(head, reaches[0], op.out(head, known)) if op.output == "stream" else None
        task = Task(op, params, inputs, gives, op.name, reaches=reaches, names=node.names, origin=origin)
    if wanted and task.head is not None and task.head.dtype != wanted:
        leaf = Node(head=task.head, name=task.name)
        made[leaf] = task
        task = _elaborate(leaf | load("cast")(type=wanted), made, origin)
    return task
