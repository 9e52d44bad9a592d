"""sweep-read, as typed: what is kept, in which order, and what it says of addresses that are no volume."""

import numpy as np
import pytest
import tifffile
from test_volumes import hostile, same, write

from sweeptools import volumes

A = hostile((70, 20, 30), "u2")


def voxels(path):
    source = volumes.open(str(path))
    out = np.concatenate([block.array(source.head) for block in source.blocks("up")])
    source.close()
    return out


@pytest.mark.parametrize("words, want", [
    ("v.zarr", A),
    ("v.zarr --sweep down", A),
    ("v.zarr --range 10:-10", A[10:-10]),
    ("v.zarr --range -5:", A[-5:]),
    ("v.zarr --box :,5:,::2 --range ::3", A[::3, 5:, ::2]),
    ("v.zarr --axis y --range 2:9", A[:, 2:9]),
    ("v.zarr --axis x --sweep down", A),
])  # fmt: skip
def test_a_pipe_gives_numpys_slice(shell, tmp_path, words, want):
    write(tmp_path / "v.zarr", A)
    done = shell(f"set -o pipefail; sweep-read {words} | sweep-write w.zarr")
    assert done.returncode == 0, done.stderr
    assert same(voxels(tmp_path / "w.zarr"), np.ascontiguousarray(want))


def test_threads_and_spacing_are_options(shell, tmp_path):
    write(tmp_path / "v.npy", A)
    done = shell("sweep-read v.npy --threads 1 --spacing 2,0.5,0.5um --role labels | sweep-info --json")
    assert done.returncode == 0, done.stderr
    assert '"spacing": [2.0, 0.5, 0.5], "unit": "micrometer"' in done.stdout and '"role": "labels"' in done.stdout


@pytest.mark.parametrize("words, status, says", [
    ("nowhere.zarr", 2, "sweep-read: nowhere.zarr does not exist"),
    ("flat.npy", 2, "sweep-read: flat.npy has two dimensions (4 x 5), a volume has three: z, y, x"),
    ("v.npy --range 60:99", 2, "range 60:99 reaches beyond the volume's 0:70"),
    ("v.npy --level 1", 2, "it has no levels; leave --level out"),
    ("stack", 2, "stack/s4.tif: before it slices are missing: there is no 3; use --allow-gaps"),
])  # fmt: skip
def test_what_cannot_be_read(shell, tmp_path, words, status, says):
    write(tmp_path / "v.npy", A)
    np.save(tmp_path / "flat.npy", np.zeros((4, 5)))
    (tmp_path / "stack").mkdir()
    for k in (1, 2, 4):
        tifffile.imwrite(tmp_path / "stack" / f"s{k}.tif", A[k])
    done = shell(f"sweep-read {words} > out")
    assert done.returncode == status and says in done.stderr, done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_report_counts_what_was_read(shell, tmp_path):
    write(tmp_path / "v.zarr", A | 1, chunks=(16, 16, 16), shards="none")
    done = shell("sweep-read v.zarr | sweep-write w.npy --report r.json")
    assert done.returncode == 0, done.stderr
    report = (tmp_path / "r.json").read_text()
    assert '"amplification": 1.0' in report and '"chunks_total": 20' in report
