"""The laws that every operation keeps, each a function of a case; a broken one raises AssertionError naming its law.

A case is an operation with one of its examples. The volumes are hostile: sizes smaller than a halo, values over 24
decades that cancel, NaN and infinities, constant blocks, full ranges of integers.
"""

import io
import itertools
import os
import pickle
import shlex
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from harness import collect, head_of, source

from sweeptools import words
from sweeptools.ops import load, names
from sweeptools.params import Pipelines, Volume, Volumes
from sweeptools.run import Run, Settings
from sweeptools.spec import Block, Node, Op, call, named
from sweeptools.stream.head import pack_head, unpack_head

FILTERS = ("kernel", "graph", "reduce", "scan")


@dataclass(frozen=True)
class Case:
    """An operation and one of its examples, as words of a command line."""

    op: Op
    example: str

    def __str__(self):
        return f"{self.op.name} {self.example}".strip()

    @property
    def params(self):
        return dict(self._parsed)

    @cached_property
    def _parsed(self):
        return words.parse(self.op, shlex.split(self.example))


def cases(kinds=FILTERS):
    """Every operation in ops/ of these kinds with each of its examples."""
    ops = [load(name) for name in names()]
    return [Case(op, example) for op in ops if op.kind in kinds for example in dict.fromkeys(op.examples)]


def volumes(seed=0):
    """Hostile volumes by name."""
    rng = np.random.default_rng(seed)
    decades = (10.0 ** rng.uniform(-12, 12, (9, 10, 11)) * rng.choice([-1, 1], (9, 10, 11))).astype("float64")
    special = rng.normal(50, 40, (6, 9, 13)).astype("float32")
    special.flat[rng.choice(special.size, 25, replace=False)] = [np.nan, np.inf, -np.inf, -0.0, 1e38] * 5
    blocky = np.zeros((12, 9, 17), "uint16")
    blocky[3:5, 2:6] = 700
    blocky[9] = rng.integers(0, 1000, blocky.shape[1:])
    return {
        "u8": rng.integers(0, 256, (11, 13, 18), dtype="uint8"),
        "u16 mostly constant": blocky,
        "i32 full range": rng.integers(-(2**31), 2**31, (7, 9, 10), dtype="int32"),
        "u8 small": rng.integers(0, 256, (2, 3, 1), dtype="uint8"),
        "f32 special": special,
        "f64 decades": decades,
        "mask": (rng.random((10, 11, 70)) < 0.35).astype("uint8"),
    }


def inputs_of(case, array):
    """{name: array} of the further inputs that an example names."""
    more, rng = {}, np.random.default_rng(7)
    for name, param in case.op.params.items():
        value = case.params.get(name)
        if isinstance(param, Pipelines):
            for key, text in value or ():
                word, *rest = shlex.split(text)
                more[key] = run(Case(load(word.removeprefix("sweep-")), shlex.join(rest)), array)[1]
        elif isinstance(param, Volumes):
            more |= {key: rng.integers(0, 3, array.shape).astype(array.dtype) for key, _ in value or ()}
        elif isinstance(param, Volume) and value is not None:
            more[name] = rng.integers(0, 3, array.shape).astype(array.dtype if param.multiple else "uint8")
    return more


def prepare(case, array, *, cut=None, head=None, again=False, then=None, others=None, sweep="up", **settings):
    """A Run of a case on an array, which may be a part of a volume as `head` says; `then` is a case put behind it,
    `others` are its further inputs."""
    head = (head or head_of(array, spacing=(2.0, 1.0, 0.5))).but(sweep=sweep)
    first = "a" if any(isinstance(p, Volumes) for p in case.op.params.values()) else "stdin"
    sources = {first: source(array, head, cut, again)}
    for key, other in (inputs_of(case, array) if others is None else others).items():
        sources[key] = source(other, head.but(dtype=other.dtype), cut if cut != "fill" else None, again)
    leaves = tuple(Node(head=s.head, name=name) for name, s in sources.items())
    node = Node(case.op, leaves, case.params, case.op.name, names=tuple(sources) if first == "a" else ())
    if then:
        node = Node(then.op, (node,), then.params, then.op.name)
    return Run([node], sources, Settings(**settings), found_only=bool(case.params.get("print")))


def run(case, array, **how):
    """(head or None, array or value) that comes out."""
    work = prepare(case, array, **how)
    return collect(work) if work.head is not None else (None, work.values()[0])


def same(a, b):
    """Equal to the bit, types included; NaN equals NaN."""
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    return pickle.dumps(a) == pickle.dumps(b)


def outcome(case, array, **how):
    """What comes out, or the refusal: a case that refuses must refuse however the stream is cut."""
    from sweeptools.errors import SweepError

    try:
        return run(case, array, **how)
    except SweepError as error:
        return None, f"{type(error).__name__}: {error}"


# ------------------------------------------------------------------ the laws

CUTS = (
    {"cut": 1, "depth": 1},
    {"cut": 2, "depth": 3, "threads": 2},
    {"cut": 3, "threads": 3, "again": True},
    {"cut": "fill", "depth": 2, "threads": 2},
    {"cut": 3, "depth": 2, "sweep": "down"},
)


def cut(case):
    """1. However the stream is cut into blocks, whichever way it is swept, and whatever the number of threads, the bytes
    are the same."""
    for name, array in volumes().items():
        whole = outcome(case, array)
        for how in CUTS:
            head, out = outcome(case, array, **how)
            assert same(whole[1], out), f"law 1 (cut): {case} on {name}: {how} gives other bytes than one block"


SECONDS = ("gauss 0.8", "threshold 10 200", "otsu", "label")


def fuse(case):
    """2. Fused equals piped, before and behind others: fusing keeps each stage's rounding and type. An operation's first
    example stands before each of SECONDS, the others before one of them in turn; before all of them in long runs."""
    if case.params.get("print") or not alone(case):
        return
    nth = case.op.examples.index(case.example)
    seconds = SECONDS if nth == 0 or os.environ.get("SOAK") else SECONDS[nth % len(SECONDS) :][:1]
    first, *seconds = (Case(load(name), " ".join(rest)) for name, *rest in map(str.split, ("gauss 0.8", *seconds)))
    for name, array in volumes(1).items():
        _fused(first, [case], name, array)
        if case.op.output == "stream":
            _fused(case, seconds, name, array)


def alone(case):
    """Whether a case reads its stdin and nothing else."""
    return not any(isinstance(p, (Volume, Volumes)) for p in case.op.params.values())


def _fused(first, seconds, name, array):
    head, middle = outcome(first, array)
    if head is None or not head.slices:
        return
    for second in seconds:
        piped = outcome(second, middle, head=head, cut=2)
        fused = outcome(first, array, then=second, cut=3, threads=2)
        assert same(piped[1], fused[1]), f"law 2 (fuse): {first} | {second} on {name}: fused is not piped"


def part(case):
    """3. Boxes cut with the summed halo, padded at the volume's own borders only, then merged, equal the whole."""
    for name, array in volumes(2).items():
        work = prepare(case, array)
        if work.graph.extent != "halo" or case.params.get("mode") == "wrap":
            return
        if work.graph.outs[0].head is None:
            _parts_of_a_reduction(case, name, array)
            continue
        whole, halo = collect(work)[1], work.graph.halo
        for box in _boxes(array.shape, np.random.default_rng(3)):
            grown = tuple((max(0, a - lo), min(n, b + hi)) for (a, b), (lo, hi), n in zip(box, halo, array.shape))
            kept = tuple((a - g, h - b) for (a, b), (g, h) in zip(box, grown))
            piece = np.ascontiguousarray(array[tuple(slice(*g) for g in grown)])
            head = head_of(array, spacing=(2.0, 1.0, 0.5)).but(box=grown, halo=kept)
            more = {key: other[tuple(slice(*g) for g in grown)] for key, other in inputs_of(case, array).items()}
            got, out = run(case, piece, head=head, others=more, cut=2, depth=3)
            core = tuple((a + lo, b - hi) for (a, b), (lo, hi) in zip(got.box, got.halo))
            assert core == box, f"law 3 (part): {case} on {name}: the part {box} came out as {core}"
            out = np.ascontiguousarray(out[tuple(slice(lo, n - hi) for n, (lo, hi) in zip(got.shape, got.halo))])
            expected = whole[tuple(slice(*b) for b in box)]
            assert same(np.ascontiguousarray(expected), out), f"law 3 (part): {case} on {name}: {box} differs from the whole"


def _boxes(shape, rng):
    """A volume cut at a random place along each axis: up to eight boxes."""
    sides = []
    for n in shape:
        at = int(rng.integers(0, n + 1))
        sides.append([(a, b) for a, b in ((0, at), (at, n)) if a < b])
    return list(itertools.product(*sides))


def _parts_of_a_reduction(case, name, array):
    rng = np.random.default_rng(5)
    work = prepare(case, array)
    (task,) = [t for t in work.graph.tasks if t.op]
    reduce = task.op.reduce
    known = {**task.params, "head": task.inputs[0].head}
    states = []
    for box in _boxes(array.shape, rng):
        state = call(reduce.start, known)
        z, y, x = box
        reduce.add(state, np.ascontiguousarray(array[slice(*z)]), (0, z[1] - z[0], *y, *x), z[0], **named(reduce.add, known))
        states.append(state)
    rng.shuffle(states)
    state = states[0]
    for other in states[1:]:
        state = reduce.merge(state, other)
    value = task.op.fn(state, **named(task.op.fn, known))
    assert same(run(case, array)[1], value), f"law 3 (part): {case} on {name}: merged parts are not the whole"


def head(case):
    """4. The head declared before the first voxel is the head that comes out, and passes the wire as it is."""
    from sweeptools.errors import UsageError

    for name, array in volumes(4).items():
        try:
            work = prepare(case, array, cut=2)
        except UsageError:                           # beyond so small a volume
            continue
        declared = work.head
        if declared is None:
            return
        shapes, types = set(), set()
        total = 0
        for block in work.blocks():
            data = block.array(declared)
            shapes.add(data.shape[1:])
            types.add(data.dtype)
            total += block.n
            assert block.n <= declared.depth, f"law 4 (head): {case} on {name}: a block deeper than declared"
        assert total == declared.slices, f"law 4 (head): {case} on {name}: {total} slices, declared {declared.slices}"
        assert shapes <= {declared.slice_shape}, f"law 4 (head): {case} on {name}: slices {shapes}"
        assert types <= {declared.dtype}, f"law 4 (head): {case} on {name}: types {types}, declared {declared.dtype}"
        again = unpack_head(pack_head(declared, None))[0]
        assert again == declared, f"law 4 (head): {case}: the head changes on the wire"


def state(case):
    """7. A scan saved at any block and loaded in a new process goes on to the same bytes."""
    from forked import call as forked

    array = volumes(6)["mask"][:7]
    work = prepare(case, array)
    if not any(t.op and t.op.kind == "scan" for t in work.graph.tasks):
        return
    whole = scanned(case.op.name, case.example, array)
    for at in (1, 4):
        saved = [given["saved"] for given in scanned(case.op.name, case.example, array, save_at=at)]
        resumed = forked("laws", "scanned", case.op.name, case.example, array, None, at, saved)
        resumes(case, whole, resumed, at)


def resumes(case, whole, resumed, at):
    for first, second in zip(whole, resumed, strict=True):
        assert same(first["after"][at:], second["after"][at:]), f"law 7 (state): {case} resumed at slice {at} differs"


def scanned(name, example, array, save_at=None, load_at=None, saved=()):
    """What every scan of a case's graph gives, in order: its slices, or the state it leaves behind.

    With save_at the state before that slice is kept as bytes; with load_at the scan is put into such a state there.
    """
    import sweeptools.run
    from sweeptools import state as states

    work = prepare(Case(load(name), example), array)
    work.settings.warm = False                       # no other scan than the case's own
    given = []

    def watched(task, blocks, known, disk, pool, threads, done):
        scan, source_head = task.op.scan, task.inputs[0].head
        known = {**known, "head": source_head, "disk": disk}
        now = call(scan.start, known)
        facts = {"after": [], "saved": b""}
        step = named(scan.step, known)
        for block in blocks:
            slices = range(block.z, block.z + block.n)
            for z in reversed(slices) if task.op.direction == "down" else slices:
                dst = None if task.head is None else np.zeros((1, *task.head.slice_shape), task.head.dtype)
                if load_at is not None and len(facts["after"]) < load_at:      # done by the process that saved the state
                    facts["after"].append(None)
                    yield 1 if dst is None else Block(z, 1, dst)
                    continue
                if len(facts["after"]) == save_at:
                    file = io.BytesIO()
                    states.save(now, file)
                    facts["saved"] = file.getvalue()
                if len(facts["after"]) == load_at:
                    now = states.load(io.BytesIO(saved[len(given)]), disk)
                src = np.ascontiguousarray(block.part(z, z + 1).array(source_head))
                scan.step(now, src, dst, z, **step)
                facts["after"].append(states.plain(now) if dst is None else dst)
                yield 1 if dst is None else Block(z, 1, dst)
        given.append(facts)
        if task.head is None:
            done(task.op.fn(now, **named(task.op.fn, known)))

    kept, sweeptools.run.scanned = sweeptools.run.scanned, watched
    try:
        for _ in work.blocks():
            pass
    finally:
        sweeptools.run.scanned = kept
    return given


def documented(op):
    """8. Summary, docstring, units, examples, page."""
    from pathlib import Path

    assert op.summary and op.summary[0].islower() and not op.summary.endswith("."), f"law 8: {op.name} has no summary"
    assert len(op.doc.split()) >= 12, f"law 8 (documented): {op.name} says too little of its meaning"
    assert op.task, f"law 8 (documented): {op.name} stands under no task"
    assert len(set(op.examples)) >= 3 or not op.params, f"law 8 (documented): {op.name} has fewer than three examples"
    for name, param in op.params.items():
        assert len(param.help.split()) > 1, f"law 8 (documented): {op.name}: {name} has no help"
        numeric = any(hasattr(kind, "low") and param.low is not None for kind in (param,))
        assert param.unit or not numeric or param.multiple or type(param).__name__ in ("Count", "Counts", "Number"), (
            f"law 8 (documented): {op.name}: {name} has bounds and no unit"
        )
    if op.name not in names():
        return
    page = Path(__file__).parent.parent / "man" / f"sweep-{op.name}.1"
    assert page.exists(), f"law 8 (documented): {page.name} is missing; python -m sweeptools.page --write"


def memory(case, small, large, again=lambda: []):
    """5. What is held above the baseline is at most what was predicted, for 8 times as many slices too; small and
    large are what probe_memory found. How much of the queues between threads is full at the peak of one run is chance, and
    the more so the shorter it is: `again` measures some more small runs, and the most that any of them held counts."""
    most = small["measured"]
    for told in (small, large):
        assert told["measured"] <= told["predicted"], f"law 5 (memory): {case} held more than was predicted: {told}"
    if not _grows(most, large):
        return
    most = max([most, *(told["measured"] for told in again())])
    more = large["measured"] - most
    assert not _grows(most, large), f"law 5 (memory): {case} holds {more} bytes more of a deeper volume"


def _grows(small, large):
    return large["measured"] - small > small / 10 + (1 << 20)


def once(case, stored, chunks):
    """6. Every stored chunk is read and decoded once a sweep; `stored` is the Source of a volume of so many chunks."""
    first = "a" if case.op.name == "calc" else "stdin"
    node = Node(case.op, (Node(head=stored.head, name=first),), case.params, case.op.name, names=("a",) * (first == "a"))
    work = Run([node], {first: stored}, Settings(), found_only=bool(case.params.get("print")))
    for _ in work.blocks():
        pass
    times = len(work.graph.needed_in(work.graph.leaves[0]))
    read, total = stored.stats["chunks"], stored.stats["chunks_total"]       # of all sweeps
    assert read == total == times * chunks, f"law 6 (once): {case}: {read} reads of {chunks} chunks in {times} sweeps"
