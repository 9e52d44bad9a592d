"""Tools as typed: their exit status and what they print."""

import json

import numpy as np
import pytest


@pytest.fixture
def volume(tmp_path):
    a = np.random.default_rng(4).integers(0, 200, (6, 24, 28), np.uint8)
    np.save(tmp_path / "a.npy", a)
    return a


def test_synth_is_the_same_for_any_cut_and_every_sink(shell, tmp_path):
    make = "sweep-synth blobs --shape 40,64,64 --seed 3"
    one = shell(f"{make} | sweep-digest")
    two = shell(f"{make} | sweep-write v.zarr; sweep-read v.zarr --sweep down | sweep-digest")
    assert (one.returncode, one.stderr) == (two.returncode, two.stderr) == (0, "")
    assert one.stdout == two.stdout and one.stdout.startswith("digest: ")


def test_digest_of_a_changed_volume(shell, tmp_path, volume):
    assert shell("sweep-read a.npy | sweep-write v.zarr").returncode == 0
    assert shell("sweep-digest v.zarr").returncode == 0
    import zarr

    zarr.open_array(str(tmp_path / "v.zarr" / "0"), mode="r+")[3, 0, 0] = volume[3, 0, 0] + 1
    done = shell("sweep-digest v.zarr --json")
    assert done.returncode == 4 and not json.loads(done.stdout)["equal"]
    assert done.stderr == "sweep-digest: v.zarr: the voxels are not those that were written (slice 3)\n"


def test_compare(shell, tmp_path, volume):
    assert shell("sweep-compare a.npy a.npy").returncode == 0
    done = shell("sweep-read a.npy | sweep-clip 0 100 | sweep-compare a.npy - --json")
    told = json.loads(done.stdout)
    assert done.returncode == 1 and told["voxels"]["differing"] == int((volume > 100).sum())
    done = shell("sweep-compare a.npy none.npy")
    assert (done.returncode, done.stdout) == (4, "") and "none.npy does not exist" in done.stderr
    done = shell("sweep-compare <(sweep-read a.npy) <(sweep-read a.npy | sweep-threshold 300)")
    assert done.returncode == 1 and "differing voxels" in done.stdout
    assert shell("sweep-compare a.npy").returncode == 2


def test_preview(shell, tmp_path, volume):
    done = shell("sweep-preview a.npy --slices 4")
    assert done.returncode == 0 and "▀" in done.stdout
    assert shell("sweep-read a.npy | sweep-label --by-value | sweep-preview --out p.png").returncode == 0
    assert (tmp_path / "p.png").read_bytes()[1:4] == b"PNG"
    done = shell("sweep-read none.npy | sweep-preview --out q.png")
    assert done.returncode == 2 and not (tmp_path / "q.png").exists()


def test_map(shell, tmp_path, volume):
    (tmp_path / "mine.py").write_text("def plus(a, n=1):\n    print('hello')\n    return a + n\n")
    done = shell("sweep-read a.npy | sweep-map mine:plus --arg n=5 --dtype uint16 | sweep-write o.npy")
    assert done.returncode == 0 and set(done.stderr.split()) == {"hello"}
    np.testing.assert_array_equal(np.load(tmp_path / "o.npy"), volume + np.uint8(5))
    done = shell("sweep-read a.npy | sweep-map mine:plus --arg n=None | sweep-write p.npy")
    assert done.returncode == 1 and "sweep-map: mine:plus failed on an array" in done.stderr
    assert not (tmp_path / "p.npy").exists()
