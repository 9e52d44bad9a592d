"""Slices that are too large: bands of rows with their halos give the files of whole slices, within the budget."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sweeptools import cli
from sweeptools.machine import parse_size

GRID = "--chunks 4,32,32 --shards none"
PIPELINES = {
    "chain": "sweep-read ../v.zarr | sweep-median 3 | sweep-erode ball:2 --mode constant | sweep-clip 9 60000 | sweep-invert"
             f" | sweep-gradmag 1,0.5,2 | sweep-write out.zarr {GRID}",
    "branches": "sweep-read ../v.zarr | sweep-gauss 1 | sweep-tee --to"
                f" 'sweep-threshold 30000 | sweep-write mask.zarr --chunks 4,64,32 --shards none'"
                f" | sweep-calc 'a-g+m' --via g='sweep-gauss 1,4,1' --let m=../v.zarr --dtype int32"
                f" | sweep-write out.zarr {GRID}",
}  # fmt: skip


@pytest.fixture(scope="module")
def volume(tmp_path_factory):
    """A directory with v.zarr, of 10 slices whose rows are no whole number of chunks."""
    folder = tmp_path_factory.mktemp("tiles")
    made = "sweep-synth blobs --shape 10,515,300 --dtype uint16 --spacing 2,1,1um"
    assert cli.main(["sweep-run", f"{made} | sweep-write {folder / 'v.zarr'} --chunks 4,32,32", "-q"]) == 0
    return folder


@pytest.fixture
def work(volume, monkeypatch):
    (volume / "work").mkdir()
    monkeypatch.chdir(volume / "work")
    yield volume / "work"
    shutil.rmtree(volume / "work")


def run(command, text, capfd, *options):
    status = cli.main([f"sweep-{command}", text, *options])
    return status, *capfd.readouterr()


def apart(command, text, *options):
    """The same in a process of its own, which always begins with the same memory."""
    done = subprocess.run([sys.executable, "-m", "sweeptools", command, text, *options], capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def files(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in Path(folder).rglob("*.*") if p.is_file()} | {
        str(p.relative_to(folder)): p.read_bytes() for p in Path(folder).rglob("c/*/*/*") if p.is_file()}  # fmt: skip


@pytest.mark.parametrize("text", PIPELINES.values(), ids=PIPELINES)
def test_bands_give_the_files_of_whole_slices(text, work, capfd):
    assert run("run", text, capfd, "-q")[0] == 0
    whole = {name: data for name, data in files(work).items()}
    for name in os.listdir(work):
        shutil.rmtree(name)
    status, _, said = apart("run", text, "-q", "--memory", "1M")
    assert status == 3 and os.listdir(work) == []
    least = parse_size(re.search(r"in \d+ tiles it still needs (\S+) of memory", said)[1])
    most = json.loads(apart("plan", text, "--json", "--memory", "64G")[1])["predicted_peak_bytes"]
    budget = str(least + (most - least) // 3)
    told = json.loads(apart("plan", text, "--json", "--memory", budget)[1])
    assert told["tiles"] > 1 and 1 < told["read"]["amplification"] < 2 and "tiles of" in told["decisions"][0]
    assert os.listdir(work) == []
    assert apart("run", text, "-q", "--memory", budget, "--report", "../r.json")[0] == 0
    ran = json.loads(Path("../r.json").read_text())
    assert ran["peak_bytes"] <= ran["predicted_peak_bytes"]
    assert ran["tiles"] == told["tiles"] and ran["read"]["amplification"] == told["read"]["amplification"]
    tiled = files(work)
    assert sorted(whole) == sorted(tiled) and len(whole) > 20
    assert [name for name in whole if whole[name] != tiled[name]] == []


@pytest.mark.parametrize("middle, why", [
    ("sweep-otsu", "otsu needs whole slices"), ("sweep-downsample 2", "downsample needs whole slices"),
    ("sweep-gauss 1 --mode wrap", "gauss --mode wrap needs whole slices"), ("sweep-crop 1:,:,:", "what crop keeps"),
])  # fmt: skip
def test_what_cannot_be_cut_says_so(middle, why, work, capfd):
    status, _, said = run("run", f"sweep-read ../v.zarr | {middle} | sweep-write x.zarr", capfd, "-q", "--memory", "1M")
    assert status == 3 and why in said and os.listdir(work) == []


@pytest.mark.parametrize("end, why", [
    ("sweep-write x.tif", "whole slices are written there"),
    ("sweep-write x.zarr --pyramid 1", "add them later with sweep-pyramid"),
    ("sweep-stats", "stats needs whole slices"),
])  # fmt: skip
def test_outputs_that_take_whole_slices_say_so(end, why, work, capfd):
    status, _, said = run("run", f"sweep-read ../v.zarr | sweep-gauss 1 | {end}", capfd, "-q", "--memory", "1M")
    assert status == 3 and why in said and os.listdir(work) == []
