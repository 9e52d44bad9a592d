"""Measure what things cost here: small pieces through the real runner, the real formats, a real pipe, a real process.

A minute is shared out: first what every run needs, then the commands of a pipeline if one is named, then those that were
not measured so far, each on so many voxels that its share of the time is enough. What was measured before is kept.
"""

import json
import os
import shlex
import subprocess
import sys
import tempfile
import threading
import time
from functools import cache
from math import prod
from statistics import median

import numpy as np

from .. import __version__, ops, volumes, words
from ..costs import bytes_of, key_of, voxels_of, work_of
from ..errors import SweepError
from ..flow import Pool
from ..memory import TARGET
from ..params import Address, Volume, Volumes
from ..passes import passes
from ..run import Run, Settings
from ..spec import Block, Head, Node, Source
from ..spool import Disk
from ..stream import Digest, Reader, Writer
from ..tools.synth import open as synthesised

TYPES = ("uint16", "uint8", "float32")               # in this order, while there is time
SMALL, MIDDLE, LARGE = (6, 48, 64), (16, 128, 128), (64, 512, 512)   # voxels: to compile, guess by, at most
ROUNDS = 2                                           # of processes; the first may compile
KINDS = {"zarr": "{}.zarr", "zarr mask": "{}.zarr", "zarr chunks": "{}.zarr", "npy": "{}.npy", "tiff": "{}.tif",
         "slices": "{}/",
         "hdf5": "{}.h5:/v", "sweep": "{}.sweep"}  # fmt: skip


class Calibration:
    """One measuring; `limit`: seconds for commands that nobody named, `share`: seconds that one measuring aims at."""

    def __init__(self, io, before=None, limit=45.0, share=0.2):
        self.io, self.threads, self.share, self.limit = io, io.threads, share, limit
        self.tasks = {} if before is None else {k: list(v) for k, v in before.told["tasks"].items()}
        self.hand, self.new, self.left = [], set(), 0
        self.disk = Disk(io.tmpdir)

    def told(self, pipeline=None):
        """All costs; those of the operations of a graph are measured first."""
        with tempfile.TemporaryDirectory(prefix=".sweep-", dir=self.disk.directory) as folder:
            told = {"version": __version__, "threads": self.threads, "start": _start(folder, self.threads)}
            told |= {"read": {}, "write": {}}
            for kind, name in KINDS.items():
                for shape in (SMALL, LARGE):         # first without being counted: libraries are imported
                    path = os.path.join(folder, name.format(f"{kind.replace(' ', '')}{shape[0]}"))
                    self._stored(kind, shape, path, told)
        told["spool"], told["pipe"] = self._spooled(), _piped()
        for kind in ("zeros", "ramp", "noise", "blobs", "checker", "shells"):
            told["read"][f"synth {kind}"] = self._synth(kind)
        told["read"]["stdin"] = told["write"]["stdout"] = told["pipe"]
        for command in _of(pipeline):
            self._command(*command)
        until = time.perf_counter() + self.limit
        for command in self._unmeasured():
            if time.perf_counter() < until:
                self._command(*command)
            else:
                self.left += 1
        told["tasks"] = self.tasks
        told["hand"] = [median(costs[i] for costs in self.hand) if self.hand else 0.0 for i in (0, 1)]
        points = [point for points in self.tasks.values() for point in points]
        told["operation"] = [median(p[i] / max(p[0], 1e-9) for p in points) if points else 0.0 for i in (1, 2)]
        return told

    # -------------------------------------------------------------- commands

    def _unmeasured(self):
        """Examples of the commands, those of the first type first; what takes files of its own is passed over."""
        for dtype in TYPES:
            for name in ops.names():
                op = ops.load(name)
                by_name = any(isinstance(param, Volumes) for param in op.params.values())
                if op.kind in ("source", "sink", "tool") or op.foreign or by_name:
                    continue                         # what it costs is what others do in it
                for example in op.examples[:2]:
                    try:
                        params = words.parse(op, shlex.split(example))
                    except SweepError:               # an example for a file that is not here
                        continue
                    if not any(isinstance(op.params[n], (Volume, Address)) for n in params):
                        yield op, params, (dtype,), ()

    def _command(self, op, params, types, names):
        """The costs of the tasks of one command on inputs of these types."""
        try:
            graph = self._run(op, params, types, names, SMALL)[0].graph
            keys = {(key_of(t), round(work_of(t), 6)) for t in graph.tasks if t.op}
            if all(key in self.new or any(round(p[0], 6) == key[1] for p in self.tasks.get(key[0], ())) and not names
                   for key in keys):  # fmt: skip
                return
            least = self._run(op, params, types, names, SMALL)[1:]
            guess = self._run(op, params, types, names, MIDDLE)
            shape = _larger(MIDDLE, self.share / max(guess[1], 1e-4))
            tried = [guess] if shape == MIDDLE else [self._run(op, params, types, names, shape) for _ in range(2)]
        except (SweepError, OSError):                # no meaning for this type, or a file of its own that is not here
            return
        self._keep(*min(tried, key=lambda ran: ran[1]), least)

    def _run(self, op, params, types, names, shape):
        """(the Run of a command on so many voxels, seconds, seconds of CPU)."""
        leaves, sources = [], {}
        for i, dtype in enumerate(types):
            source = _filled(shape, dtype, f"in{i}")
            sources[source.name] = source
            leaves.append(Node(head=source.head, name=source.name))
        node = Node(op, tuple(leaves), params, op.name, names=names)
        run = Run([node], sources, Settings(self.threads, tmpdir=self.io.tmpdir))
        wall, cpu = time.perf_counter(), time.process_time()
        for _, block in run.events():
            del block
        return run, time.perf_counter() - wall, time.process_time() - cpu

    def _keep(self, run, wall, cpu, least):
        """Share the seconds of a run out to its tasks; what none of them spent is for handing on, but for what a run of
        next to nothing takes."""
        graph, computed = run.graph, [t for one in passes(run.graph, run.kept) for t in one.computed if t.op]
        cores = min(self.threads, cpu / max(wall, 1e-9))
        chained = {*run.linked, *run.linked.values()}
        spent = {t: s / (self.threads if t in chained else 1) for t, s in run.threads.spent.items() if t in graph.tasks}
        rest = max(0.0, wall - sum(spent.values()) - least[0])
        silent = [t for t in dict.fromkeys(computed) if t not in spent]
        for t in silent:
            spent[t], rest = rest / len(silent), 0.0
        handed = sum(bytes_of(i) for t in computed if t not in run.linked for i in t.inputs)
        if not silent and handed:
            self.hand.append((rest / handed, rest / handed))
        for t, seconds in spent.items():
            n = voxels_of(t) * computed.count(t)
            point = [round(work_of(t), 6), seconds / n, cores * seconds / n]
            points = [p for p in self.tasks.get(key_of(t), ()) if p[0] != point[0]]
            self.tasks[key_of(t)] = sorted([*points, point])
            self.new.add((key_of(t), point[0]))

    # -------------------------------------------------------------- volumes, spools

    def _synth(self, kind):
        source = synthesised(Pool(), kind=kind, shape=LARGE, dtype=np.dtype("uint16"))
        return _per_byte(lambda: [None for _ in source.blocks("up")], prod(LARGE) * 2)

    def _stored(self, kind, shape, address, told):
        """Costs of a byte written to, and read from, a format; none where its library is not here."""
        mask, how = kind.endswith("mask"), {"shards": "none"} if kind.endswith("chunks") else {}
        source = _filled(shape, "uint8" if mask else "uint16", "v")
        head, blocks = source.head.but(role="mask" if mask else "image"), list(source.blocks("up"))
        size = head.slices * head.slice_bytes

        def write():
            sink, digest = volumes.create(address, head, threads=self.threads, **how), Digest()
            for block in blocks:
                sink.write(block)
                digest.add(block, head)
            sink.finish({"slice_digests": digest.arrays()})

        def read():
            stored = volumes.open(address, Pool(), threads=self.threads)
            for _ in stored.blocks("up"):
                pass
            stored.close()

        try:
            told["write"][kind] = _per_byte(write, size)
            told["read"][kind] = _per_byte(read, size)
        except SweepError:                           # an extra that is not installed
            told["write"].pop(kind, None)

    def _spooled(self):
        source = _filled(LARGE, "uint16", "v")
        spool, blocks = self.disk.spool(source.head), list(source.blocks("up"))

        def write():
            for block in blocks:
                spool.write(block)
            spool.finish()

        size = source.head.slices * source.head.slice_bytes
        costs = {"write": _per_byte(write, size), "read": _per_byte(lambda: [None for _ in spool.blocks("up")], size)}
        spool.close()
        return costs


def _per_byte(deed, size):
    """[seconds, seconds of CPU] of a byte."""
    wall, cpu = time.perf_counter(), time.process_time()
    deed()
    return [(time.perf_counter() - wall) / size, (time.process_time() - cpu) / size]


def _larger(shape, times):
    """More voxels, as often as `times` says, LARGE at most: wider slices, then more of them."""
    y, x = (min(most, int(n * max(1.0, times) ** 0.5)) for n, most in zip(shape[1:], LARGE[1:]))
    return min(LARGE[0], max(shape[0], int(prod(shape) * times / (y * x)))), y, x


@cache
def _blobs(shape):
    source = synthesised(Pool(), kind="blobs", shape=shape, dtype=np.dtype("uint16"))
    return np.concatenate([block.data for block in source.blocks("up")])


def _filled(shape, dtype, name):
    """A Source in memory: blobs, of which a uint8 volume has the mask."""
    dtype = np.dtype(dtype)
    raw = _blobs(LARGE)[tuple(slice(n) for n in shape)]
    data = np.ascontiguousarray(raw > 32768 if dtype == np.uint8 else raw, dtype)
    depth = max(1, min(shape[0], TARGET // data[0].nbytes))
    head = Head(shape, dtype, spacing=(1.0, 1.0, 1.0), unit="micrometer", depth=depth)
    starts = range(0, shape[0], head.depth)

    def blocks(direction):
        for z in starts if direction == "up" else reversed(starts):
            n = min(head.depth, shape[0] - z)
            yield Block(z, n, data[z : z + n])

    return Source(head, blocks, again=True, name=name)


def _of(pipeline):
    """The commands of a Pipeline: (op, parameters, types of its inputs, names)."""
    for node, task in pipeline.made.items() if pipeline is not None else ():
        if node.op is not None and node.head is None and all(i in pipeline.made for i in node.inputs):
            heads = [pipeline.made[i].head for i in node.inputs]
            if task.origin is node and node.op.kind not in ("source", "sink", "tool") and not node.op.foreign and all(heads):
                yield node.op, node.params, tuple(head.dtype.name for head in heads), node.names


def _piped():
    """Costs of a byte through a pipe, from one thread to another."""
    source = _filled(LARGE, "uint16", "v")
    blocks = list(source.blocks("up"))
    into, out = os.pipe()[::-1]

    def send():
        writer = Writer(into, source.head, name="calibrate")
        for block in blocks:
            writer.block(block)
        writer.end([], [])
        os.close(into)

    def both():
        thread = threading.Thread(target=send, daemon=True)
        thread.start()
        for _ in Reader(out, Pool(), name="calibrate").source("stdin").blocks("up"):
            pass
        thread.join()

    costs = _per_byte(both, prod(LARGE) * 2)
    os.close(out)
    return costs


def _start(folder, threads):
    """Seconds of a run of next to nothing, for its first kernel, and for each further one: of processes of their own."""
    first = "sweep-median 3 | "
    more = first + "sweep-box 3 | sweep-erode box:3 | sweep-gauss 1 | sweep-invert | "       # seven kernels more

    def seconds(filters, name):
        line = f"sweep-synth ramp --shape 4,16,16 --dtype uint16 | {filters}sweep-write {name} --overwrite"
        options = ["-q", "--threads", str(threads), "--report", "report.json"]
        command = [sys.executable, "-m", "sweeptools", "run", line, *options]
        ran = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if ran.returncode:
            raise SweepError(f"nothing can be measured: {ran.stderr.strip() or 'sweep-run failed'}")
        with open(os.path.join(folder, "report.json")) as file:
            return json.load(file)["wall_s"]

    none, one, many = (min(seconds(text, "start.zarr") for _ in range(ROUNDS)) for text in ("", first, more))
    return {"run": none, "first": max(0.0, one - none), "kernel": max(0.0, many - one) / 7}
