"""Slices that are too large: tiles with their halos give the files of whole slices, within the budget."""

import json
import os
import re
import shutil
import subprocess
import sys
import weakref
from pathlib import Path

import pytest

from sweeptools import cli
from sweeptools.engines import tiled
from sweeptools.engines.fused import Fused
from sweeptools.engines.grid import Grid, amplification, choose
from sweeptools.errors import Refused
from sweeptools.machine import parse_size
from sweeptools.spec import Head

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
def test_tiles_give_the_files_of_whole_slices(text, work, capfd):
    assert run("run", text, capfd, "-q")[0] == 0
    whole = {name: data for name, data in files(work).items()}
    for name in os.listdir(work):
        shutil.rmtree(name)
    status, _, said = apart("run", text, "-q", "--memory", "1M")
    assert status == 3 and os.listdir(work) == []
    least = parse_size(re.search(r"in \d+ tiles it still needs (\S+) of memory", said)[1])
    most = json.loads(apart("plan", text, "--json", "--memory", "64G")[1])["predicted_peak_bytes"]
    budget = str(least + (most - least) // 8)
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


MASK = "sweep-threshold {} | sweep-label --connectivity {} | sweep-write a.zarr"
LABELS = {
    "6": ("blobs", f"sweep-gauss 2 | sweep-median 3 | {MASK.format(33000, 6)}"),
    "18": ("noise", MASK.format(45000, 18)), "26": ("noise", MASK.format(52000, 26)),
    "tee and zip": ("blobs", "sweep-gauss 1 | sweep-tee --to 'sweep-median 3 | sweep-write b.zarr {grid}'"
                             " | sweep-calc 'a>g' --via g='sweep-gauss 0,2,2' | sweep-label --dtype uint64"
                             " | sweep-write a.zarr"),
    "regions": ("blobs", "sweep-threshold 36000 | sweep-label | sweep-tee --to 'sweep-write b.zarr {grid}' | sweep-regions"),
    "all": ("noise", "sweep-label | sweep-write a.zarr"),
    "none": ("noise", "sweep-threshold 65535 | sweep-label | sweep-write a.zarr"),
    "by value 6": ("blobs", "sweep-calc 'a//9000' --dtype uint8 | sweep-label --by-value | sweep-write a.zarr"),
    "by value 18": ("noise", "sweep-calc 'a//20000' --dtype float32 | sweep-label --by-value --connectivity 18"
                             " | sweep-write a.zarr"),
    "by value 26": ("noise", "sweep-calc 'a//13000' --dtype int16 | sweep-label --by-value --connectivity 26"
                             " | sweep-write a.zarr"),
}  # fmt: skip
SMALL = "sweep-synth blobs --shape 9,70,90 --dtype {} --period 8 --spacing 2,1,1um --seed 4"
SIZES = ((64, 64), (32, 96))                           # rows and columns of tiles, in files of 32 x 32
CUT = {
    "no filter": "sweep-write a.zarr",
    "halos": "sweep-gauss 1,2,0.7 | sweep-median 3 | sweep-write a.zarr",
    "tee and zip": "sweep-tee --to 'sweep-erode box:2 | sweep-write b.zarr {grid}'"
                   " | sweep-calc 'a-g' --via g='sweep-gauss 1' --dtype float32 | sweep-write a.zarr",
    "otsu": "sweep-gauss 1 | sweep-otsu | sweep-open ball:1 | sweep-write a.zarr",
    "a sink in each sweep": "sweep-gauss 1 | sweep-tee --to 'sweep-write b.zarr {grid}' | sweep-normalize"
                            " | sweep-write a.zarr",
    "equalize": "sweep-equalize | sweep-write a.zarr",
    "li": "sweep-li --print", "otsus": "sweep-gauss 2 | sweep-otsu --classes 3 --print",
    "stats": "sweep-gauss 1 | sweep-stats --pass stats.tsv | sweep-hist --bins 7", "per slice": "sweep-stats --per-slice",
    "quantiles": "sweep-gauss 1 --dtype float32 | sweep-quantile 0.1 0.5 0.77",
    "regions": "sweep-threshold 40000 | sweep-regions --surface",
}  # fmt: skip


def outcome(command, work, capfd):
    """(status, stdout, stderr, files) of a run; the files are taken away."""
    done = run(*command, capfd)
    found = files(work) | {p.name: p.read_bytes() for p in work.glob("*.tsv")}
    for name in os.listdir(work):
        shutil.rmtree(name) if os.path.isdir(name) else os.remove(name)
    return *done, found


def whole_and_tiled(text, work, capfd, monkeypatch, sizes=SIZES):
    """What the run of a pipeline gives, and whether each of these sizes of tiles gives the same."""
    text = text.replace("a.zarr", f"a.zarr {GRID}").replace("{grid}", GRID)
    whole = outcome(("run", text), work, capfd)
    assert whole[0] == 0, whole[2]

    def refuse(self):
        raise Refused("too large", 1)

    monkeypatch.setattr(Fused, "go", refuse)
    for size in sizes:

        def given(plane, step, cost, fits, size=size):
            grid = Grid(plane, size)
            assert len(grid.tiles) > 1 and fits(grid)
            return grid

        monkeypatch.setattr(tiled, "choose", given)
        cut = outcome(("run", text), work, capfd)
        assert cut[:3] == whole[:3], size
        assert sorted(cut[3]) == sorted(whole[3]) and [n for n in whole[3] if whole[3][n] != cut[3][n]] == [], size
    return whole


@pytest.mark.parametrize("text", CUT.values(), ids=CUT)
def test_any_tiles_give_what_whole_slices_give(text, work, capfd, monkeypatch):
    whole_and_tiled(f"{SMALL.format('uint16')} | {text}", work, capfd, monkeypatch)


@pytest.mark.parametrize("kind, text", LABELS.values(), ids=LABELS)
def test_labels_merge_across_the_faces_of_tiles(kind, text, work, capfd, monkeypatch):
    whole = whole_and_tiled(f"{SMALL.format('uint16').replace('blobs', kind)} | {text}", work, capfd, monkeypatch)
    assert "labels" in whole[2]


def test_nothing_of_a_tile_is_left_when_the_next_begins(work, capfd, monkeypatch):
    parts, begun, run, tile = [], [], tiled.Tiled._run, tiled.Tiled._tile

    def watched(self, *at):
        made = run(self, *at)
        parts.append(weakref.ref(made))
        return made

    def alone(self, *at):
        begun.append([part for part in parts if part() is not None])
        tile(self, *at)

    monkeypatch.setattr(tiled.Tiled, "_run", watched)
    monkeypatch.setattr(tiled.Tiled, "_tile", alone)
    whole_and_tiled(f"{SMALL.format('uint8')} | sweep-gauss 1 | {MASK.format(120, 6)}", work, capfd, monkeypatch)
    assert begun == [[]] * (2 * (4 + 3))


LARGE = "sweep-synth checker --period 128 --shape 128,20000,20000 --dtype uint16 | sweep-gauss 2"
CUBES = 157 * 157 // 2                                 # that are not 0; apart where what is half of either is not in them


@pytest.mark.soak
@pytest.mark.parametrize("text", [
    f"{LARGE} | sweep-median 3 | sweep-threshold 40000 | sweep-label | sweep-write a.zarr",
    f"{LARGE} | sweep-tee --to 'sweep-median 3 | sweep-write b.zarr --shards 64,64,2048'"
    " | sweep-calc '(a > 40000) & (m > 40000)' --via m='sweep-median 3' --dtype uint8 | sweep-label"
    " | sweep-write a.zarr --shards 64,64,2048",
], ids=["chain", "tee and zip"])  # fmt: skip
def test_slices_of_800_megabytes_in_1500(text, work):
    """100 GiB made up, whose slices of 0.8 GB would need a window of 256 GB."""
    status, _, said = apart("run", text, "--memory", "1500M", "--threads", "2", "--report", "../large.json")
    assert status == 0, said
    ran = json.loads(Path("../large.json").read_text())
    assert ran["tiles"] > 1 and ran["peak_bytes"] <= ran["predicted_peak_bytes"] <= parse_size("1500M")
    assert f"labels {CUBES}" in said


def test_chosen_tiles_read_least():
    """Against all cuts of a plane, with a memory that is a number of voxels, its halo included."""
    heads = [Head((4, 230, 310), "uint8", chunks=(4, 16, 16)), Head((4, 230, 310), "uint8")]
    halo, step = ((3, 5), (2, 0)), (8, 32)

    def cost(grid):
        return amplification(grid, heads, halo) + 0.5 * grid.cuts_rows

    for room in (100, 700, 1500, 4000, 12000, 40000, 80000):
        def fits(grid, room=room):
            return max((b - a + 8) * (d - c + 2) for (a, b), (c, d) in grid.tiles) <= room

        cuts = [Grid((230, 310), (h, w)) for h in range(8, 240, 8) for w in range(32, 330, 32)]
        best = min((cost(grid) for grid in cuts if fits(grid)), default=None)
        found = choose((230, 310), step, cost, fits)
        assert (found is None) == (best is None)
        assert found is None or fits(found) and cost(found) <= 1.1 * best
    assert amplification(Grid((230, 310), (230, 310)), heads, halo) == 1


@pytest.mark.parametrize("middle, why", [
    ("sweep-edt", "edt needs whole slices"), ("sweep-downsample 2", "downsample needs whole slices"),
    ("sweep-gauss 1 --mode wrap", "gauss --mode wrap needs whole slices"), ("sweep-crop 1:,:,:", "what crop keeps"),
])  # fmt: skip
def test_what_cannot_be_cut_says_so(middle, why, work, capfd):
    status, _, said = run("run", f"sweep-read ../v.zarr | {middle} | sweep-write x.zarr", capfd, "-q", "--memory", "1M")
    assert status == 3 and why in said and os.listdir(work) == []


@pytest.mark.parametrize("end, why", [
    ("sweep-write x.tif", "whole slices are written there"),
    ("sweep-write x.zarr --pyramid 1", "add them later with sweep-pyramid"),
    ("sweep-digest", "digest needs whole slices"),
])  # fmt: skip
def test_outputs_that_take_whole_slices_say_so(end, why, work, capfd):
    status, _, said = run("run", f"sweep-read ../v.zarr | sweep-gauss 1 | {end}", capfd, "-q", "--memory", "1M")
    assert status == 3 and why in said and os.listdir(work) == []
