"""Components chosen by a weight: `weighed` logs what becomes of them and what they weigh, `choice` follows the log to its
end, and `chosen` repeats the scan and gives the mask of the chosen. See _components.py for trace and table."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ..errors import SweepError, UsageError
from ..kernels import bits, objects, voxel
from ..params import Param
from ..spec import Scan, op
from ._components import GROUP, RESERVE, advance, begin, canvas, held, nonzero, painted, repaint

CHUNK = 1 << 16                    # logged weights that are looked at together


@op("the stream where a mask is not zero, else 0")
def where(src, inside, dst, box):
    voxel.where(src, inside, dst, box, 0)


@op("1 where a voxel is zero", dtype="uint8", role="mask")
def zero(src, dst, box):
    """1 where a voxel is zero, else 0; NaN is not zero."""
    bits.nonzero(src, dst, box)
    z0, z1, y0, y1, x0, x1 = box
    dst[z0:z1, y0:y1, x0:x1] ^= 1


def choose(stdin, connectivity, by_value, rule):
    """Node of the stream where its chosen components are, and 0 elsewhere; rule(weights) says what is chosen."""
    if stdin.head.components:
        named = ", ".join(stdin.head.components)
        raise UsageError(f"components are of one value per voxel, the stream has components {named}")
    voxels = stdin if by_value else stdin | nonzero()
    return stdin | where(mask(voxels, rule, connectivity=connectivity, by_value=by_value, faces=0))


def mask(voxels, rule, found="kept", **how):
    """Node of the mask of the chosen components of `voxels`; how many they are has the name `found`."""
    choice = (voxels | weighed(**how)).then(partial(choose_from, rule=rule))
    kept = choice.then(lambda choice: choice.kept, found=found)
    return voxels | chosen(**how, choice=choice, kept=kept)


# ------------------------------------------------------------------ the first sweep


@dataclass(frozen=True)
class Weights:
    """What the first sweep left behind: Trace's records, and the weights of all components."""

    log: Any                       # Log of int32: the records
    dead: Any                      # Log of int64: weights of those that died
    last: np.ndarray               # weights of the last window
    table: Any                     # empty Logs of int32 and of uint8
    rank: Any
    widest: int

    def parts(self):
        """All weights, in arrays of bounded size."""
        for i in range(0, len(self.dead), CHUNK):
            yield np.array(self.dead.array()[i : i + CHUNK])
        yield self.last


def weigh_start(head, disk, connectivity, by_value):
    state = begin(head, connectivity, by_value)
    runs = state["lab"].size
    logs = {"log": disk.log(np.int32), "dead": disk.log(np.int64), "table": disk.log(np.int32), "rank": disk.log(np.uint8)}
    ends = {"bottom": head.first, "top": head.first + head.slices - 1}
    return state | logs | ends | {"weight": np.zeros(runs, np.int64), "gone": np.zeros(runs, np.int64), "widest": 0}


def weigh_step(state, src, dst, z, *, faces, threads=None):
    def take(record, before, i):
        state["log"].append(record)
        n = objects.carry(record, state["weight"], before, state["gone"])
        state["dead"].append(state["gone"][:n])
        state["widest"] = max(state["widest"], state["window"])
        if faces:
            whole = z + i in (state["bottom"], state["top"])
            objects.add_faces(src[i], state["starts"], state["lab"], whole, state["weight"])
        elif state["by_value"]:
            objects.add_value_sizes(state["row"], state["begin"], state["end"], state["lab"], state["weight"])
        else:
            group = GROUP[state["connectivity"]]
            objects.add_sizes(state["bits"], group, state["starts"], state["lab"], state["weight"])

    advance(state, src, take, threads)


@op(
    "log what becomes of components, and what they weigh", scan=Scan(weigh_start, weigh_step), output="value",
    direction="up", memory=lambda head, by_value, connectivity=6: held(head, by_value, 56, connectivity) + 10 * RESERVE,
)  # fmt: skip
def weighed(
    state, *, connectivity: Param("6, 18 or 26"), by_value: Param("whether only equal voxels are neighbours"),
    faces: Param("whether the weight is minus the runs that touch a face of the volume, instead of the voxels"),
):  # fmt: skip
    """Weights of the stream: where not by value it is a mask of 0 and 1."""
    last = state["weight"][: state["window"]].copy()
    return Weights(state["log"], state["dead"], last, state["table"], state["rank"], state["widest"])


# ------------------------------------------------------------------ the log, backwards


def at_least(weights, *, least):
    """Those that weigh so much: (low, high, ties) of the ranks."""
    return least, least, 0


def largest(weights, *, most):
    """So many of the heaviest, of equals the first."""
    best = np.empty(0, np.int64)
    for part in weights.parts():
        best = np.concatenate([best, part])
        if len(best) > most:
            best = np.partition(best, len(best) - most)[-most:]
    if len(best) < most:
        return 0, 0, 0
    least = int(best.min())
    return least, least + 1, int((best == least).sum())


@dataclass(frozen=True)
class Choice:
    """What becomes of every component and its rank, from the last created to the first; how many of rank 1 are chosen,
    and how many in all."""

    log: Any
    table: Any
    rank: Any
    ties: int
    kept: int


def choose_from(weights, rule):
    low, high, ties = rule(weights)
    kept = ties + sum(int((part >= high).sum()) for part in weights.parts())
    root, below = np.arange(weights.widest, dtype=np.int32), np.empty(2 * weights.widest, np.int32)
    weight, before = np.zeros(weights.widest, np.int64), np.empty(weights.widest, np.int64)
    weight[: len(weights.last)] = weights.last
    out = np.empty(max(weights.widest, RESERVE), np.int32)
    rank = np.empty(len(out), np.uint8)
    at, died_at, window = len(weights.log), len(weights.dead), len(weights.last)
    while at > 0:
        at, died_at, window, n = objects.resolve(
            weights.log.array(), at, weights.dead.array(), died_at, window, root, below, weight, before, low, high, out, rank
        )
        weights.table.append(out[:n])
        weights.rank.append(rank[:n])
    return Choice(weights.log, weights.table, weights.rank, ties, kept)


# ------------------------------------------------------------------ the second sweep


def chosen_start(head, connectivity, by_value, choice):
    state = begin(head, connectivity, by_value)
    return state | {"read": 0, "left": len(choice.table), "ties": choice.ties} | canvas(state, head, np.uint8)


def chosen_step(state, src, dst, z, *, choice, threads=None):
    log, table, rank = choice.log.array(), choice.table.array(), choice.rank.array()
    repaint(state, src, dst, log, partial(assign, table=table, rank=rank), threads)


def assign(state, record, table, rank):
    """Which components of a new window are chosen."""
    state["left"], state["ties"] = objects.choose(
        record, table, rank, state["left"], state["window"], state["num"], state["ties"]
    )


def chosen_end(state):
    if state["left"]:
        raise SweepError("the source changed between sweeps: it has fewer slices than before")


@op(
    "1 where a component is chosen", scan=Scan(chosen_start, chosen_step, chosen_end), direction="up", dtype="uint8",
    role="mask", memory=lambda head, by_value, connectivity=6: painted(head, by_value, np.uint8, connectivity),
)  # fmt: skip
def chosen(
    state, *, connectivity: Param("6, 18 or 26"), by_value: Param("whether only equal voxels are neighbours"),
    faces: Param("what the weights were"), choice: Param("what becomes of every component"),
    kept: Param("how many are chosen"),
):  # fmt: skip
    """The scan of `weighed` again, whose records must be the same."""
