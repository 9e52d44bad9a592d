"""Seconds from what was measured: sums that can be checked by hand, damaged files, the same figure in plan and report."""

import contextlib
import json
import os
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from harness import head_of, parsed

from sweeptools import __version__, cli, costs
from sweeptools.costs import Costs, Counted, Ways
from sweeptools.engines import calibrate
from sweeptools.engines.fused import built
from sweeptools.engines.io import IO
from sweeptools.graph import elaborate
from sweeptools.ops import load
from sweeptools.options import Options
from sweeptools.spec import Node

TEXT = "sweep-synth ramp --shape 20,30,40 --dtype uint16 | sweep-gauss 1 | sweep-otsu | sweep-write {}.npy"


def told(**changes):
    """Costs that are easy to add up, in seconds of a byte, a voxel or an operation; the CPU's are half of them."""
    return {
        "version": __version__, "threads": 2, "start": {"run": 100, "first": 10, "kernel": 1},
        "read": {"npy": [3, 1.5], "zarr": [4, 2]}, "write": {"npy": [5, 2.5]},
        "spool": {"write": [0.25, 0.125], "read": [0.125, 0.125]}, "pipe": [1, 1], "hand": [0.5, 0.25],
        "operation": [2, 1],
        "tasks": {"invert.invert uint8": [[1, 7, 3.5]], "_lines.plane uint8": [[10, 20, 10], [20, 30, 30]]}, **changes,
    }  # fmt: skip


def graph_of(*steps, shape=(8, 5, 6), dtype=np.uint8):
    """The graph of steps, and its tasks by name."""
    node = Node(head=head_of(np.zeros(shape, dtype)).but(depth=2))
    for name, params in steps:
        node = node | load(name)(**parsed(load(name), params))
    graph = elaborate(node)
    return graph, {t.name: t for t in graph.tasks}


def test_a_sweep_takes_as_long_as_the_slowest_in_it_and_the_first_slab_and_the_last():
    graph, task = graph_of(("invert", {}))
    ways, n = Ways({"stdin": "npy"}, ((task["invert"], "npy", 4),)), 8 * 5 * 6
    known = Costs(told())
    ((seconds, slowest),) = known.sweeps(graph, (), {}, ways)
    assert slowest == "computing" and seconds == 7.5 * n + 3 * n / 4 + 5 * n / 2     # of 4 and of 2 slabs
    assert known.price(graph, (), {}, ways) == 100 + 10 + seconds and known.guessed == set()
    known.threads = 1                                # reading, computing and writing at once are more than one can do
    slow = told(read={"npy": [3, 30]})
    assert Costs(slow | {"threads": 1}).sweeps(graph, (), {}, ways)[0][1] == "all threads"


def test_what_was_measured_with_more_and_less_work_tells_what_lies_between():
    points = [[10, 20, 10], [20, 30, 30]]
    assert costs._between(points, 15) == [25, 20] and costs._between(points, 40) == [60, 60]
    assert costs._between(points, 5) == [20, 10] and costs._between(points[:1], 5) == [10, 5]


def test_what_was_never_measured_is_guessed_and_named():
    graph, task = graph_of(("clip", {"low": "3", "high": "9"}), dtype=np.uint16)
    known = Costs(told())
    known.sweeps(graph, (), {}, Ways({"stdin": "tiff"}))
    assert known.guessed == {"clip", "tiff"} and known.busy(task["clip"]) == 2 * 8 * 5 * 6
    graph, task = graph_of(("invert", {}), dtype=np.uint16)
    assert known.busy(task["invert"]) == 7 * 8 * 5 * 6, "another type of the same operation is nearest"


def test_saving_what_a_later_sweep_needs_costs_its_own():
    graph, task = graph_of(("gauss", {"sigma": "1"}), ("otsu", {}))
    smooth, n = task["depth"], 8 * 5 * 6
    again, saved = (Costs(told()).sweeps(graph, kept, {}, Ways({"stdin": "npy"})) for kept in ((), {smooth}))
    assert saved[1][0] < again[1][0] and saved[0][0] > again[0][0]
    count = Counted()
    dear = [replace(t.op, work=1e6) if t.name == "plane" else t.op for t in graph.tasks]
    assert count.price(graph, (), {}, None) < count.price(graph, {smooth}, {}, None) + 2 * n * 1e6
    for t, op in zip(graph.tasks, dear):
        t.op = op
    assert count.price(graph, {smooth}, {}, None) < count.price(graph, (), {}, None)


@pytest.mark.parametrize("text", [
    "", "{", "[]", "null", "7", json.dumps(told(version="0")), json.dumps(told(threads=3)), json.dumps(told(pipe=[1])),
    json.dumps(told(hand=[-1, 0])), json.dumps(told(hand=["1", 0])), json.dumps(told(hand=[float("nan"), 0])),
    json.dumps(told(read={})), json.dumps(told(spool={"read": [1, 1]})), json.dumps(told(tasks={"a": []})),
    json.dumps(told(start={"run": 1})), json.dumps({k: v for k, v in told().items() if k != "write"}),
])  # fmt: skip
def test_a_damaged_file_is_none(text, tmp_path, monkeypatch):
    monkeypatch.setenv("SWEEP_COSTS", str(tmp_path / "c.json"))
    (tmp_path / "c.json").write_text(text)
    assert costs.load(2) is None


def test_it_is_kept_complete_or_not_at_all(tmp_path, monkeypatch):
    monkeypatch.setenv("SWEEP_COSTS", str(tmp_path / "new" / "c.json"))
    assert costs.load(2) is None
    assert costs.save(told(), 2) == tmp_path / "new" / "c.json" and costs.load(2).told == told()
    assert os.listdir(tmp_path / "new") == ["c.json"]
    monkeypatch.setenv("SWEEP_COSTS", os.devnull + "/c.json")
    assert costs.save(told(), 2) is None and costs.load(2) is None
    monkeypatch.delenv("SWEEP_COSTS")
    monkeypatch.setenv("SWEEP_CACHE", str(tmp_path))
    assert costs.files(2)[0].parent == tmp_path and costs.files(2)[0] != costs.files(3)[0]


def run_here(command, cwd, **_):
    """What a process of its own would do, without the wait for its interpreter."""
    with contextlib.chdir(cwd):
        return SimpleNamespace(returncode=cli.main(["sweep-run", *command[4:]]), stderr="")


def test_measured_on_small_pieces_it_knows_all_of_a_pipeline(tmp_path, monkeypatch, capfd):
    """The seconds are whatever they are; that of each task of the pipeline, of its source and of its end there is one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SWEEP_COSTS", str(tmp_path / "c.json"))
    sizes = dict.fromkeys(("SMALL", "MIDDLE", "LARGE"), (6, 12, 16))
    for name, value in {**sizes, "ROUNDS": 1, "KINDS": {"npy": "{}.npy"}}.items():
        monkeypatch.setattr(calibrate, name, value)
    monkeypatch.setattr(calibrate.subprocess, "run", run_here)
    io = IO(load("plan"), {}, Options(threads=2))
    before = Costs(told())
    pipeline = built(TEXT.format("x"), io)
    assert costs.save(calibrate.Calibration(io, before, limit=0).told(pipeline), 2) is not None
    known = costs.load(2)
    assert known.told["tasks"]["invert.invert uint8"] == [[1, 7, 3.5]], "what was measured before is kept"
    (seconds, _), _ = known.sweeps(pipeline.graph, (), {}, Ways({"synth": "synth ramp"}, ()))
    assert known.guessed == set() and seconds > 0
    options = ["--threads", "2"]
    assert cli.main(["sweep-plan", TEXT.format("x"), "--json", *options]) == 0
    plan = json.loads(capfd.readouterr().out)
    assert plan["predicted_s"] > 0 and len(plan["predicted_sweeps"]) == 2 and plan["stages"][1]["busy_s"] > 0
    assert cli.main(["sweep-plan", TEXT.format("x"), *options]) == 0
    said = capfd.readouterr().out
    assert "\ntime " in said and "sweep 2: " in said and "\nwork " not in said
    assert cli.main(["sweep-run", TEXT.format("x"), "-q", *options, "--report", "r.json"]) == 0
    ran = json.loads((tmp_path / "r.json").read_text())
    assert ran["predicted_s"] == plan["predicted_s"] and ran["wall_s"] > 0


def test_without_measurements_there_is_work_and_no_seconds(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["sweep-plan", TEXT.format("x"), "--json"]) == 0
    plan = json.loads(capfd.readouterr().out)
    assert plan["predicted_s"] is None and plan["work"] > 0 and "busy_s" not in plan["stages"][1]
    assert cli.main(["sweep-plan", TEXT.format("x")]) == 0
    said = capfd.readouterr().out
    assert "\nwork " in said and "\ntime " not in said
