"""What the machine grants this process: threads and bytes, by Slurm, cgroups, limits and affinity."""

import os
from pathlib import Path

from .errors import UsageError

MOST_THREADS = 16            # where nobody granted more
MOST_FREE = 16 << 30
SUFFIXES = {"": 0, "B": 0, "K": 10, "M": 20, "G": 30, "T": 40, "P": 50}


def parse_size(text, name="memory"):
    """Bytes of `8G`, `512M`, `1.5T`, `4096`: powers of 1024; `GB` and `GiB` mean the same."""
    body = text.strip().upper().removesuffix("IB")
    body = body[:-1] if body[-1:] == "B" and body[-2:-1] in SUFFIXES else body
    digits = body.rstrip("BKMGTP")
    try:
        size = int(float(digits) * (1 << SUFFIXES[body[len(digits) :]]))
    except (ValueError, KeyError, OverflowError):
        raise UsageError(f"{name} is {text!r}, must be a size such as 512M or 8G (powers of 1024)") from None
    if size < 1:
        raise UsageError(f"{name} is {text!r}, must be at least 1 byte")
    return size


def spell_size(size):
    """A size as a person reads it and `parse_size` takes it, rounded up: 8G, 1.5G, 512M."""
    for suffix, bits in (("T", 40), ("G", 30), ("M", 20), ("K", 10)):
        if size >= 1 << bits:
            tenths = -(-size * 10 // (1 << bits))
            return f"{tenths // 10}{f'.{tenths % 10}' if tenths % 10 else ''}{suffix}"
    return str(size)


def threads(env=os.environ, root=Path("/")):
    """Threads a process may use: $SWEEP_THREADS, else the least of Slurm's grant, the cgroup's quota, the affinity."""
    said = env.get("SWEEP_THREADS")
    if said:
        if not said.isdecimal() or int(said) < 1:
            raise UsageError(f"SWEEP_THREADS is {said!r}, must be a whole number of at least 1")
        return int(said)
    granted = [n for n in (_slurm_cpus(env), _quota_cpus(root)) if n]
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([*granted, here] if granted else [here, MOST_THREADS]))


def memory(env=os.environ, root=Path("/")):
    """Bytes a pipeline may use: $SWEEP_MEMORY, else the least of what Slurm, cgroups and RLIMIT_AS allow; without
    any of them half of what is free, at most 16 GB."""
    if env.get("SWEEP_MEMORY"):
        return parse_size(env["SWEEP_MEMORY"], "SWEEP_MEMORY")
    total, free = _meminfo(root)
    limits = [n for n in (*_slurm_memory(env), *_cgroup_memory(root), _address_space()) if n and n < total]
    return min(limits) if limits else min(free // 2, MOST_FREE)


def _number(text):
    """A whole number, or None for `max`, nothing and anything else."""
    text = (text or "").strip()
    return int(text) if text.isdecimal() else None


def _slurm_cpus(env):
    return _number(env.get("SLURM_CPUS_PER_TASK")) or _number(env.get("SLURM_CPUS_ON_NODE"))


def _slurm_memory(env):
    """Bytes that Slurm grants on this node; it counts in MiB, and 0 means all there is."""
    per_cpu, cpus = _number(env.get("SLURM_MEM_PER_CPU")), _number(env.get("SLURM_CPUS_ON_NODE")) or _slurm_cpus(env)
    node = _number(env.get("SLURM_MEM_PER_NODE"))
    return (node << 20 if node else None), (per_cpu * (cpus or 1) << 20 if per_cpu else None)


def _address_space():
    import resource

    soft = resource.getrlimit(resource.RLIMIT_AS)[0]
    return None if soft == resource.RLIM_INFINITY else soft


def _meminfo(root):
    """(bytes of the machine, bytes free or quickly freed)."""
    lines = (line.split() for line in _read(root / "proc/meminfo").splitlines())
    found = {words[0].rstrip(":"): int(words[1]) << 10 for words in lines if len(words) > 1}
    total = found.get("MemTotal") or os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return total, found.get("MemAvailable", total // 2)


def _read(path):
    """The text of a file of the kernel, empty where there is none."""
    try:
        return path.read_text()
    except OSError:
        return ""


def _cgroups(root, controller):
    """Folders of this process's cgroup and all above it, under version 2 and under version 1's `controller`.

    Inside a container the path may name a folder that is not seen from there; those above it are.
    """
    for line in _read(root / "proc/self/cgroup").splitlines():
        number, names, path = line.split(":", 2)
        if number == "0" and not names:
            mounts = ("sys/fs/cgroup", "sys/fs/cgroup/unified")
        elif controller in names.split(","):
            mounts = (f"sys/fs/cgroup/{names}", f"sys/fs/cgroup/{controller}")
        else:
            continue
        parts = [part for part in path.split("/") if part and part != ".."]
        for mount in mounts:
            for n in range(len(parts), -1, -1):
                yield root.joinpath(mount, *parts[:n])


def _cgroup_memory(root):
    for folder in _cgroups(root, "memory"):
        for name in ("memory.max", "memory.high", "memory.limit_in_bytes"):
            yield _number(_read(folder / name))


def _quota_cpus(root):
    """Whole CPUs of the least quota, at least one; None without a quota."""
    least = None
    for folder in _cgroups(root, "cpu"):
        words = _read(folder / "cpu.max").split() or [
            _read(folder / "cpu.cfs_quota_us"), _read(folder / "cpu.cfs_period_us")]  # fmt: skip
        quota, period = (_number(word) for word in words)
        if quota and period:
            cpus = max(1, quota // period)
            least = cpus if least is None else min(least, cpus)
    return least
