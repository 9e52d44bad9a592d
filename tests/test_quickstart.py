"""A pipe of ten stages starts ten interpreters: what a command does not need is not imported."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sweeptools import listing

HOME = Path(__file__).parent.parent
HEAVY = ("numba", "scipy", "zarr", "h5py", "tifffile", "PIL", "tqdm", "pyarrow", "skimage", "dask")
RUN = """
import sys
from sweeptools.cli import main
status = main(sys.argv[1:])
sys.stdout.flush()
sys.stderr.write("\\nMODULES " + " ".join(sys.modules))
sys.exit(status)
"""


def sweep(*words, stdin=subprocess.DEVNULL, status=0):
    """(stdout, those of the heavy libraries that were imported) of one command in a process of its own."""
    env = {k: v for k, v in os.environ.items() if k != "SWEEP_PROGRESS"} | {"PYTHONPATH": str(HOME)}
    command = [sys.executable, "-P", "-c", RUN, "sweep", *map(str, words)]
    done = subprocess.run(command, stdin=stdin, capture_output=True, env=env, timeout=120)
    said, _, modules = done.stderr.decode().partition("\nMODULES ")
    assert done.returncode == status, said
    return done.stdout, [name for name in HEAVY if name in modules.split()]


@pytest.fixture(scope="module")
def stream(tmp_path_factory):
    """A file that holds a stream."""
    path = tmp_path_factory.mktemp("stream") / "a.sweep"
    out, heavy = sweep("synth", "blobs", "--shape", "20,30,40")
    path.write_bytes(out)
    return path


def test_help():
    each = "for name in sys.argv[1:]: assert main(['sweep', name, '--help']) == 0 and not HEAVY & set(sys.modules), name"
    run = f"import sys\nfrom sweeptools.cli import main\nHEAVY = set({HEAVY})\n{each}"
    done = subprocess.run([sys.executable, "-P", "-c", run, *listing.names()], capture_output=True, text=True,
                          env=os.environ | {"PYTHONPATH": str(HOME)}, timeout=120)  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "words", [["--help"], ["cats"], ["cast", "uint9"], ["cast", "--scal"], ["gauss", "-1"], ["crop", "1:2"], ["write"]]
)
def test_what_goes_no_further(words):
    assert sweep(*words, status=0 if words == ["--help"] else 2)[1] == []


@pytest.mark.parametrize("words", [["cast", "uint16"], ["crop", "2:,:-3,:"], ["tee", "OUT.npy"], ["write", "OUT.npy"]])
def test_running_without_a_kernel(words, stream, tmp_path):
    with open(stream, "rb") as stdin:
        assert sweep(*(word.replace("OUT", str(tmp_path / "out")) for word in words), stdin=stdin)[1] == []


@pytest.mark.parametrize("words", [["gauss", "1"], ["label"], ["otsu"]])
def test_running_with_a_kernel_that_is_kept(words, stream):
    for _ in range(2):                               # the first on this machine compiles
        with open(stream, "rb") as stdin:
            heavy = sweep(*words, stdin=stdin)[1]
    assert heavy == []


@pytest.mark.parametrize("suffix, library", [(".zarr", "zarr"), (".tif", "tifffile")])
def test_formats_only_where_opened(suffix, library, stream, tmp_path):
    with open(stream, "rb") as stdin:
        assert set(sweep("write", f"{tmp_path}/out{suffix}", stdin=stdin)[1]) <= {library}
    assert sweep("read", f"{tmp_path}/out{suffix}")[1] == [library]
