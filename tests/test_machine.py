"""The machine's grants, read from made-up machines."""

import os
import resource

import pytest

from sweeptools import machine
from sweeptools.errors import UsageError

GIB = 1 << 30


@pytest.fixture
def box(tmp_path, monkeypatch):
    """Writes files of a made-up machine of 64 GiB, 40 of them free, without a limit of the process."""
    monkeypatch.setattr(resource, "getrlimit", lambda which: (resource.RLIM_INFINITY,) * 2)

    def put(**files):
        for name, text in {"proc/meminfo": "MemTotal: 67108864 kB\nMemAvailable: 41943040 kB\n", **files}.items():
            path = tmp_path / name.lstrip("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return put


@pytest.mark.parametrize(
    "text, size",
    [("4096", 4096), ("8G", 8 * GIB), ("8g", 8 * GIB), ("8GB", 8 * GIB), ("8GiB", 8 * GIB), ("1.5T", 3 << 39),
     ("512M", 512 << 20), ("100B", 100), ("2K", 2048), ("52G", 52 * GIB)],
)  # fmt: skip
def test_sizes_are_powers_of_1024(text, size):
    assert machine.parse_size(text) == size


@pytest.mark.parametrize("text", ["", "G", "8X", "-1", "0", "8 G G", "nan", "inf", "1e400"])
def test_what_is_no_size(text):
    with pytest.raises(UsageError, match="memory is"):
        machine.parse_size(text)


@pytest.mark.parametrize("size", [1, 1023, 1024, 1025, 52 * GIB, GIB + 1, 3 << 29, (1 << 50) + 17])
def test_a_size_is_spelt_so_that_it_is_enough(size):
    assert size <= machine.parse_size(machine.spell_size(size)) <= size * 1.1


def test_without_limits_half_of_what_is_free_at_most_16(box):
    assert machine.memory({}, box()) == 16 * GIB
    assert machine.memory({}, box(**{"proc/meminfo": "MemTotal: 8388608 kB\nMemAvailable: 4194304 kB\n"})) == 2 * GIB


def test_what_was_said_holds(box):
    assert machine.memory({"SWEEP_MEMORY": "3G"}, box()) == 3 * GIB
    assert machine.threads({"SWEEP_THREADS": "40"}, box()) == 40
    for said in ("0", "many", "-1"):
        with pytest.raises(UsageError, match="SWEEP_THREADS is"):
            machine.threads({"SWEEP_THREADS": said}, box())


def test_slurm_counts_in_mebibytes(box):
    assert machine.memory({"SLURM_MEM_PER_NODE": "30720"}, box()) == 30 * GIB
    assert machine.memory({"SLURM_MEM_PER_CPU": "2048", "SLURM_CPUS_ON_NODE": "4"}, box()) == 8 * GIB
    assert machine.memory({"SLURM_MEM_PER_NODE": "0"}, box()) == 16 * GIB, "0 is all there is: no limit"


def test_the_least_of_all_cgroups_up_to_the_root(box):
    root = box(**{
        "proc/self/cgroup": "0::/slurm/job/step\n",
        "sys/fs/cgroup/slurm/job/step/memory.max": "max\n",
        "sys/fs/cgroup/slurm/job/memory.max": str(20 * GIB),
        "sys/fs/cgroup/slurm/memory.max": str(10 * GIB),
        "sys/fs/cgroup/slurm/job/step/cpu.max": "max 100000\n",
        "sys/fs/cgroup/slurm/cpu.max": "150000 100000\n",
    })  # fmt: skip
    assert machine.memory({}, root) == 10 * GIB
    assert machine.memory({"SLURM_MEM_PER_NODE": "4096"}, root) == 4 * GIB
    assert machine.threads({}, root) == 1


def test_version_1_and_no_limit_that_is_none(box):
    root = box(**{
        "proc/self/cgroup": "9:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n1:name=systemd:/x\n",
        "sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes": "9223372036854771712\n",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": str(6 * GIB),
        "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
        "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
        "sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_quota_us": "100000\n",
        "sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_period_us": "100000\n",
    })  # fmt: skip
    assert machine.memory({}, root) == 6 * GIB
    assert machine.threads({}, root) == 1


def test_inside_a_container_the_path_is_not_seen(box):
    root = box(**{"proc/self/cgroup": "0::/../../elsewhere\n", "sys/fs/cgroup/memory.max": str(5 * GIB)})
    assert machine.memory({}, root) == 5 * GIB


def test_threads_are_the_least_that_was_granted(box, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(64)))
    assert machine.threads({}, box()) == 16
    assert machine.threads({"SLURM_CPUS_PER_TASK": "32", "SLURM_CPUS_ON_NODE": "64"}, box()) == 32
    assert machine.threads({"SLURM_CPUS_ON_NODE": "128"}, box()) == 64


def test_the_limit_of_address_space(box, monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda which: (7 * GIB, 9 * GIB))
    assert machine.memory({}, box()) == 7 * GIB
