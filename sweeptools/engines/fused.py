"""A whole pipeline in one process: what bash would run as many, with the same bytes at its ends."""

import os
import sys
from importlib import import_module

from .. import __version__, files, table
from ..costs import Counted, load
from ..graph import halo_of
from ..jit import ready
from ..machine import threads as granted
from ..memory import depth_of, held
from ..params import Address
from ..plan.build import Builder, same_file
from ..plan.facts import facts, times, traffic
from ..plan.fit import fit
from ..progress import Progress
from ..run import Run, Settings
from ..stream import Writer
from ..volumes import slabs
from . import told
from .ends import Worker, stop
from .inputs import never_wait, opened
from .preload import calls_kernel
from .report import read, save, spooled, written
from .ways import ways_of

WAITING = 2                            # blocks on their way to an end: see ends.Feed


def built(text, io, assume=None):
    """The Pipeline of a text, its sources open. assume: what an address is that does not exist; see plan.assumed."""

    def open(op, full):
        address = full.get("address")
        if op.name == "read" and (address == "-" or os.path.exists(address) and not os.path.isfile(address)
                                  and not os.path.isdir(address)):  # fmt: skip
            source = opened(address, io, address)
            return (op.name, address), source
        deed = import_module(f"sweeptools.tools.{op.name}")
        if op.name == "read" and assume and not os.path.exists(address):
            from ..volumes.assumed import stored

            facts = {name: full[name] for name in ("sweep", "axis", "box", "range", "spacing", "role")}
            return (op.name, repr(sorted(full.items()))), slabs.source(stored(address, assume), io.pool, **facts)
        facts = {n: same_file(v) if isinstance(op.params[n], Address) and isinstance(v, str) else v for n, v in full.items()}
        source = deed.open(io.pool, **({**full, "threads": io.threads, "tmpdir": io.tmpdir} if op.name == "read" else full))
        return (op.name, repr(sorted(facts.items()))), source

    pipeline = Builder(open, io.stdin).pipeline(text)
    never_wait(pipeline.sources, io)
    return pipeline


def settings_of(pipeline, io):
    """How the run is to be done: `beside` is where the first output goes."""
    outputs = [end.stage.params["address"] for end in pipeline.ends if end.kind == "sink"]
    beside = next((a for a in outputs if isinstance(a, str)), None)
    return Settings(io.threads or granted(), None, io.tmpdir, beside, io.pool, io.note, io.say)


class Fused:
    """One run of a Pipeline; `io` is the command's own."""

    def __init__(self, pipeline, io):
        self.pipeline, self.io = pipeline, io
        check_places(pipeline)
        self.ways, settings = ways_of(pipeline), settings_of(pipeline, io)
        settings.costs, settings.ways = load(settings.threads) or Counted(), self.ways
        self.run = Run(pipeline.graph, pipeline.sources, settings)
        self.workers = [(end, self._worker(end)) for end in pipeline.ends if end.kind in ("sink", "tool")]
        self.streams = [end for end in pipeline.ends if end.kind == "stream"]

    def _task(self, flow):
        return self.pipeline.made[flow.node]

    def _head(self, flow):
        return self.run.head_of(self._task(flow)).but(history=flow.history, peaks=(), budget=None)

    def _worker(self, end):
        flows = [*end.streams.items(), *([("", end.flow)] if end.flow is not None else [])]
        return Worker(end, self.io, [(self._task(f), self._head(f), name, self._encoded(f)) for name, f in flows])

    def _encoded(self, flow):
        """Where the voxels of a stream are stored that comes straight from a volume."""
        task = self._task(flow)
        return self.pipeline.sources[task.name].encoded if task.op is None else None

    def memory(self):
        """[(what, bytes)] held by the run and by its ends, once those have told."""
        items = list(self.run.memory())
        for _, worker in self.workers:
            items += worker.io.items
            for task in worker.feeds:
                size = self.run.head_of(task).block_bytes
                items.append((f"{worker.io.op.name}: {WAITING} blocks on their way", WAITING * size))
        items += [(f"{end.stage.op.name}: a block that is sent", self._head(end.flow).block_bytes) for end in self.streams]
        return items

    def plan(self):
        """What running it would take, by the names of the report; nothing is run, nothing is left."""
        try:
            self._let_in()
            files = {worker.io.params["address"]: worker.io.files for end, worker in self.workers if end.kind == "sink"}
            return facts(self.pipeline, self.run, self.io.items, self.io.baseline, files, self.ways)
        finally:
            stop([worker for _, worker in self.workers], None)

    def _let_in(self):
        """Begin the ends and wait until they know what they will hold; choose the depth of blocks that the budget allows."""
        if any(t.op and calls_kernel(t.op.fn, set()) for t in self.run.graph.tasks):
            ready()
        for _, worker in self.workers:
            worker.thread.start()
        for _, worker in self.workers:
            worker.io.admitted.wait()
            worker.check()
        fit(self.run, self.memory, self.io)

    def go(self):
        """Run it; returns the exit status."""
        try:
            self._let_in()
            for _, worker in self.workers:
                worker.io.go.set()
            self._sweep()
            status = self._finish()
            self._report()
            return status
        except BaseException as error:
            stop([worker for _, worker in self.workers], error)
            raise

    def _sweep(self):
        takers = {}
        for _, worker in self.workers:
            for task in worker.feeds:
                takers.setdefault(task, []).append(lambda block, task=task, worker=worker: worker.put(task, block))
        writers = []
        for end in self.streams:
            writers.append((end, Writer(1, self._head(end.flow), name="run")))
            takers.setdefault(self._task(end.flow), []).append(writers[-1][1].block)
        first = next((t for t in [*self.run.graph.outs, *self.run.graph.tasks] if t.head is not None), None)
        slices, size = (first.head.slices, first.head.slice_bytes) if first else (0, 0)
        progress = Progress(self.io.options.progress, "run", slices, size)
        self.io._progress, done = progress, False
        try:
            for task, block in self.run.events():
                for take in takers.get(task, ()):
                    take(block)
                if task is first:
                    progress.advance(block.n)
                del block
            done = True
        finally:
            self.io._progress = None
            progress.close(done)
        for end, writer in writers:
            writer.end([], told.found(self.pipeline, self.run.results, end.flow))

    def _finish(self):
        """End marks to the branches, then to the end of the pipeline itself; answers when all is in place."""
        told.say(self.pipeline, self.run.results, self.io)
        status = 0
        for end, worker in sorted(self.workers, key=lambda pair: not pair[0].branch):
            if worker.source is not None:
                worker.source.end["found"] = told.found(self.pipeline, self.run.results, end.flow)
            worker.finish()
            status = status or worker.status
        for end in self.pipeline.ends:
            if end.kind in ("answer", "found"):
                told.answer(self.pipeline, self.run.results, end)
        for end, worker in self.workers:
            (sys.stderr if end.branch else sys.stdout).write("".join(worker.io.said))
        return status

    def _report(self):
        """The report, for --report here and on the commands of the pipeline."""
        io, run = self.io, self.run
        io.grown = run.grown
        io.report |= run.report()
        part = io.part()
        stages = [self._stage(stage) for stage in self.pipeline.stages]
        given = [source.stats for source in self.pipeline.sources.values()]
        made = [worker.io.report.get("write", {}) for _, worker in self.workers]
        io.whole = {
            "pipeline": self.pipeline.text,
            "version": __version__,
            "wall_s": round(io.seconds, 3),
            "predicted_s": times(run, self.ways)["predicted_s"],
            **{key: part[key] for key in ("peak_bytes", "predicted_peak_bytes", "baseline_bytes")},
            "sweeps": run.graph.sweeps,
            "groups": [[stage.op.name for stage in self.pipeline.stages]],
            "tiles": 1,
            "spool_bytes": part["spool_bytes"] + spooled([*given, *made]),
            **traffic(self.pipeline, run),
            "read": read(given),
            "write": written(made),
            "stages": stages,
            "memory_items": part["memory_items"],
            "refused": None,
        }
        for stage in self.pipeline.stages:
            if stage.given.get("report"):
                save(io.whole, stage.given["report"])

    def _stage(self, stage):
        """What one command did."""
        run, tasks = self.run, [t for t in self.run.graph.tasks if stage.node is not None and t.origin is stage.node]
        return {
            "name": stage.op.name,
            "busy_s": round(sum(run.threads.spent.get(t, 0.0) for t in tasks), 4),
            "depth": max((depth_of(t, run.settings.depth) for t in tasks), default=0),
            "halo": [list(pair) for pair in halo_of(tasks, tasks)] if tasks else [[0, 0]] * 3,
            "held_bytes": sum(n for t in tasks for _, n in held(t, run.settings)),
        }


def check_places(pipeline):
    """Refuse what could be written nowhere, before any work."""
    for stage in pipeline.stages:
        for name in ("out", "pass_"):
            if stage.given.get(name):
                table.check(stage.given[name])
        if stage.params.get("plot"):
            import_module("sweeptools.tools.hist").check(stage.params["plot"])
        for file in (stage.given.get("report"), stage.params.get("stamp")):
            if file:
                files.check(file)
