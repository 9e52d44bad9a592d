"""What an operation says about itself: Head, Block, and the record Op that `@op` makes of a declaration.

One function with its facts is an operation; its kind follows from what stands before its keyword-only parameters:

  (src, ..., dst, box)   a kernel: writes `box` of `dst` from whole padded buffers (`voxel` where nothing is padded)
  (stdin, ...)           a graph: returns smaller operations joined with `|`
  (state)                a reduction or a scan (`reduce=`, `scan=`): the value that its state comes to
  (streams, work)        a route: an iterator of blocks made of the iterators of its inputs; `work` is a stages.Work
  (head, out, disk, pool)   a store: gives what a stream with `head` is written into in one sweep, and read from, as a
                         stream with the head `out`, in the next: write(block), finish(), blocks(direction)
  ()                     a source, a sink or a tool: declared in ops/, done in tools/ by the file of the same name
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import FunctionType
from typing import Any

import numpy as np

from .errors import Corrupt, Refused, UsageError
from .params import MODES, Choice, Dtype, Param, Value, Volume, Volumes

WHOLE = ((0, 0), (0, 0), (0, 0))


@dataclass(frozen=True)
class Head:
    """What a stream is, before any voxel moves. Triples are in the order of the stream's axes, the swept one first."""

    whole: tuple[int, int, int]                    # voxels of the whole volume
    dtype: np.dtype
    box: tuple[tuple[int, int], ...] = ()          # what of it passes here, halo included; () is all of it
    halo: tuple[tuple[int, int], ...] = WHOLE      # voxels at each side of box that are present and to be dropped
    components: tuple[str, ...] = ()               # names, where a voxel is a vector
    sweep: str = "up"                              # or "down": blocks come with falling z, slices within a block rise
    axes: tuple[str, str, str] = ("z", "y", "x")   # names
    order: tuple[int, int, int] = (0, 1, 2)        # the volume's axis that each axis of the stream is
    spacing: tuple[float | None, ...] | None = None
    unit: str | None = None                        # of spacing and origin: a UDUNITS name
    origin: tuple[float, float, float] = (0.0, 0.0, 0.0)   # where voxel 0,0,0 of the whole has its centre
    chunks: tuple[int, int, int] | None = None     # how the source is stored
    nodata: float | int | None = None
    role: str = "image"                            # or "labels", "mask": decides codec, pyramid and preview
    depth: int = 1                                 # the most slices a block has
    history: tuple[Mapping[str, Any], ...] = ()    # what decided the voxels: one entry a command
    peaks: tuple[tuple[str, int], ...] = ()        # (stage, declared peak in bytes) of the stages so far
    budget: int | None = None                      # bytes granted to the whole pipeline
    meta: Mapping[str, Any] = field(default_factory=dict)    # passed through: OME's, a format's own
    extra: Mapping[str, Any] = field(default_factory=dict)   # optional keys of a later version, passed on unread

    def __post_init__(self):
        object.__setattr__(self, "dtype", np.dtype(self.dtype))
        object.__setattr__(self, "box", self.box or tuple((0, n) for n in self.whole))

    def but(self, **changes):
        """The same head with some facts changed; a new whole has a new box unless one is given."""
        if "whole" in changes:
            changes.setdefault("box", ())
        return replace(self, **changes)

    def told(self, found):
        """The history with what was found during the sweep: `found` is the end mark's."""
        entries = [dict(entry) for entry in self.history]
        for facts in found:
            if type(facts.get("at")) is not int or not 0 <= facts["at"] < len(entries):
                raise Corrupt(f"the stream's end tells of a command {facts.get('at')} that its history does not have")
            entries[facts["at"]]["found"] = {name: value for name, value in facts.items() if name != "at"}
        return entries

    @property
    def shape(self):
        """Voxels along z, y, x that pass here."""
        return tuple(b - a for a, b in self.box)

    @property
    def first(self):
        """Index in the whole of the first slice that passes here."""
        return self.box[0][0]

    @property
    def slices(self):
        """Number of slices that pass here."""
        return self.box[0][1] - self.box[0][0]

    @property
    def slice_shape(self):
        """Shape of one slice: (y, x), or (y, x, c) where voxels have components."""
        return self.shape[1:] + ((len(self.components),) if self.components else ())

    @property
    def slice_bytes(self):
        return int(np.prod(self.slice_shape, dtype=object)) * self.dtype.itemsize

    @property
    def block_bytes(self):
        """Of the deepest block."""
        return min(self.depth, self.slices) * self.slice_bytes

    @property
    def is_part(self):
        """Whether this is a part of the volume and not all of it."""
        return self.box != tuple((0, n) for n in self.whole)


@dataclass(frozen=True, eq=False)
class Block:
    """Slices z to z + n of the whole: `data` [n, y, x(, c)], C-contiguous; or None and every voxel is `fill`."""

    z: int
    n: int
    data: np.ndarray | None = None
    fill: Any = None

    def array(self, head):
        """The voxels, read-only where they are all `fill`."""
        if self.data is not None:
            return self.data
        return np.broadcast_to(np.asarray(self.fill, head.dtype), (self.n, *head.slice_shape))

    def part(self, z0, z1):
        """Slices z0 to z1 of the whole, without a copy."""
        data = None if self.data is None else self.data[z0 - self.z : z1 - self.z]
        return Block(z0, z1 - z0, data, self.fill)


@dataclass(eq=False)
class Source:
    """Something that gives a stream: a volume, a pipe, a generator.

    `blocks(direction)` begins a sweep, "up" or "down"; `again` says whether it can be called more than once and in
    either direction. `end` is filled when a sweep has ended well: what the end mark or the file says of the whole
    (found: history entries, reports: the parts of earlier stages). `stats` counts what was read.
    """

    head: Head
    blocks: Callable
    again: bool = False
    name: str = "stdin"
    end: dict = field(default_factory=dict)
    stats: dict = field(default_factory=dict)      # bytes, chunks, chunks_total
    memory: tuple[tuple[str, int], ...] = ()       # (what, bytes) held while reading
    least: tuple[str, int] = ("", 0)               # (what, bytes) that is read at once, however little is asked for
    close: Callable = lambda: None
    said: tuple[str, ...] = ()                     # warnings, of what was passed over
    encoded: object = None                         # where its voxels are stored, see volumes/zarrpass.py
    some: Callable | None = None                   # as blocks, (direction, slices): no more than those are in, where it can


@dataclass(frozen=True)
class Reach:
    """What an output index takes of an input along one axis: from start + i * stride - below, for
    below + size + above voxels. A halo is Reach(r, r); every second voxel is Reach(stride=2)."""

    below: int = 0
    above: int = 0
    start: int = 0
    stride: int = 1
    size: int = 1


@dataclass(frozen=True)
class Sweep:
    """One pass over the stream: its kind (window, scan, reduce) and its direction (up, down, any)."""

    kind: str
    direction: str = "any"


@dataclass(frozen=True)
class Reduce:
    """A value of the whole stream, from states that merge in any order; every state is a flat dict of arrays and ints.

    start(head, **params) -> state; add(state, src, box, z, **params): one box of a block whose first slice is z;
    merge(state, other) -> state. A state that may outgrow the memory is given a `disk` (spool.Disk) at its start.
    """

    start: Callable
    add: Callable
    merge: Callable

    @property
    def spills(self):
        """Whether its state may lie on disk."""
        return "disk" in inspect.signature(self.start).parameters


@dataclass(frozen=True)
class Scan:
    """State carried from slice to slice in stream order; a flat dict of arrays, ints and logs (see spool.Log).

    start(head, disk, **params) -> state; step(state, src, dst, z, **params): one block whose first slice is z
    (dst is None where the scan gives a value); end(state) may check that the stream was what it was told.
    tiles: whether it can scan a part of each slice; join(parts, tiles, head, disk, **params) -> the values that take the
    place of those of the parts, of which tiles has (rows, columns); without parts it only compiles what it calls.
    """

    start: Callable
    step: Callable
    end: Callable | None = None
    tiles: bool = False
    join: Callable | None = None


EXTENTS = ("halo", "line", "slice", "volume")


@dataclass(frozen=True, eq=False)
class Op:
    """The record of one operation. Facts that depend on parameters are functions, called with the parameters and
    `head` they name; see `tell`."""

    name: str
    summary: str
    doc: str
    fn: Callable
    kind: str                          # kernel, graph, route, store, reduce, scan, source, sink, tool
    params: Mapping[str, Param]
    defaults: Mapping[str, Any]
    inputs: tuple[str, ...]            # stdin first; then the named ones, each a parameter of type Volume
    output: str                        # stream, value, table, or none
    examples: tuple[str, ...]
    task: str                          # the heading it stands under in sweep(1)
    extent: str
    direction: str
    edges: bool                        # has an edge mode: the windows
    casts: bool                        # the kernel itself writes any type that --dtype asks for
    reach: Callable | Mapping[str, Callable] | None    # -> (Reach z, y, x) for all inputs, or by input
    head: Callable | None              # (head, **params) -> head, after dtype and role
    dtype: str | Callable | None
    role: str | None
    scratch: Callable | None           # (head, depth, **params) -> {name: (shape, dtype)}, one set per thread
    memory: Callable | None            # (head, depth, **params) -> bytes held beside windows, blocks and scratch
    work: float | Callable             # operations per voxel
    reduce: Reduce | None
    scan: Scan | None
    tells: tuple[str, ...]             # found values that are always told on stderr
    foreign: bool                      # runs code of the user's, which may hold the interpreter
    turns: bool                        # a route that takes falling slices where it gives rising ones
    undoes_itself: bool                # twice, with the same parameters, it gives back what came
    some: Callable | None              # (head, **params) -> slices of the whole that it looks at, rising; None for all

    @property
    def keywords(self):
        """Names of the keyword parameters that the function itself takes."""
        return set(parameters(self.fn)[1])

    def __call__(self, *inputs, **params):
        """A step of a graph: `stdin | gauss(sigma=...)`, further inputs by position."""
        return Step(self, inputs, params)

    def tell(self, fact, **known):
        """The value of a fact: itself, or what its function says of the known values that it names."""
        return call(fact, known) if callable(fact) else fact

    def bind(self, params, head):
        """All parameters with their defaults, as the kernels want them for a stream with this head."""
        full = {**self.defaults, **params}
        unknown = set(full) - set(self.params)
        if unknown:
            raise UsageError(f"unknown parameter {', '.join(sorted(unknown))}")
        return {
            name: value if value is None or isinstance(value, Node) else self.params[name].bind(value, head)
            for name, value in full.items()
        }

    def reaches(self, head, bound):
        """{input: (Reach, Reach, Reach)}."""
        known = {**bound, "head": head}
        if isinstance(self.reach, Mapping):
            return {name: _reaches(self.tell(self.reach.get(name), **known)) for name in self.inputs}
        told = _reaches(self.tell(self.reach, **known))
        return {name: told for name in self.inputs}

    def out(self, head, bound):
        """The head of the output for this head of stdin: declared before any voxel moves."""
        known = {**bound, "head": head}
        dtype = self.tell(self.dtype, **known) or head.dtype
        if bound.get("dtype") and self.casts:
            dtype = bound["dtype"]
        new = head.but(dtype=dtype, role=self.role or head.role)
        return self.tell(self.head, **{**known, "head": new}) if self.head else new

    def canonical(self, params):
        """Parameters in canonical form, for the history."""
        hidden = ("threads", "memory", "tmpdir", "out", "pass", "plot")
        return {
            name: self.params[name].canonical(value)
            for name, value in sorted(params.items())
            if name in self.params and name not in hidden and value != self.defaults.get(name)
        }


def parameters(fn):
    """(names, names of keywords only) of what a function takes."""
    if isinstance(fn, FunctionType) and not hasattr(fn, "__wrapped__"):        # asked for every block: no Signature is made
        code = fn.__code__
        first, n = code.co_argcount, code.co_argcount + code.co_kwonlyargcount
        return code.co_varnames[:n], code.co_varnames[first:n]
    told = inspect.signature(fn).parameters.values()
    return tuple(p.name for p in told), tuple(p.name for p in told if p.kind is p.KEYWORD_ONLY)


def call(fn, known):
    """Call `fn` with those of the known values that its parameters name."""
    return fn(**{name: known[name] for name in parameters(fn)[0] if name in known})


def named(fn, known):
    """Those of the known values that a function names as keywords."""
    return {name: known[name] for name in parameters(fn)[1] if name in known}


def _reaches(told):
    """Three reaches from what a record says: None, radii, (below, above) pairs, or Reach itself."""
    if told is None:
        return (Reach(),) * 3
    one = lambda r: r if isinstance(r, Reach) else Reach(*r) if isinstance(r, tuple) else Reach(r, r)  # noqa: E731
    return tuple(one(r) for r in told)


# ------------------------------------------------------------------ graphs


@dataclass(frozen=True, eq=False)
class Node:
    """A place in a graph: an input (op None), the output of an operation, or a value computed from values (rule).

    `a | step` feeds a to a step; parameters may be nodes that give a value; `node.then(rule)` makes such a value.
    `found` names a value for the history and the report.
    """

    op: Op | None = None
    inputs: tuple["Node", ...] = ()
    params: Mapping[str, Any] = field(default_factory=dict)
    name: str = "stdin"
    head: Head | None = None           # of an input
    rule: Callable | None = None
    found: str = ""
    names: tuple[str, ...] = ()        # of the inputs, where a kernel takes them by name

    def __or__(self, step):
        return Node(step.op, (self, *step.inputs), step.params, step.op.name)

    def then(self, rule, found=""):
        """The value rule(value of this node)."""
        return Node(None, (self,), {}, found or "rule", None, rule, found)


@dataclass(frozen=True, eq=False)
class Step:
    """An operation with its parameters and further inputs, waiting for its stdin."""

    op: Op
    inputs: tuple[Node, ...]
    params: Mapping[str, Any]


# ------------------------------------------------------------------ the decorator


def op(
    summary, *, examples=(), task="", kind=None, output=None, extent=None, direction="any", edges=False, casts=False,
    halo=None, reach=None, head=None, dtype=None, role=None, scratch=None, memory=None, work=1.0, reduce=None,
    scan=None, tells=(), foreign=False, turns=False, undoes_itself=False, some=None,
):  # fmt: skip
    """Make an Op of the function below. `halo(**params)` gives radii, or (below, above) pairs, along z, y, x."""

    def declare(fn):
        first, params, defaults = [], {}, {}
        for p in inspect.signature(fn).parameters.values():
            if p.kind is not p.KEYWORD_ONLY:
                first.append(p.name)
                continue
            if p.annotation is p.empty:              # mode, cval, dtype: shared options that the function wants to see
                continue
            params[p.name] = p.annotation
            p.annotation.name = p.name
            if p.default is not p.empty:
                defaults[p.name] = p.default
        what = kind or _kind(first, reduce, scan)
        if edges:
            params["mode"] = Choice("what lies beyond the volume", *MODES)
            params["cval"] = Value("what lies beyond it in mode constant")
            defaults |= {"mode": "reflect", "cval": 0}
        named = tuple(n for n, p in params.items() if isinstance(p, (Volume, Volumes)))
        gives = output or {"source": "stream", "sink": "none", "tool": "none", "reduce": "value"}.get(what, "stream")
        if gives == "stream" and what in ("kernel", "graph") and "dtype" not in params:
            params["dtype"] = Dtype("type of the result, instead of the filter's own")
            defaults["dtype"] = None
        for name, param in params.items():
            param.name = name
        return Op(
            name=fn.__name__.strip("_").replace("_", "-"), summary=summary, doc=inspect.getdoc(fn) or "", fn=fn, kind=what,
            params=params, defaults=defaults, inputs=() if what == "source" else ("stdin", *named), output=gives,
            examples=tuple(examples), task=task,
            extent=extent or {"kernel": "halo", "reduce": "halo", "graph": "halo"}.get(what, "volume"),
            direction=direction, edges=edges, casts=casts, reach=halo or reach, head=head, dtype=dtype, role=role,
            scratch=scratch, memory=memory, work=work, reduce=reduce, scan=scan, tells=tells, foreign=foreign,
            turns=turns, undoes_itself=undoes_itself, some=some,
        )  # fmt: skip

    return declare


def _kind(first, reduce, scan):
    if reduce or scan:
        return "reduce" if reduce else "scan"
    if first in (["streams", "work"], ["head", "out", "disk", "pool"]):
        return "route" if len(first) == 2 else "store"
    return "kernel" if first[-2:] == ["dst", "box"] else "graph" if first else "tool"


def shrink(head, reaches, dst):
    """The head `dst` of an output with its box and halo, where the input `head` may be a part of the volume.

    At the volume's own borders the window is padded; at a cut it eats of the halo, and what is left is handed on.
    """
    if not head.is_part:
        return dst
    box, halo = [], []
    for (lo, hi), n, (a, b), r in zip(head.box, head.whole, head.halo, reaches):
        if r.start or r.stride != 1 or r.size != 1:
            raise Refused("a part of a volume cannot change its geometry")
        below, above = (r.below if lo > 0 else 0), (r.above if hi < n else 0)
        if below > a or above > b:
            raise Refused(f"the part of the volume has a halo of {(a, b)} voxels, {(below, above)} are needed")
        box.append((lo + below, hi - above))
        halo.append((a - below, b - above))
    return replace(dst, box=tuple(box), halo=tuple(halo))
