"""Nothing is lost in silence: cuts, kills, stalls, flipped bits, full disks, through real processes in a real bash pipe
without pipefail. Each asserts the last command's status and that nothing which looks like a result is left."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from sweeptools import cli

FAULTS = f"{sys.executable} {Path(__file__).parent / 'faults.py'}"
SHAPE = (60, 180, 220)                    # more than the pipes hold, so that a source cannot end before a stall does
BYTES = int(np.prod(SHAPE))
LIGHT = ("sweep-read v.npy", "sweep-cast uint16", "sweep-crop 1:,:,:-1", "sweep-write out.zarr")
HEAVY = ("sweep-read v.npy", "sweep-gauss 1", "sweep-otsu", "sweep-label", "sweep-write out.zarr")


@pytest.fixture
def volume(tmp_path):
    np.save(tmp_path / "v.npy", voxels())
    return tmp_path


def voxels():
    return np.random.default_rng(0).integers(0, 256, SHAPE, dtype="uint8")


def left_over(folder):
    """What is in a folder beside the volume that was there."""
    return sorted(p.name for p in Path(folder).iterdir() if p.name not in ("v.npy", "pid"))


def with_fault(line, at, fault):
    return " | ".join((*line[:at], f"{FAULTS} {fault}", *line[at:]))


def places(line):
    """Between which stages a fault can be."""
    return range(1, len(line))


# ------------------------------------------------------------------ through real pipes


@pytest.mark.parametrize(("line", "at"), [*((LIGHT, at) for at in places(LIGHT)), (HEAVY, 3)])
def test_a_cut_stream(line, at, volume, shell):
    rng = random.Random(at)
    done = shell(with_fault(line, at, f"cut {rng.choice([64, rng.randrange(1000), rng.randrange(BYTES)])}"))
    assert done.returncode in (1, 4), done.stderr
    assert "ended" in done.stderr or "empty" in done.stderr
    assert left_over(volume) == []


@pytest.mark.parametrize(("line", "at"), [(LIGHT, 1), (LIGHT, 3), (HEAVY, 2)])
def test_a_flipped_bit(line, at, volume, shell):
    done = shell(with_fault(line, at, f"flip {random.Random(100 + at).randrange(BYTES)}"))
    assert done.returncode in (1, 3, 4), done.stderr
    assert done.stderr.count("Traceback") == 0
    assert left_over(volume) == []


# ------------------------------------------------------------------ the same stages in this process


@pytest.fixture(scope="module")
def sent(tmp_path_factory):
    """{line: what each of its stages sends, as a file}; the last stage sends nothing."""
    folder = tmp_path_factory.mktemp("sent")
    np.save(folder / "v.npy", voxels())
    streams = {}
    for line in (LIGHT, HEAVY):
        streams[line] = []
        for i, command in enumerate(line[:-1]):
            into = folder / f"{len(line)}{i}.sweep"
            assert here(command, streams[line][-1] if i else os.devnull, into, folder) == 0
            streams[line].append(into)
    return streams


def here(command, stdin, stdout, folder):
    """The status of a command in this process, from one file to another, in a folder."""
    name, *words = command.removeprefix("sweep-").split()
    was, kept, back = os.getcwd(), [os.dup(0), os.dup(1)], signal.getsignal(signal.SIGUSR1)
    try:
        for fd, path, flags in ((0, stdin, os.O_RDONLY), (1, stdout, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)):
            file = os.open(path, flags)
            os.dup2(file, fd)
            os.close(file)
        os.chdir(folder)
        return cli.main(["sweep", name, *words])
    finally:
        os.chdir(was)
        signal.signal(signal.SIGUSR1, back)
        for fd, old in enumerate(kept):
            os.dup2(old, fd)
            os.close(old)


def rest_of(line, at, stream, folder, capsys):
    """(statuses, what was said) of the stages from place `at` on, when this is what comes there."""
    statuses = []
    for i, command in enumerate(line[at:]):
        into = os.devnull if at + i == len(line) - 1 else folder / f".{i}"
        statuses.append(here(command, stream, into, folder))
        stream = into
    for i in range(len(statuses) - 1):
        (folder / f".{i}").unlink()
    return statuses, capsys.readouterr().err


@pytest.mark.parametrize("seed", range(20))
def test_a_cut_stream_wherever_it_is_cut(seed, sent, tmp_path, capsys):
    rng = random.Random(seed)
    line = HEAVY if rng.random() < 0.15 else LIGHT
    at = rng.randrange(1, len(line))
    raw = sent[line][at - 1].read_bytes()
    faulty = tmp_path / "pid"
    faulty.write_bytes(raw[: rng.choice([0, 10, 64, rng.randrange(1000), rng.randrange(len(raw)), len(raw) - 1])])
    statuses, said = rest_of(line, at, faulty, tmp_path, capsys)
    assert all(status in (1, 4) for status in statuses), said
    assert "ended" in said or "empty" in said
    assert left_over(tmp_path) == []


@pytest.mark.parametrize("seed", range(20))
def test_a_flipped_bit_wherever_it_is(seed, sent, tmp_path, capsys):
    rng = random.Random(100 + seed)
    line = HEAVY if rng.random() < 0.15 else LIGHT
    at = rng.randrange(1, len(line))
    raw = bytearray(sent[line][at - 1].read_bytes())
    where = rng.choice([rng.randrange(2000), len(raw) - 1 - rng.randrange(2000), rng.randrange(len(raw))])
    raw[where] ^= 1 << rng.randrange(8)
    faulty = tmp_path / "pid"
    faulty.write_bytes(raw)
    statuses, said = rest_of(line, at, faulty, tmp_path, capsys)
    assert all(status in (1, 2, 3, 4) for status in statuses) and "Traceback" not in said
    assert left_over(tmp_path) == []


# ------------------------------------------------------------------ killed, stalled, full


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["kill", "term"])
@pytest.mark.parametrize(("line", "victim"), [*((LIGHT, i) for i in range(len(LIGHT))), (HEAVY, 3)])
def test_a_killed_stage(line, victim, number, volume, tmp_path):
    rng = random.Random(200 + 10 * victim + number)
    slow = list(line)
    slow[victim] = f"sh -c 'echo $$ > pid; exec {line[victim]}'"
    slow.insert(1, f"{FAULTS} stall {rng.randrange(BYTES // 2)} 5")       # so that nothing can end before
    process = start(" | ".join(slow), tmp_path)
    victim_pid = wait_for_pid(tmp_path / "pid")
    time.sleep(rng.random() * 1.5)
    os.kill(victim_pid, number)
    assert gone_within(victim_pid, 1.5)
    _, errors = process.communicate(timeout=60)
    assert process.returncode != 0, errors
    if victim == len(line) - 1:
        assert process.returncode == 128 + number
        if number == signal.SIGKILL:                 # it could not clean up: its partial is hidden and no volume
            assert all(name.startswith(".out.zarr.partial") for name in left_over(volume))
            return
    elif victim:
        assert any(word in errors for word in ("failed", "killed", "wrote nothing")), errors
        assert "Traceback" not in errors
    assert left_over(volume) == []


def start(line, folder, **how):
    from conftest import environment

    return subprocess.Popen(["bash", "-c", line], cwd=folder, env=environment(), stderr=subprocess.PIPE, text=True, **how)


def gone_within(pid, seconds):
    """Whether a process is gone, or waits to be reaped, within so many seconds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.01)
    return False


def wait_for_pid(file):
    for _ in range(400):
        if file.exists() and file.read_text().strip():
            return int(file.read_text())
        time.sleep(0.025)
    raise AssertionError("the stage never began")


@pytest.mark.parametrize(("line", "at"), [*((LIGHT, at) for at in places(LIGHT)), (HEAVY, 4)])
def test_a_stalled_stage_changes_nothing(line, at, volume, sent, shell):
    rng = random.Random(300 + at)
    assert here("sweep-write expected.npy", sent[line][-1], os.devnull, volume) == 0
    stalled = with_fault((*line[:-1], "sweep-write out.npy"), at, f"stall {rng.randrange(BYTES)} {rng.random():.2f}")
    done = shell(stalled)
    assert done.returncode == 0, done.stderr
    assert (volume / "out.npy").read_bytes() == (volume / "expected.npy").read_bytes()


def test_the_stage_that_failed_first_is_named_once(volume, shell):
    done = shell("sweep-read v.npy | sweep-calc 'a/b' --let b=missing.npy | sweep-gauss 1 | sweep-write out.zarr")
    assert done.returncode != 0
    lines = done.stderr.splitlines()
    assert sum(line.startswith("sweep-calc: ") for line in lines) == 1
    assert [line for line in lines if line.startswith("sweep-write: not written: sweep-calc failed: ")]
    assert not any(line.startswith("sweep-gauss") for line in lines)
    assert left_over(volume) == []


def test_a_reader_that_goes_away(volume, shell):
    source = "sweep-synth noise --shape 600,300,300"   # more than the pipes hold
    done = shell(f"{source} | sweep-cast uint16 | head -c 5000 > /dev/null; echo ${{PIPESTATUS[*]}}")
    assert done.stdout.split() == ["141", "141", "0"]
    assert done.stderr == ""


def test_a_stage_that_stops_early_says_so_itself(volume, shell):
    done = shell("sweep-read v.npy | sweep-crop 5:3,:,:999 | sweep-write out.zarr; echo ${PIPESTATUS[*]}")
    assert "sweep-crop: " in done.stderr
    assert "sweep-read" not in done.stderr
    assert left_over(volume) == []


def test_a_full_disk(volume, shell):
    if not mounts(volume):
        pytest.skip("a tmpfs cannot be mounted here")
    try:
        for target in ("small/out.zarr", "small/out.npy", "small/out.tif", "small/slices/", "small/out.sweep"):
            done = shell(f"sweep-read v.npy | sweep-cast float64 | sweep-write {target}")
            assert done.returncode == 1, (target, done.stderr)
            assert "no space left on device" in done.stderr.lower() or "full" in done.stderr, done.stderr
            assert "Traceback" not in done.stderr
            assert list((volume / "small").iterdir()) == []
        done = shell("sweep-read v.npy | sweep-cast float64 | sweep-normalize --tmpdir small | sweep-write out.zarr")
        assert done.returncode in (1, 3), done.stderr
        assert "small" in done.stderr
        assert [p.name for p in volume.iterdir() if "out" in p.name] == []
    finally:
        subprocess.run(["umount", volume / "small"], check=True)


def mounts(folder):
    (folder / "small").mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", folder / "small"]
    return subprocess.run(command, capture_output=True).returncode == 0


@pytest.mark.parametrize("target", ["out.zarr", "out.npy", "out.tif", "out.sweep"])
def test_a_file_that_may_not_grow(target, volume, shell):
    done = shell(f"ulimit -f 100; sweep-read v.npy | sweep-cast float64 | sweep-write {target}")
    if target == "out.zarr" and done.returncode == 0:
        pytest.skip("no file of the volume was larger than the limit")
    assert done.returncode not in (0,), done.stderr
    assert [name for name in left_over(volume) if not name.startswith(".")] == []


def test_a_skewed_tee_and_zip(volume, shell):
    """One branch is far behind the other, and both come together again: plain bash, more data than all pipes hold."""
    line = (
        "sweep-synth noise --shape 120,300,300 | sweep-tee >(sweep-gauss 8,1,1 > slow) "
        "| sweep-calc 'a-b' --let b=slow --dtype float32 | sweep-write out.npy"
    )
    done = shell(f"mkfifo slow; timeout 90 bash -c \"{line}\"", timeout=100)
    assert done.returncode == 0, done.stderr
    shell("sweep-synth noise --shape 120,300,300 | sweep-write in.npy")
    shell("sweep-read in.npy | sweep-gauss 8,1,1 | sweep-write g.npy")
    a, g = np.load(volume / "in.npy"), np.load(volume / "g.npy")
    assert (np.load(volume / "out.npy") == a.astype("float32") - g).all()


def test_interrupted_within_a_second(volume, tmp_path):
    line = " | ".join((LIGHT[0], f"{FAULTS} stall 1000 20", *LIGHT[1:]))
    process = start(line, tmp_path, start_new_session=True)
    time.sleep(3)
    began = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert time.monotonic() - began < 2
    assert "Traceback" not in errors.replace("faults.py", "") or "faults" in errors
    assert process.returncode == 130 or process.returncode == -signal.SIGINT
    assert left_over(volume) == []


def test_a_stage_without_a_block_to_send_notices_that_its_reader_went_away(volume, shell):
    """The first of two sweeps waits for its input for ten seconds; the reader of its output is gone after two."""
    began = time.monotonic()
    done = shell(f"sweep-read v.npy | {FAULTS} stall 1000 20 | sweep-otsu | sleep 2; echo ${{PIPESTATUS[*]}}")
    assert time.monotonic() - began < 12
    assert done.stdout.split()[2:] == ["141", "0"], done.stderr
    assert done.stderr == ""
