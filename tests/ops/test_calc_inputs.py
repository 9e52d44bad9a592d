"""sweep-calc as typed: further volumes, pipelines applied to its own stream, stdin that nobody names."""

import numpy as np
import pytest
from harness import apply


@pytest.fixture
def volume(tmp_path):
    a = np.random.default_rng(4).integers(0, 200, (20, 24, 28), np.uint8)
    np.save(tmp_path / "a.npy", a)
    np.save(tmp_path / "b.npy", a[::-1].copy())
    return a


def test_pipelines_of_its_own_stream(shell, tmp_path, volume):
    done = shell(
        "sweep-read a.npy | sweep-calc f-g --via f='sweep-gauss 1 --dtype float32' "
        "--via g='sweep-gauss 2 --dtype float32' | sweep-write dog.npy"
    )
    assert (done.returncode, done.stderr) == (0, "")
    f, g = (apply("gauss", volume, sigma=sigma, dtype="float32").astype(float) for sigma in "12")
    np.testing.assert_array_equal(np.load(tmp_path / "dog.npy"), (f - g).astype(np.float32))


def test_a_pipeline_of_two_sweeps_beside_the_stream_itself(shell, tmp_path, volume):
    """One branch gives its first block when the stream has ended: whoever waits for the other first waits for ever."""
    make = "sweep-synth noise --shape 60,500,500"
    done = shell(f"{make} | sweep-calc 'a*m' --via m='sweep-otsu' --dtype uint8 | sweep-write o.npy")
    assert (done.returncode, done.stderr) == (0, "")
    assert shell(f"{make} | sweep-write a.npy --overwrite").returncode == 0
    a = np.load(tmp_path / "a.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "o.npy"), a * apply("otsu", a, again=True))


def test_volumes_by_name_and_streams_as_arguments(shell, tmp_path, volume):
    b = volume[::-1].astype(float)
    more = "--let b=b.npy --let c=<(sweep-read b.npy)"
    done = shell(f"sweep-read a.npy | sweep-calc 'a + 2*b - c' {more} | sweep-write o.npy")
    assert (done.returncode, done.stderr) == (0, "")
    np.testing.assert_array_equal(np.load(tmp_path / "o.npy"), volume + b)


def test_stdin_that_is_not_named_is_not_read(shell, tmp_path, volume):
    done = shell("sweep-calc 'b > 100' --let b=a.npy </dev/null | sweep-write o.npy")
    assert (done.returncode, done.stderr) == (0, "")
    np.testing.assert_array_equal(np.load(tmp_path / "o.npy"), volume > 100)


@pytest.mark.parametrize(("line", "status", "says"), [
    ("sweep-read a.npy | sweep-calc 'a + f' --via f='sweep-clip 0 9 | sweep-no-such'", 1, "sweep-no-such"),
    ("sweep-read a.npy | sweep-calc 'a + f' --via f='sweep-crop 0:5,:,:'", 2, "f is 5 x 24 x 28 voxels, the stream 20 x"),
    ("sweep-read a.npy | sweep-calc 'a + x'", 2, "names x, known are a"),
    ("sweep-read a.npy | sweep-calc 'a + x' --let x=none.npy", 2, "none.npy does not exist"),
    ("sweep-read a.npy | sweep-cast int64 | sweep-calc 'a*9000000000*9000000000'", 1, "beyond int64"),
    ("sweep-read none.npy | sweep-calc f --via f='sweep-gauss 1'", 2, "none.npy does not exist"),
])  # fmt: skip
def test_what_fails_says_so_and_leaves_nothing(shell, tmp_path, volume, line, status, says):
    done = shell(f"{line} | sweep-write o.npy")
    assert done.returncode == status and says in done.stderr, done.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.npy", "b.npy"]
