"""A pipeline whose slices are too large for the memory: the plane in tiles, each with the halo that it needs.

Tiles are swept one after the other, in each sweep anew, and begin where files of the outputs begin; what reductions and
scans come to is merged over the tiles before the next sweep. The bytes are those of whole slices.
"""

import gc
from contextlib import contextmanager
from dataclasses import replace
from math import lcm

from .. import __version__
from ..errors import Refused
from ..flow import Pool
from ..graph import graph_of, task_of, without_halo
from ..machine import spell_size
from ..memory import running
from ..plan.facts import facts, traffic, volume_bytes
from ..plan.fit import depths
from ..progress import Progress
from ..spec import Node, call
from ..spool import Disk
from ..tools.read import open as read_volume
from ..tools.synth import open as made_up
from ..tools.write import created, planned
from ..volumes.tiles import Tiles
from . import told
from .fused import check_places, settings_of
from .grid import amplification, choose
from .part import Part, Values
from .report import read, save, written


class Tiled:
    """One run of a Pipeline in tiles."""

    def __init__(self, pipeline, io, whole):
        """whole: why it cannot be run on whole slices."""
        self.pipeline, self.io, self.whole = pipeline, io, whole
        check_places(pipeline)
        self.settings, self.stats = settings_of(pipeline, io), []
        self.part = pipeline                         # with the tasks of one tile
        self.graph, self.grid, self.busy = pipeline.graph, None, 0.0
        self.sinks = [end for end in pipeline.ends if end.kind == "sink"]
        self.disk = Disk(self.settings.tmpdir, self.settings.beside)
        self.values = Values(self.graph, self.disk)
        self.heads = [leaf.head for leaf in self.graph.leaves]

    def go(self):
        """Run it; returns the exit status."""
        with self._sinks() as sinks:
            self._sweeps(sinks)
            results = self.values.results
            told.say(self.pipeline, results, self.io)
            for end, sink in sorted(zip(self.sinks, sinks), key=lambda pair: not pair[0].branch):
                sink.finish(told.found(self.pipeline, results, end.flow))
        for end in self.pipeline.ends:
            if end.kind != "sink":
                told.answer(self.pipeline, results, end)
        self._report(sinks)
        return 0

    def plan(self):
        """What running it would take, by the names of the report; nothing is run, nothing is left."""
        with self._sinks() as sinks:
            files = {end.stage.params["address"]: planned(sink.sink) for end, sink in zip(self.sinks, sinks)}
            run = self._run(self.grid.largest[0])
            found = facts(self.part, run, self.io.items, self.io.baseline, files)
            for sink in sinks:
                sink.abort()
        stored = sum(volume_bytes(t.head) * len(self.graph.needed_in(t)) for t in self.graph.leaves)
        amplified = self.amplification(self.grid)
        found["read"] = {"bytes": round(stored * amplified), "amplification": amplified}
        found["tiles"] = len(self.grid.tiles)
        found["decisions"][0:0] = self._decisions(amplified)
        return found

    def _decisions(self, amplified):
        """What was decided on tiles, a sentence each."""
        need, (rows, columns), cut = spell_size(self.whole.smallest), self.grid.size, self.grid.cuts_rows
        size = f"{rows} rows and {columns} columns" if cut else f"{rows} rows"
        said = [f"slices are cut into {len(self.grid.tiles)} tiles of {size}: whole ones need {need}; {amplified:g} times "
                "what is stored is read, of the cuts that fit this one reads least"]  # fmt: skip
        if cut and self.sinks:
            said.append("outputs are read once more for the digests of their slices: no tile has whole rows")
        return said

    def amplification(self, grid):
        """What is read, for what is stored."""
        return round(amplification(grid, self.heads, self.graph.halo[1:]), 4)

    @contextmanager
    def _sinks(self):
        """The outputs, which are let in; aborted where what is done with them fails."""
        sinks = []
        try:
            for end in self.sinks:
                head = self.pipeline.made[end.flow.node].head.but(history=end.flow.history, peaks=(), budget=None)
                keep = not end.stage.given.get("no_history")
                sinks.append(created(head, self.io, keep, **{**end.stage.op.defaults, **end.stage.params}))
                sinks[-1] = Tiles(sinks[-1])
            self._fit(sinks)
            yield sinks
        except BaseException:
            for sink in sinks:
                sink.abort()
            raise

    def _fit(self, sinks):
        """Choose the tiles that read least of those that the memory allows, and the deepest blocks in them."""
        whole = self.heads[0].whole[1:]
        files = tuple(lcm(*(sink.step[i] for sink in sinks)) for i in (0, 1))
        chunks = tuple(lcm(files[i], *((head.chunks or (1, 1, 1))[1 + i] for head in self.heads)) for i in (0, 1))
        granted, depth, need = self.io.memory or self.io.options.budget, {}, {}
        room = granted

        def fits(grid):
            if grid not in need:
                depth[grid], need[grid] = self._least(grid, sinks, granted)
            return need[grid] <= room

        outputs = sum(volume_bytes(sink.sink.head) for sink in sinks)
        inputs = sum(volume_bytes(t.head) * len(self.graph.needed_in(t)) for t in self.graph.leaves)
        cost = lambda grid: inputs * self.amplification(grid) + outputs * grid.cuts_rows  # noqa: E731
        while True:
            found = [choose(whole, step, cost, fits) for step in dict.fromkeys((chunks, files))]
            self.grid = min((grid for grid in found if grid), key=cost, default=None)
            if self.grid is None:
                grid = min(need, key=need.get)
                raise Refused(f"in {len(grid.tiles)} tiles it still needs {spell_size(need[grid])} of memory, the budget is "
                              f"{spell_size(granted)}; use --memory {spell_size(need[grid])}", need[grid])  # fmt: skip
            self.settings.depth = depth[self.grid]
            items = self._most(self.grid, sinks, self.settings.depth)
            gc.collect()
            over = self.io.needs(items) - granted
            if over <= 0:
                break
            room -= over                             # what was tried has left its traces in the memory
        self.io.admit(items)

    def _least(self, grid, sinks, room):
        """(depth of blocks, bytes): the deepest blocks that the room allows, else those that need least."""
        parts = [self._run(tile) for tile in grid.largest]
        best = None
        for depth in depths(parts[0]):
            need = self.io.needs(self._most(grid, sinks, depth, parts))
            if best is None or need < best[1]:
                best = depth, need
            if need <= room:
                break
        return best

    def _most(self, grid, sinks, depth, parts=None):
        """Items of the tile that takes most."""
        found = []
        for part in parts or [self._run(tile) for tile in grid.largest]:
            part.settings.depth = depth
            found.append(self._items(part, sinks, grid))
        return max(found, key=lambda items: sum(n for _, n in items))

    def _items(self, part, sinks, grid):
        items = list(part.memory())
        for t in part.graph.tasks:
            if t.op and t.op.kind == "reduce" and t.op.memory:
                known = {name: p for name, p in t.params.items() if name not in t.values}
                size = int(call(t.op.memory, {**known, "head": t.inputs[0].head, "threads": 1}))
                items.append((f"{t.name}: state of the tiles before", size))
        for sink, task in zip(sinks, part.outs):
            items += sink.memory(part.head_of(task), part.settings.pool, grid.cuts_rows)
        return [*items, *running(1)]

    def _run(self, tile, place=0):
        """The Part of a tile, (rows, columns) of all outputs; place: its place among the tiles."""
        settings = replace(self.settings, pool=Pool())       # tiles differ in size: none keeps another's memory
        whole = self.graph.leaves[0].head.whole
        grown = [(max(0, a - lo), min(n, b + hi)) for (a, b), (lo, hi), n in zip(tile, self.graph.halo[1:], whole[1:])]
        halo = ((0, 0), *((a - lo, hi - b) for (a, b), (lo, hi) in zip(tile, grown)))
        sources, made = {}, {}
        for leaf in self.graph.leaves:
            sources[leaf.name] = self._source(leaf, settings, grown, halo)
        for node, task in self.pipeline.made.items():
            if node.op is None and task.op is None and task.name in sources:
                made[node] = Node(head=sources[task.name].head, name=task.name)

        tasks, kept = {}, {}

        def again(node):
            if node not in made:
                made[node] = Node(node.op, tuple(map(again, node.inputs)), node.params, node.name, names=node.names)
                task_of(made[node], tasks)           # each by itself: a task tells which node it came from
            return made[node]

        def core(node):
            task = task_of(again(node), tasks)
            if task not in kept:
                kept[task] = task if task.head is None else without_halo(task)
            return kept[task]

        outs = [core(node) for end in self.pipeline.ends for node in self.pipeline.reads(end)]
        for end in self.pipeline.ends:
            if end.kind == "found":
                graph = graph_of([task_of(again(end.node), tasks)])
                outs += [t for t in graph.tasks if t.found and t.origin is made[end.node]]
        part = Part(graph_of(outs), sources, settings, self.values, place)
        part.outs = [core(end.flow.node) for end in self.sinks]
        back = {new: old for old, new in made.items()}
        for t in part.graph.tasks:
            t.origin = back.get(t.origin, t.origin)
        self.part = replace(self.pipeline, made={n: tasks[new] for n, new in made.items() if new in tasks})
        return part

    def _source(self, leaf, settings, spans, halo):
        """The Source of a leaf that gives a tile with its halo: its rows and columns."""
        op, full = self.pipeline.opened[leaf.name]
        whole = leaf.head
        if op.name == "read":
            part = ((None, None, 1), *((*span, 1) for span in spans))
            source = read_volume(settings.pool, **{**full, "box": part, "threads": self.settings.threads})
        else:
            source = made_up(settings.pool, **{**full, "part": (whole.box[0], *spans)})
        return replace(source, head=whole.but(box=(whole.box[0], *spans), halo=halo, depth=source.head.depth))

    def _sweeps(self, sinks):
        slices, tiles = self.heads[0].slices, self.grid.tiles
        total = slices * len(tiles) * self.graph.sweeps
        progress, done = Progress(self.io.options.progress, "run", total, self.heads[0].slice_bytes // len(tiles)), False
        gc.freeze()                                  # what there is already need not be looked through after each tile
        try:
            for level in range(self.graph.sweeps):
                for place, tile in enumerate(tiles):
                    self._tile(level, place, tile, sinks, progress)
                    gc.collect()                     # a run refers to itself: its memory is not to wait for a chance
                self.values.finish(level, tiles)
            self.values.finish(self.graph.sweeps, tiles)         # what follows from the last values
            done = True
        finally:
            gc.unfreeze()
            progress.close(done)

    def _tile(self, level, place, tile, sinks, progress):
        """One sweep of one tile."""
        part = self._run(tile, place)
        takers = {}
        for sink, task in zip(sinks, part.outs):
            if task.level == level:
                sink.begin(part.head_of(task), part.settings.pool)
                takers.setdefault(task, []).append(sink)
        first, left = next(iter(takers), None), self.heads[0].slices
        for task, block in part.sweep(level):
            for sink in takers.get(task, ()):
                sink.write(block)
            if task is first:
                progress.advance(block.n)
                left -= block.n
            del block
        progress.advance(left)
        for sink in {sink for some in takers.values() for sink in some}:
            sink.end()
        self.io.grown = max(self.io.grown, part.grown)
        for source in part.sources.values():
            self.stats.append(source.stats)
            source.close()
        self.busy += part.threads.busy               # no more of it stays: its memory is the next one's

    def _report(self, sinks):
        io, grid = self.io, self.grid
        any_part = self._run(grid.largest[0])
        io.report |= {**any_part.report(), "busy_s": round(self.busy, 4)}
        part = io.part()
        names = [stage.op.name for stage in self.pipeline.stages]
        stages = [{"name": name, "depth": 0, "halo": [[0, 0]] * 3, "held_bytes": 0, "busy_s": 0.0} for name in names]
        io.whole = {
            "pipeline": self.pipeline.text, "version": __version__, "wall_s": round(io.seconds, 3),
            **{key: part[key] for key in ("peak_bytes", "predicted_peak_bytes", "baseline_bytes")},
            "sweeps": self.graph.sweeps, "groups": [names], "tiles": len(grid.tiles), "spool_bytes": self.disk.bytes,
            **traffic(self.pipeline, any_part), "read": {**read(self.stats), "amplification": self.amplification(grid)},
            "write": written([sink.sink.stats for sink in sinks]), "stages": stages,
            "memory_items": part["memory_items"], "refused": None,
        }  # fmt: skip
        for stage in self.pipeline.stages:
            if stage.given.get("report"):
                save(io.whole, stage.given["report"])
