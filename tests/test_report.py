"""What a run reports, and that it is true: predicted before, honoured during, measured after; refused where it cannot be."""

import json
import os
import subprocess
from functools import cache

import pytest
from conftest import environment

SLICES = 160                             # of the small volume; the other is 8 times as deep
NAMES = """pipeline version wall_s peak_bytes predicted_peak_bytes baseline_bytes sweeps groups tiles spool_bytes
predicted_s handovers read write stages memory_items refused""".split()
STAGE = "name busy_s wait_in_s wait_out_s depth halo peak_bytes predicted_peak_bytes baseline_bytes".split()
BLOCK = 4 << 20                          # bytes of a block, of which by chance one fewer may be on its way
MORE = 1 << 20                           # bytes by which two runs of the same pipe may differ

PIPES = {
    "segmentation": "sweep-synth blobs --shape {shape} --dtype uint16 | sweep-gauss 1 | sweep-otsu | sweep-label"
                    " | sweep-write out.ome.zarr --chunks 16,64,64",
    "shards": "sweep-read v.zarr | sweep-median 3 | sweep-write out.zarr --chunks 16,64,64",
    "chunks": "sweep-read v.zarr | sweep-write out.zarr --chunks 16,64,64 --shards none",
    "tiff": "sweep-read v.zarr | sweep-normalize | sweep-write out.tif",
    "npy": "sweep-read v.zarr | sweep-calc 'a * 2 - 1' --dtype int32 | sweep-write out.npy",
    "stream": "sweep-read v.zarr | sweep-erode ball:1 | sweep-write out.sweep",
}  # fmt: skip


@pytest.fixture(scope="module")
def volumes(tmp_path_factory):
    """The path of a volume of so many slices; each is made once for all pipes that read it."""

    @cache
    def made(slices):
        path = tmp_path_factory.mktemp("volumes") / "v.zarr"
        noise = f"sweep-synth noise --shape {slices},256,250 --dtype uint16"
        line = f"{noise} | sweep-write {path} --chunks 16,64,64"
        subprocess.run(["bash", "-o", "pipefail", "-c", line], env=environment(), check=True, timeout=120)
        return path

    return made


@pytest.fixture
def report(shell, tmp_path, volumes):
    """The report of a pipe over a volume of so many slices."""

    def run(pipe, slices):
        (tmp_path / "v.zarr").unlink(missing_ok=True)
        if "v.zarr" in pipe:
            (tmp_path / "v.zarr").symlink_to(volumes(slices))
        line = f"set -e -o pipefail; rm -rf out*; {pipe.format(shape=f'{slices},256,250')} --report r.json"
        done = shell(line, SWEEP_THREADS="2", TMPDIR=str(tmp_path))
        assert done.returncode == 0, done.stderr
        return json.loads((tmp_path / "r.json").read_text())

    return run


def above(told):
    """(measured, predicted) bytes above the baseline."""
    return tuple(told[name] - told["baseline_bytes"] for name in ("peak_bytes", "predicted_peak_bytes"))


@pytest.mark.parametrize("pipe", PIPES.values(), ids=PIPES)
def test_every_stage_holds_what_was_predicted_however_deep_the_volume_is(pipe, report):
    small, deep = report(pipe, SLICES), report(pipe, 8 * SLICES)
    for told in (small, deep):
        assert set(NAMES) <= set(told)
        for stage in told["stages"]:
            measured, predicted = above(stage)
            assert measured <= predicted, stage
            assert sum(item["bytes"] for item in stage["memory_items"]) == predicted
        measured, predicted = above(told)
        assert measured <= predicted and told["refused"] is None
    measured, predicted = above(deep)
    assert measured >= 0.6 * predicted, deep["memory_items"]
    for one, other in zip(small["stages"], deep["stages"], strict=True):
        assert above(other)[1] <= above(one)[1] + MORE, (one, other)
        assert above(other)[0] <= above(one)[0] * 1.1 + BLOCK + MORE, (one, other)


def test_the_names_of_the_report(report, tmp_path):
    told = report(PIPES["shards"], SLICES)
    assert told["pipeline"] == "sweep-read | sweep-median | sweep-write" and told["handovers"] == 2
    assert told["groups"] == [["read"], ["median"], ["write"]] and told["sweeps"] == told["tiles"] == 1
    assert told["read"]["amplification"] == 1.0 and told["read"]["bytes"] == SLICES * 256 * 250 * 2
    assert told["write"]["files"] == sum(len(files) for _, _, files in os.walk(tmp_path / "out.zarr"))
    median = told["stages"][1]
    assert set(STAGE) <= set(median) and median["halo"] == [[1, 1]] * 3
    for name in ("peak_bytes", "predicted_peak_bytes", "baseline_bytes"):
        assert told[name] == sum(stage[name] for stage in told["stages"])
    assert all(set(item) == {"what", "bytes"} for item in told["memory_items"])


@pytest.mark.parametrize("pipe, said", [
    ("sweep-read v.zarr --memory 1M", "v.zarr: one chunk row (16 slices) is 2 MB, the budget is 1 MB; use sweep-read --box"),
    ("sweep-read v.zarr --memory 9M", "--memory is 9M"),
    ("sweep-read v.zarr | sweep-gauss 2 --memory 9M", "--memory is 9M; most of it is for"),
    ("SWEEP_MEMORY=90M; export SWEEP_MEMORY; sweep-read v.zarr | sweep-cast float64", "the budget of the pipe is 90M"),
])  # fmt: skip
def test_what_cannot_be_held_is_refused_before_any_work(pipe, said, shell, tmp_path):
    volume = "sweep-synth noise --shape 32,256,250 --dtype uint16"
    made = shell(f"{volume} | sweep-write v.zarr --chunks 16,64,64 --shards 16,256,256")
    assert made.returncode == 0, made.stderr
    done = shell(f"{pipe} | sweep-write out.zarr; echo ${{PIPESTATUS[-1]}}")
    assert done.stdout == "3\n"
    assert said in done.stderr and "needs" in done.stderr + "needs" * ("chunk row" in said)
    assert sorted(os.listdir(tmp_path)) == ["v.zarr"]
