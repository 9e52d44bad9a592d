"""The commands of a pipeline -> one graph: streams that several branches begin with are one, however often they are named.

`Builder(...).pipeline(text)` gives a Pipeline. How a source is opened is told from outside: this room reads no volume.
"""

import os
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from .. import ops, words
from ..errors import SweepError, UsageError
from ..graph import graph_of, task_of
from ..params import Address, Volume, Volumes
from ..spec import Node, Op, Source
from .history import entry
from .inputs import inputs_of
from .rewrite import simplify
from .shell import commands, within

NOT_SHARED = ("out", "pass_", "json", "report", "quiet", "verbose", "no_history")   # shared options a stage keeps


@dataclass(eq=False)
class Stage:
    """One command of the pipeline as it was written."""

    op: Op
    params: dict[str, Any]
    given: dict[str, Any]              # shared options, as they were said
    text: str = ""
    node: Node | None = None           # the stream or value that it gives


@dataclass(eq=False)
class Flow:
    """A stream between two commands."""

    node: Node
    history: tuple = ()
    finders: tuple = ()                # (place in the history, node) of the commands that may find something


@dataclass(eq=False)
class End:
    """Where a stream, an answer or what was found goes."""

    stage: Stage
    kind: str                          # sink, tool, answer, found, stream
    flow: Flow | None
    node: Node | None = None           # what gives the answer
    streams: dict[str, Flow] = field(default_factory=dict)     # further streams that a tool reads, by their address
    branch: str = ""                   # the pipeline of a branch that it ends


@dataclass(eq=False)
class Pipeline:
    """All of a pipeline: its commands, its ends, and the sources of its leaves by name."""

    text: str
    stages: list[Stage]
    ends: list[End]
    sources: dict[str, Source]
    made: dict                         # node -> task
    said: list[str] = field(default_factory=list)      # what was decided while it was built, and why
    opened: dict[str, tuple] = field(default_factory=dict)     # source's name -> (op, parameters) that it was opened with
    rewritten: bool = False            # whether the graph does less than its nodes say

    @property
    def graph(self):
        """What is to be computed."""
        wanted = [node for end in self.ends for node in self.reads(end)]
        wanted += [t for end in self.ends if end.kind == "found" for t in self.finds(end.stage.node)]
        return graph_of(node if node not in self.made else self.made[node] for node in wanted)

    def reads(self, end):
        """The nodes that an end reads."""
        flows = [end.flow] if end.flow and end.kind not in ("answer", "found") else []
        return [flow.node for flow in (*flows, *end.streams.values())] + ([end.node] if end.kind == "answer" else [])

    def finds(self, node):
        """The tasks whose values a command finds for history and report."""
        return [t for t in graph_of([self.made[node]]).tasks if t.found and t.origin is node]


@dataclass
class Builder:
    """open(op, params) -> (what it is the same as, Source); stdin() -> Source of the stream on this process's stdin."""

    open: Callable
    stdin: Callable
    stages: list[Stage] = field(default_factory=list)
    ends: list[End] = field(default_factory=list)
    sources: dict[str, Source] = field(default_factory=dict)
    made: dict = field(default_factory=dict)
    known: dict = field(default_factory=dict)          # what makes a node -> the node
    opened: dict = field(default_factory=dict)         # leaf's name -> (op, parameters) that it was opened with
    named: dict = field(default_factory=dict)          # node -> how often it was named

    def pipeline(self, text):
        """The Pipeline that a text means."""
        self._commands(commands(text), None, "")
        often = [f"{node.name} is named {n} times and done once" for node, n in self.named.items() if n > 1]
        pipeline = Pipeline(text, self.stages, self.ends, self.sources, self.made)
        changes = simplify(pipeline, self._reopened)
        pipeline.said, pipeline.opened, pipeline.rewritten = often + changes, self.opened, bool(changes)
        return pipeline

    def _reopened(self, name, box):
        """The Source of a leaf that is read in part; None where it is no volume that is read whole so far."""
        op, full = self.opened[name]
        if op is None or op.name != "read" or full.get("box") or full.get("range") or full.get("axis", "z") != "z":
            return None
        return self.open(op, {**full, "box": box})[1]

    def _commands(self, stages, flow, branch, ends=True):
        """The Flow that commands make of a flow. With `ends` the last of them may, or must, end it; else it may not."""
        for i, command in enumerate(stages):
            with said_by(command.name):
                if command.name not in ops.names():
                    raise UsageError(f"there is no such command{words.nearest(command.name, ops.names())}")
                op = ops.load(command.name)
                params, given = words.split(op, command.words)
                stage = Stage(op, params, given, command.text)
                self.stages.append(stage)
                flow, ended = self._command(stage, flow, branch)
            if ended and (i < len(stages) - 1 or not ends):
                what = stages[i + 1].text if i < len(stages) - 1 else "what reads it"
                raise UsageError(f"sweep-{op.name} gives no stream to {what}")
        if ends and flow is not None:
            self.ends.append(End(self.stages[-1], "stream", flow, branch=branch))
        return flow

    def _command(self, stage, flow, branch):
        """(the Flow after one command or None, whether it ended the stream)."""
        op, params = stage.op, stage.params
        if op.name in ("run", "plan"):
            raise UsageError(f"a pipeline cannot hold sweep-{op.name}")
        if op.kind == "source":
            if flow is not None:
                raise UsageError("reads no stream: it must be the first command")
            return self._source(stage, op, {**op.defaults, **params}), False
        if op.name == "tee":
            return self._tee(stage, self._given(flow)), False
        if op.kind in ("sink", "tool"):
            addresses = [v for n, v in params.items() if isinstance(op.params[n], Address)]
            reads = op.kind == "sink" or (flow is not None and (not addresses or "-" in addresses))
            streams = {a: self._stream(a) for a in addresses if op.kind == "tool" and within(a)}
            if flow is not None and not reads:
                raise UsageError(f"reads {' and '.join(addresses)}, not the stream before it")
            kept = self._given(flow) if reads else flow
            self.ends.append(End(stage, op.kind, kept, streams=streams, branch=branch))
            return None, True
        return self._filter(stage, flow, branch)

    def _given(self, flow):
        """The stream before a command; that on stdin where it is the first."""
        if flow is not None:
            return flow
        source = self.stdin()
        return self._leaf(("stdin",), source, source.head.history)

    def _source(self, stage, op, full):
        key, source = self.open(op, full)
        history = () if stage and stage.given.get("no_history") else (entry(op, stage.params, {}),) if stage else ()
        return self._leaf(key, source, (*source.head.history, *history), (op, full))

    def _leaf(self, key, source, history, opened=(None, {})):
        if key not in self.known:
            name = source.name
            while name in self.sources:
                name += "'"
            self.sources[name], self.opened[name] = source, opened
            self.known[key] = Node(head=source.head, name=name)
            task_of(self.known[key], self.made)
        self._count(self.known[key])
        return Flow(self.known[key], history)

    def _count(self, node):
        self.named[node] = self.named.get(node, 0) + 1

    def _stream(self, address):
        """The stream of an address: of <(...), or of a volume."""
        text = within(address)
        if text is None or address.startswith(">"):
            op = ops.load("read")
            return self._source(None, op, {**op.defaults, "address": address})
        return self._commands(commands(text), None, "", ends=False)

    def _tee(self, stage, flow):
        address, to = stage.params.get("address"), stage.params.get("to", ())
        texts = [*to, *([within(address)] if address and address.startswith(">(") else [])]
        if not texts and address is None:
            raise UsageError("there is nothing to write: give an ADDRESS or --to 'PIPELINE'")
        entered = self._entered(stage, flow, {})
        if address is not None and not address.startswith(">("):
            write = ops.load("write")
            params = {n: v for n, v in stage.params.items() if n in write.params}
            copy = Stage(write, params, stage.given, stage.text)
            self.ends.append(End(copy, "sink", flow, branch=stage.text))
        for text in texts:
            with said_by("tee"):
                self._commands(commands(text), flow, text)
        return entered

    def _filter(self, stage, flow, branch):
        op, params = stage.op, stage.params
        found = inputs_of(op, params)
        stdin = self._given(flow) if found.reads_stdin else None
        if flow is not None and stdin is None:
            raise UsageError(f"{params['expr']!r} does not name a, the stream before it")
        flows = {found.first: stdin} if found.takes_first else {}
        flows |= {name: self._stream(address) for name, address in found.addresses.items()}
        for name, text in found.pipelines.items():
            flows[name] = self._commands(commands(text), stdin, "", ends=False)
            if flows[name] is None:
                raise UsageError(f"the pipeline of {name} gives no stream")
        streams = {n: flows[n].history for n, address in found.addresses.items() if within(address)}
        flow = next(iter(flows.values()))
        stage.node = self._node(op, params, tuple(flows.items()) if found.by_name else flows.values(), found.by_name)
        after = self._entered(stage, flow, streams)
        if params.get("print"):
            self.ends.append(End(stage, "found", flow, stage.node, branch=branch))
            return None, True
        if op.output == "stream":
            place = len(after.history) - 1
            finders = flow.finders if stage.given.get("no_history") else (*flow.finders, (place, stage.node))
            return Flow(stage.node, after.history, finders), False
        self.ends.append(End(stage, "answer", flow, stage.node, branch=branch))
        return (after, False) if stage.given.get("pass_") else (None, True)

    def _entered(self, stage, flow, streams):
        """The flow with this command in its history."""
        if stage.given.get("no_history"):
            return flow
        return Flow(flow.node, (*flow.history, entry(stage.op, stage.params, streams)), flow.finders)

    def _node(self, op, params, flows, by_name):
        names = tuple(name for name, _ in flows) if by_name else ()
        inputs = tuple(flow.node for _, flow in flows) if by_name else tuple(flow.node for flow in flows)
        own = {n: v for n, v in params.items() if by_name or not isinstance(op.params[n], (Volume, Volumes))}
        key = (op.name, repr(sorted({**op.defaults, **own}.items())), inputs, names)
        if key not in self.known:
            self.known[key] = Node(op, inputs, params, op.name, names=names)
            task_of(self.known[key], self.made)
        self._count(self.known[key])
        return self.known[key]


@contextmanager
def said_by(name):
    """Errors within begin with the command that they are about."""
    try:
        yield
    except SweepError as error:
        if not str(error).startswith("sweep-"):
            error.args = (f"sweep-{name}: {error}", *error.args[1:])
        raise


def same_file(address):
    """What makes two addresses one: the path behind links, where there is one."""
    return os.path.realpath(address) if os.path.exists(address) else address
