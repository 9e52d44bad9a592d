"""The examples run as they stand, on what they make up, twice in the same folder, and give what they say."""

import csv
import json
import os
import subprocess
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from conftest import environment
from scipy import ndimage

from sweeptools import volumes

HERE = Path(__file__).parent.parent / "examples"
TASKS = sorted(HERE.glob("[0-9]*.sh"))


def run(folder, *words, status=0, **more):
    """What a command prints, run in a folder without a terminal."""
    done = subprocess.run(
        list(map(str, words)), cwd=folder, env=environment() | more, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


def voxels(path):
    """(head, array) of a stored volume."""
    source = volumes.open(str(path))
    return source.head, np.concatenate([block.array(source.head).copy() for block in source.blocks("up")])


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The folder in which a task has run, and what it printed; each runs once for all tests that look at it."""

    @cache
    def once(task):
        folder = tmp_path_factory.mktemp(task)
        return folder, run(folder, HERE / f"{task}.sh")

    return once


def test_there_are_enough():
    assert len(TASKS) >= 4 and all(os.access(task, os.X_OK) for task in TASKS)


@pytest.mark.parametrize("task", TASKS, ids=lambda p: p.stem)
def test_a_task_runs_twice(task, made):
    folder, first = made(task.stem)
    assert first and run(folder, task) == first
    assert not [p.name for p in folder.iterdir() if p.name.startswith(".")]
    assert len(task.read_text().splitlines()) <= 30


def test_objects_are_counted(made):
    folder, printed = made("01-count-objects")
    head, labels = voxels(folder / "objects.ome.zarr")
    sizes = np.bincount(labels.ravel())[1:]
    assert printed.startswith(f"{len(sizes)} objects;") and len(sizes) > 1
    assert [int(row["size"]) for row in rows(folder / "objects.tsv")] == sizes.tolist()
    np.testing.assert_array_equal(labels, ndimage.label(labels, np.ones((3, 3, 3)))[0])


def test_slices_become_a_volume(made):
    folder, printed = made("02-tiff-to-ome-zarr")
    assert "the same voxels and the same spacing" in printed
    assert len(list((folder / "slices").iterdir())) == 40
    head, _ = voxels(folder / "scan.ome.zarr")
    assert head.shape == (40, 96, 128) and head.spacing == (2, 0.5, 0.5) and head.unit == "micrometer"


def test_three_results_of_one_read(made):
    folder, _ = made("03-one-read-three-results")
    _, whole = voxels(folder / "scan.zarr")
    _, small = voxels(folder / "small.ome.zarr")
    means = whole.reshape(16, 4, 32, 4, 32, 4).mean(axis=(1, 3, 5))
    np.testing.assert_array_equal(small, np.rint(means))
    counts = [int(row["count"]) for row in rows(folder / "histogram.tsv")]
    assert counts == np.histogram(whole, 16)[0].tolist()
    assert float(rows(folder / "stats.tsv")[0]["sum"]) == whole.sum()


def test_own_function(made):
    folder, _ = made("04-your-own-function")
    whole = np.load(folder / "scan.npy")
    _, got = voxels(folder / "contrast.zarr")
    padded = np.pad(whole, ((0, 0), (0, 0), (2, 2)), mode="symmetric")
    beside = sum(padded[:, :, 2 + s : 2 + s + whole.shape[2]] for s in (-2, -1, 1, 2))
    np.testing.assert_allclose(got, whole - beside / 4, atol=1e-6)


def test_spots_are_measured(made):
    folder, _ = made("05-spots-in-objects")
    _, labels = voxels(folder / "objects.zarr")
    raw, spots = np.load(folder / "cells.npy").astype(float), np.load(folder / "spots.npy")
    np.testing.assert_allclose(spots, ndimage.gaussian_filter(raw, 1) - ndimage.gaussian_filter(raw, 3), atol=1.01)
    table = rows(folder / "spots.tsv")
    means = ndimage.mean(spots.astype(float), labels, np.arange(1, labels.max() + 1))
    np.testing.assert_allclose([float(row["mean"]) for row in table], means, rtol=1e-9, atol=1e-9)


def test_eight_bits_with_a_pyramid(made):
    folder, _ = made("06-eight-bits-with-a-pyramid")
    report = json.loads((folder / "scan.json").read_text())
    assert all(stage["peak_bytes"] <= stage["predicted_peak_bytes"] for stage in report["stages"])
    head, before = voxels(folder / "scan.ome.zarr")
    assert (before.dtype, before.min(), before.max()) == (np.uint8, 0, 255)
    for k in (1, 2, 3):
        head, level = voxels(folder / f"scan.ome.zarr/{k}")
        before = before.astype(int)
        rows, columns = (np.arange(0, n, 2) for n in before.shape[1:])
        total, count = (np.add.reduceat(np.add.reduceat(a, rows, 1), columns, 2) for a in (before + 0, before * 0 + 1))
        np.testing.assert_array_equal(level, np.rint(total / count))
        middle = (2**k - 1) / 2 * 4.0
        assert head.spacing == (50, 4 * 2**k, 4 * 2**k) and head.origin == (0, middle, middle) and head.unit == "nanometer"
        before = level


def test_make_makes_what_is_out_of_date(tmp_path):
    make = ("make", "-f", HERE / "Makefile", "objects.tsv")
    assert run(tmp_path, *make).count("sweep-write") == 3
    assert "up to date" in run(tmp_path, *make)
    os.utime(tmp_path / "raw.npy")
    again = run(tmp_path, *make)
    assert "sweep-synth" not in again and again.count("sweep-write") == 2
    assert len(rows(tmp_path / "objects.tsv")) == voxels(tmp_path / "labels.ome.zarr")[1].max()


def test_make_stops_where_a_step_fails(tmp_path):
    make = ("make", "-f", HERE / "Makefile", "objects.tsv", "SIGMA=1furlong")
    run(tmp_path, *make, status=2)
    assert [p.name for p in tmp_path.iterdir()] == ["raw.npy"]


def test_a_batch_job(tmp_path):
    for name in ("a", "b"):
        run(tmp_path, "bash", "-c", f"sweep-synth blobs --shape 20,40,50 | sweep-write {name}.zarr")
    job = ("bash", HERE / "slurm.sh", "a.zarr", "b.zarr")
    run(tmp_path, *job, SLURM_ARRAY_TASK_ID="1", SLURM_CPUS_PER_TASK="2", SLURM_MEM_PER_NODE="4096")
    assert {p.name for p in tmp_path.iterdir()} == {
        "a.zarr", "b.zarr", "b-labels.ome.zarr", "b-report.json", "b-objects.tsv"}  # fmt: skip
    assert run(tmp_path, *job, SLURM_ARRAY_TASK_ID="1") == "b: done before\n"
    run(tmp_path, *job, status=3, SLURM_ARRAY_TASK_ID="0", SLURM_MEM_PER_NODE="20")
    assert not (tmp_path / "a-labels.ome.zarr").exists()
