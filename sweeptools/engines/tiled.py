"""A pipeline whose slices are too large for the memory: the plane in bands of rows, each with the halo that it needs.

Only what looks at the voxels around each voxel can be cut so, from volumes that can be read in part into Zarr. Bands are
as high as the memory allows and begin where files of the outputs begin; the bytes are those of whole slices.
"""

import gc
from contextlib import contextmanager
from dataclasses import replace
from math import ceil, lcm

from .. import __version__
from ..errors import Refused
from ..flow import Pool
from ..graph import graph_of, task_of, trimmed
from ..machine import spell_size
from ..memory import running
from ..plan.facts import facts
from ..plan.fit import depths
from ..progress import Progress
from ..run import Run
from ..spec import Node
from ..tools.read import open as read_volume
from ..tools.write import created, planned
from ..volumes.bands import Bands
from .fused import settings_of
from .report import read, save, written


def why_not(pipeline):
    """Why a pipeline cannot be cut into bands; None where it can."""
    graph = pipeline.graph
    if pipeline.rewritten:
        return "only what is read whole is cut: write what crop keeps first"
    for end in pipeline.ends:
        if end.kind != "sink":
            return f"sweep-{end.stage.op.name} needs whole slices"
    for t in graph.tasks:
        if t.values or t.rule or t.head is None or t.op is not None and (t.op.extent != "halo" or t.op.kind != "kernel"):
            return f"{t.origin.name if t.origin is not None else t.name} needs whole slices"
        if t.params.get("mode") == "wrap":
            return f"{t.origin.name} --mode wrap needs whole slices"
        if any(r.start or r.stride != 1 or r.size != 1 for reach in t.reaches for r in reach):
            return f"{t.origin.name} changes the shape"
    for leaf in graph.leaves:
        op, full = pipeline.opened[leaf.name]
        if op is None or op.name != "read" or leaf.head.order != (0, 1, 2) or full.get("box") or full.get("range"):
            return f"{leaf.name} is not a stored volume that is read whole"
        if leaf.head.sweep != "up":
            return f"{leaf.name} is read downwards"
    return None


class Tiled:
    """One run of a Pipeline in bands."""

    def __init__(self, pipeline, io, whole):
        """whole: why it cannot be run on whole slices."""
        self.pipeline, self.io, self.whole = pipeline, io, whole
        self.settings, self.stats = settings_of(pipeline, io), []
        self.part = pipeline                         # with the tasks of one band
        self.graph, self.bands, self.outs, self.last = pipeline.graph, [], [], {}

    def go(self):
        """Run it; returns the exit status."""
        with self._sinks() as sinks:
            self._sweep(sinks)
            for _, sink in sorted(zip(self.pipeline.ends, sinks), key=lambda pair: not pair[0].branch):
                sink.finish()
        self._report(sinks)
        return 0

    def plan(self):
        """What running it would take, by the names of the report; nothing is run, nothing is left."""
        with self._sinks() as sinks:
            files = {end.stage.params["address"]: planned(sink.sink) for end, sink in zip(self.pipeline.ends, sinks)}
            run = self._run(*self.bands[0])
            found = facts(self.part, run, self.io.items, self.io.baseline, files)
            for sink in sinks:
                sink.abort()
        amplification, rows = self.amplification(), self.bands[0][1] - self.bands[0][0]
        found["read"] = {"bytes": round(found["read"]["bytes"] * amplification), "amplification": amplification}
        found["tiles"] = len(self.bands)
        need = spell_size(self.whole.smallest)
        found["decisions"].insert(0, f"slices are cut into {len(self.bands)} tiles of {rows} rows: whole ones need {need}; "
                                     f"{amplification:g} times what is stored is read")  # fmt: skip
        return found

    def amplification(self):
        """Rows of chunks read, for those that there are."""
        (below, above), read, there = self.graph.halo[1], 0, 0
        for leaf in self.graph.leaves:
            size, rows = (leaf.head.chunks or (1, 1, 1))[1], leaf.head.whole[1]
            there += ceil(rows / size)
            read += sum(ceil(min(rows, y1 + above) / size) - max(0, y0 - below) // size for y0, y1 in self.bands)
        return round(read / there, 4)

    @contextmanager
    def _sinks(self):
        """The outputs, which are let in; aborted where what is done with them fails."""
        sinks = []
        try:
            for end in self.pipeline.ends:
                head = self.pipeline.made[end.flow.node].head.but(history=end.flow.history, peaks=(), budget=None)
                keep = not end.stage.given.get("no_history")
                sinks.append(created(head, self.io, keep, **{**end.stage.op.defaults, **end.stage.params}))
                sinks[-1] = Bands(sinks[-1])
            self._fit(sinks)
            yield sinks
        except BaseException:
            for sink in sinks:
                sink.abort()
            raise

    def _fit(self, sinks):
        """Choose the highest bands that the memory allows, then the deepest blocks in them."""
        rows, step = self.graph.outs[0].head.whole[1], lcm(*(sink.height for sink in sinks))
        room, least = self.io.memory or self.io.options.budget, None
        count = 1
        steps = ceil(rows / step)
        for count in range(2, steps + 1):
            height = ceil(steps / count) * step
            part = self._run(0, min(height, rows))
            for depth in depths(part):
                part.settings.depth = depth
                items = self._items(part, sinks)
                need = self.io.needs(items)
                if need <= room:
                    self.settings.depth = depth
                    self.bands = [(y, min(y + height, rows)) for y in range(0, rows, height)]
                    self.io.admit(items)
                    return
                least = min(need, least or need)
        if least is None:
            raise self.whole
        raise Refused(f"in {count} tiles it still needs {spell_size(least)} of memory, the budget is {spell_size(room)}; "
                      f"use --memory {spell_size(least)}", least)  # fmt: skip

    def _items(self, part, sinks):
        items = list(part.memory())
        for sink, task in zip(sinks, self.outs):
            items += sink.memory(part.head_of(task), part.settings.pool)
        return [*items, *running(1)]

    def _run(self, y0, y1):
        """The Run that makes rows y0 to y1 of all outputs."""
        (below, above), rows = self.graph.halo[1], self.graph.outs[0].head.whole[1]
        lo, hi = max(0, y0 - below), min(rows, y1 + above)
        settings = replace(self.settings, pool=Pool())       # bands differ in size: none keeps another's memory
        sources, made = {}, {}
        for leaf in self.graph.leaves:
            op, full = self.pipeline.opened[leaf.name]
            part = ((None, None, 1), (lo, hi, 1), (None, None, 1))
            source = read_volume(settings.pool, **{**full, "box": part, "threads": self.settings.threads})
            whole = leaf.head
            box = (whole.box[0], (lo, hi), whole.box[2])
            halo = ((0, 0), (y0 - lo, hi - y1), (0, 0))
            sources[leaf.name] = replace(source, head=whole.but(box=box, halo=halo, depth=source.head.depth))
        for node, task in self.pipeline.made.items():
            if node.op is None and task.op is None and task.name in sources:
                made[node] = Node(head=sources[task.name].head, name=task.name)

        def again(node):
            if node not in made:
                made[node] = Node(node.op, tuple(map(again, node.inputs)), node.params, node.name, names=node.names)
            return made[node]

        tasks = {}
        made_of = [task_of(again(end.flow.node), tasks) for end in self.pipeline.ends]
        self.outs = [trimmed(t, (t.head.box[0], (y0, y1), t.head.box[2])) for t in made_of]
        run = Run(graph_of(self.outs), sources, settings)
        back = {new: old for old, new in made.items()}
        for t in run.graph.tasks:
            t.origin = back.get(t.origin, t.origin)
        self.part = replace(self.pipeline, made={n: tasks[new] for n, new in made.items() if new in tasks})
        return run

    def _sweep(self, sinks):
        head = self.graph.outs[0].head
        progress, done = Progress(self.io.options.progress, "run", len(self.bands) * head.slices, head.slice_bytes), False
        try:
            for y0, y1 in self.bands:
                self._band(y0, y1, sinks, progress)
                gc.collect()                         # a run refers to itself: its memory is not to wait for a chance
            done = True
        finally:
            progress.close(done)

    def _band(self, y0, y1, sinks, progress):
        run = self._run(y0, y1)
        takers = {}
        for sink, task in zip(sinks, self.outs):
            sink.begin(run.head_of(task), run.settings.pool)
            takers.setdefault(task, []).append(sink)
        first = next(iter(takers))
        for task, block in run.events():
            for sink in takers[task]:
                sink.write(block)
            if task is first:
                progress.advance(block.n)
            del block
        for sink in sinks:
            sink.end()
        self.io.grown = max(self.io.grown, run.grown)
        for source in run.sources.values():
            self.stats.append(source.stats)
            source.close()
        self.last = run.report() | {"edges": len(run.edges)}

    def _report(self, sinks):
        io = self.io
        io.report |= self.last
        part = io.part()
        names = [stage.op.name for stage in self.pipeline.stages]
        told = read(self.stats)
        stages = [{"name": name, "depth": 0, "halo": [[0, 0]] * 3, "held_bytes": 0, "busy_s": 0.0} for name in names]
        io.whole = {
            "pipeline": self.pipeline.text, "version": __version__, "wall_s": round(io.seconds, 3),
            **{key: part[key] for key in ("peak_bytes", "predicted_peak_bytes", "baseline_bytes")},
            "sweeps": 1, "groups": [names], "tiles": len(self.bands), "spool_bytes": 0,
            "handovers": self.last["edges"] + len(sinks), "copies": 0,
            "read": {**told, "amplification": self.amplification()},
            "write": written([sink.sink.stats for sink in sinks]), "stages": stages,
            "memory_items": part["memory_items"], "refused": None,
        }  # fmt: skip
        for stage in self.pipeline.stages:
            if stage.given.get("report"):
                save(io.whole, stage.given["report"])
