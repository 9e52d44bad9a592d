"""A pipeline in one process: the same bytes as the shell's, one reading of what is named often, errors that end it whole."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sweeptools import cli
from sweeptools.engines.fused import built
from sweeptools.engines.io import IO
from sweeptools.ops import load
from sweeptools.options import Options

SHAPE = "21,30,34"
PIPELINES = [                                        # each leaves files in its directory, or text on its stdout
    "sweep-read ../v.zarr --sweep down | sweep-calc 'f-g' --via f='sweep-gauss 1' --via g='sweep-gauss 2'"
    " | sweep-tee raw.zarr --to 'sweep-stats --out s.tsv' --to 'sweep-otsu | sweep-write mask.zarr'"
    " | sweep-median 3 | sweep-write out.tif",
    "sweep-read ../v.zarr | sweep-mask <(sweep-read ../v.zarr | sweep-otsu) | sweep-stats --pass s.json"
    " | sweep-stretch --dtype uint8 | sweep-write m.zarr",
    "sweep-read ../v.zarr --range 3:9 | sweep-otsu | sweep-label -q"
    " | sweep-regions --intensity <(sweep-read ../v.zarr --range 3:9)",
    "sweep-calc 'x-y' --let x=../v.zarr --let y=<(sweep-read ../v.zarr | sweep-box 3) --dtype int32 | sweep-write d.zarr",
    "sweep-compare ../v.zarr <(sweep-read ../v.zarr | sweep-gauss 0)",
]  # fmt: skip


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A directory with a volume v.zarr beside it, which is the working directory."""
    make(f"sweep-synth blobs --shape {SHAPE} --dtype uint16 --spacing 2,1,1um --period 8 | sweep-write", tmp_path / "v.zarr")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path


def make(pipeline, path):
    assert cli.main(["sweep-run", f"{pipeline} {shlex.quote(str(path))} --chunks 8,16,16"]) == 0


def run(text, *options):
    """The exit status of a pipeline that is run in this process."""
    return cli.main(["sweep-run", text, "-q", *options])


def files(folder):
    """{name: bytes} of every file in a folder."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in Path(folder).rglob("*") if p.is_file()}


def test_the_files_and_answers_of_the_shell(here, shell, capfd, monkeypatch):
    (here / "shell").mkdir()
    done = shell("set -e -o pipefail; cd shell; " + "; ".join(PIPELINES))
    assert done.returncode == 0, done.stderr
    capfd.readouterr()
    for line in PIPELINES:
        assert run(line) == 0
    assert capfd.readouterr().out == done.stdout
    one, two = files(here / "shell"), files(here / "work")
    assert sorted(one) == sorted(two)
    assert {name for name in one if one[name] != two[name]} == set()


STEPS = ["gauss 1", "box 3", "median 3", "erode cross", "clip 20 50000", "invert", "otsu", "normalize",
         "stretch --dtype uint8", "crop 1:,:-2,3:", "downsample 2", "calc 'a*2+f' --via f='sweep-erode box:3'",
         "threshold 30", "cast float32",
         "tee --to 'sweep-stats --out stats.tsv'", "rescale 0 100 0 1", "gauss 1 --mode wrap",
         "flip z", "permute xzy", "pad 2", "otsu | sweep-edt", "otsu | sweep-label -q", "otsu | sweep-fill-holes",
         "tophat cross"]  # fmt: skip


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(st.sampled_from(STEPS), min_size=2, max_size=6), threads=st.integers(1, 4), depth=st.integers(1, 9))
def test_random_pipelines_step_by_step(here, steps, threads, depth):
    """Fused is what each step makes of the whole result of the one before."""
    for name in os.listdir("."):
        subprocess.run(["rm", "-rf", name], check=True)
    text = " | ".join(f"sweep-{step}" for step in steps)
    assert run(f"sweep-read ../v.zarr | {text} | sweep-write all.zarr", "--threads", str(threads)) == 0
    before = "../v.zarr"
    for i, step in enumerate(steps):
        assert run(f"sweep-read {before} | sweep-{step} | sweep-write {i}.zarr", "--threads", "1") == 0
        before = f"{i}.zarr"
    assert cli.main(["sweep-compare", "all.zarr", before]) == 0


@pytest.mark.parametrize("steps", [
    ["otsu", "label -q", "edt --by-value"], ["otsu", "edt", "threshold 2", "label -q", "flip z", "edt --by-value"],
    ["otsu", "label -q", "flip z", "label -q --by-value"],
])  # fmt: skip
def test_commands_that_go_up_and_others_that_go_down(steps, here):
    test_random_pipelines_step_by_step.hypothesis.inner_test(here, steps, 2, None)


def test_branches_that_go_up_and_down(here):
    text = ("sweep-read ../v.zarr | sweep-otsu | sweep-tee --to 'sweep-edt | sweep-write e.zarr'"
            " --to 'sweep-label -q | sweep-write l.zarr' | sweep-write m.zarr")  # fmt: skip
    assert run(text) == 0
    assert run("sweep-read m.zarr | sweep-label -q | sweep-write l2.zarr") == 0
    assert run("sweep-read m.zarr | sweep-edt | sweep-write e2.zarr") == 0
    assert cli.main(["sweep-compare", "l.zarr", "l2.zarr"]) == cli.main(["sweep-compare", "e.zarr", "e2.zarr"]) == 0


def test_what_is_named_often_is_read_once(here):
    text = ("sweep-read ../v.zarr | sweep-tee --to 'sweep-gauss 1 | sweep-write a.zarr' | sweep-calc 'a-g-h'"
            " --via g='sweep-gauss 1' --let h=<(sweep-read ../v.zarr | sweep-gauss 1) | sweep-write b.zarr")  # fmt: skip
    assert run(text, "--report", "r.json") == 0
    told = json.loads(Path("r.json").read_text())
    assert told["read"]["amplification"] == 1.0 and told["sweeps"] == 1
    pipeline = plan_of(text)
    assert len(pipeline.graph.leaves) == 1 and sum(t.name == "lines-z" for t in pipeline.graph.tasks) <= 1
    assert len([t for t in pipeline.graph.tasks if t.origin is not None and t.origin.name == "gauss"]) == 2


def plan_of(text):
    op = load("run")
    return built(text, IO(op, {}, Options()))


def test_voxel_operations_in_a_row_are_one_pass(here):
    ten = " | ".join(["sweep-clip 5 60000", "sweep-invert"] * 4 + ["sweep-cast float32", "sweep-threshold 100"])
    assert run(f"sweep-read ../v.zarr | {ten} | sweep-write x.zarr", "--report", "r.json") == 0
    told = json.loads(Path("r.json").read_text())
    assert told["handovers"] == 2 and told["copies"] == 0         # into the pass, and out of it
    assert not any("invert" in item["what"] for item in told["memory_items"])
    assert sum(stage["busy_s"] > 0 for stage in told["stages"]) == 10


def test_measured_within_predicted(here):
    text = ("sweep-synth noise --shape 200,256,250 --dtype uint16 | sweep-calc 'f-g' --via f='sweep-gauss 1'"
            " --via g='sweep-gauss 3' | sweep-write x.zarr")  # fmt: skip
    command = [sys.executable, "-m", "sweeptools", "run", text, "--report", "r.json", "--threads", "2"]
    assert subprocess.run(command, check=True, stderr=subprocess.PIPE).returncode == 0
    told = json.loads(Path("r.json").read_text())
    measured, predicted = (told[n] - told["baseline_bytes"] for n in ("peak_bytes", "predicted_peak_bytes"))
    assert 0.6 * predicted <= measured <= predicted, told["memory_items"]


def test_a_smaller_budget_takes_thinner_blocks_and_the_same_bytes_until_it_refuses(here):
    text = "sweep-read ../v.zarr | sweep-gauss 2 | sweep-median 3 | sweep-write {}.zarr"

    def apart(name, *words):                         # from run to run a process grows, and with it the budget that is named
        command = [sys.executable, "-m", "sweeptools", "run", text.format(name), *words]
        return subprocess.run(command, capture_output=True, text=True)

    assert run(text.format("a")) == 0
    refused = apart("b", "--memory", "1M")
    assert refused.returncode == 3
    assert not os.path.exists("b.zarr") and not os.path.exists(".b.zarr.partial")
    least = refused.stderr.split("--memory ")[-1].strip()
    enough = apart("c", "--memory", least)
    assert enough.returncode == 0, f"the budget that was named is not enough: {enough.stderr}"
    assert cli.main(["sweep-compare", "a.zarr", "c.zarr"]) == 0


@pytest.mark.parametrize("text, status, said", [
    ("sweep-read ../v.zarr | sweep-gaus 1 | sweep-write x.zarr", 2, "sweep-gaus: there is no such command, did you"),
    ("sweep-read ../v.zarr | sweep-gauss 1 --siz 3 | sweep-write x.zarr", 2, "sweep-gauss: there is no option --siz"),
    ("sweep-read none.zarr | sweep-gauss 1 | sweep-write x.zarr", 2, "sweep-read: none.zarr"),
    ("sweep-read ../v.zarr | pv | sweep-write x.zarr", 2, "'pv' is no command of sweeptools"),
    ("sweep-read ../v.zarr | sweep-gauss 1 > x", 2, "files are written by sweep-write"),
    ("sweep-read $(ls) | sweep-write x.zarr", 2, "put its result in a variable"),
    ("sweep-read ../v.zarr | sweep-write x.zarr | sweep-gauss 1", 2, "sweep-write gives no stream to sweep-gauss 1"),
    ("sweep-read ../v.zarr | sweep-read ../v.zarr", 2, "must be the first command"),
    ("sweep-read ../v.zarr | sweep-run 'sweep-read x'", 2, "a pipeline cannot hold sweep-run"),
    ("sweep-read ../v.zarr | sweep-gauss 1 | sweep-write ../v.zarr", 3, "../v.zarr exists; use --overwrite"),
    ("sweep-read ../v.zarr | sweep-mask <(sweep-read ../v.zarr --range 3:5) | sweep-write x.zarr", 2, "voxels"),
    ("sweep-read ../v.zarr | sweep-tee --to 'sweep-stats --out no/s.tsv' | sweep-write x.zarr", 2, "no/s.tsv"),
    ("sweep-read ../v.zarr | sweep-map fails.py:no | sweep-write x.zarr", 1, "ValueError: no"),
])  # fmt: skip
def test_mistakes_are_told_with_the_command_and_leave_nothing(text, status, said, here, capfd):
    Path("fails.py").write_text("def no(a):\n    if a.any():\n        raise ValueError('no')\n    return a\n")
    assert run(text) == status
    assert said in capfd.readouterr().err
    assert sorted(set(os.listdir(".")) - {"__pycache__"}) == ["fails.py"]


def test_a_failing_branch_publishes_nothing_and_is_named(here, capfd):
    text = "sweep-read ../v.zarr | sweep-tee --to 'sweep-calc 1//0 --let a=../v.zarr' | sweep-write x.zarr"
    assert run(text) != 0 and not os.path.exists("x.zarr")
    text = "sweep-read ../v.zarr | sweep-tee --to 'sweep-write ../v.zarr' | sweep-write x.zarr"
    assert run(text) == 3
    assert "branch failed: ../v.zarr exists" in capfd.readouterr().err and os.listdir(".") == []


def test_a_damaged_chunk_ends_it_with_nothing_left(here, capfd):
    chunk = max((p for p in (here / "v.zarr" / "0").rglob("*") if p.is_file() and p.name != "zarr.json"),
                key=lambda p: p.stat().st_size)  # fmt: skip
    data = bytearray(chunk.read_bytes())
    data[len(data) // 2 :] = bytes(len(data) - len(data) // 2)
    chunk.write_bytes(data)
    assert run("sweep-read ../v.zarr | sweep-gauss 1 | sweep-otsu | sweep-write x.zarr") in (1, 4)
    assert "v.zarr" in capfd.readouterr().err and os.listdir(".") == []


def test_interrupted_it_ends_within_a_second_and_leaves_nothing(here):
    text = "sweep-synth noise --shape 100000,256,256 | sweep-tee --to 'sweep-write a.zarr' | sweep-write b.zarr"
    process = subprocess.Popen([sys.executable, "-m", "sweeptools", "run", text])
    until = time.monotonic() + 60
    while not os.path.exists(".b.zarr.partial/b.zarr/0/c") and time.monotonic() < until:
        time.sleep(0.05)
    start = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 143 and time.monotonic() - start < 2
    assert [n for n in os.listdir(".") if not n.startswith(".")] == []


def test_without_a_spool_no_place_for_one_is_needed(here, monkeypatch):
    monkeypatch.setenv("TMPDIR", "/proc/none")
    text = "sweep-read ../v.zarr | sweep-otsu | sweep-tee m.zarr | sweep-gauss 1 | sweep-write x.zarr"
    assert built(text, IO(load("run"), {}, Options())).graph.sweeps == 2
    assert run(text, "--report", "r.json") == 0
    assert json.loads(Path("r.json").read_text())["spool_bytes"] == 0


def test_a_stream_in_and_a_stream_out(here, shell):
    done = shell("cd work; sweep-read ../v.zarr | sweep-run 'sweep-gauss 1 | sweep-otsu' | sweep-write o.zarr"
                 " && sweep-run 'sweep-read ../v.zarr | sweep-gauss 1 | sweep-otsu | sweep-write p.zarr'"
                 " && sweep-compare o.zarr p.zarr")  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_a_file_with_comments_and_broken_lines(here, monkeypatch):
    monkeypatch.setenv("VOLUME", "../v.zarr")
    Path("job").write_text("#!/usr/bin/env -S sweep-run -f\n# smooth\nsweep-read $VOLUME  # the volume\n"
                           "  | sweep-gauss 1\n    --mode nearest |\n\n  sweep-write x.zarr\n")  # fmt: skip
    assert cli.main(["sweep-run", "-f", "job"]) == 0
    assert cli.main(["sweep-run", "sweep-read ../v.zarr | sweep-gauss 1 --mode nearest | sweep-write y.zarr"]) == 0
    assert cli.main(["sweep-compare", "x.zarr", "y.zarr"]) == 0
