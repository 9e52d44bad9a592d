"""Outputs that appear whole or not at all: worked on in `.NAME.partial` beside the target, then renamed.

    .NAME.partial/owner.json     who works here: host, pid, start of the process, job
    .NAME.partial/NAME           the output while it grows
    .NAME.partial/replaced       what NAME was, for the moment between two renames
    .NAME.partial/added.json     names in the output that go into a NAME that is there, for the moment of the renames

A partial whose owner is dead is reclaimed by the next writer; one that is complete, but whose owner died between the
renames, is put in its place by the next command that opens a NAME that is gone, or writes to it.
"""

import glob
import json
import os
import shutil
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from pathlib import Path

from ..errors import Refused, SweepError, UsageError

SECONDS = 0.5            # what an abort may spend on deleting; the rest is reclaimed by the next writer
OWNER, REPLACED, ADDED = "owner.json", "replaced", "added.json"


class Target:
    """One output. Work in `path`, then `publish`, or `abort`.

    `may_replace(path)` says whether an existing target is of a kind that --overwrite may remove. Refused where the
    target exists or another process writes it.
    """

    def __init__(self, name, overwrite=False, may_replace=lambda path: True):
        self.target = Path(os.path.abspath(name))
        self.name = str(name)
        mend(self.target)
        if not self.target.parent.is_dir():
            raise UsageError(f"{self.name}: there is no directory {str(self.target.parent)!r} to write in")
        if self.target.exists() and not _is_empty_directory(self.target):
            if not overwrite:
                raise Refused(f"{self.name} exists; use --overwrite to replace it")
            if not may_replace(self.target):
                raise Refused(f"{self.name} holds more than a volume of this format, so --overwrite does not remove it")
        self.partial = partial_of(self.target)
        self._claim()
        self.path = self.partial / self.target.name

    def _claim(self):
        for _ in range(3):
            try:
                os.mkdir(self.partial)
            except FileExistsError:
                _reclaim(self.partial, self.name)
                continue
            except OSError as error:
                raise SweepError(f"{self.name}: cannot be written: {error.strerror}") from error
            with open(self.partial / OWNER, "x") as file:
                json.dump(_me(), file)
            _tidy(self.partial)
            return
        raise Refused(f"{self.name} is being written by another process")

    def publish(self, touch=()):
        """Everything to the disk, then in place; `touch` names files within that get the time of publishing."""
        sync(self.path)
        for path in (*(self.path / name for name in touch), self.path):
            os.utime(path)
        if self.target.is_dir() and not self.target.is_symlink() or self.path.is_dir() and self.target.exists():
            os.rename(self.target, self.partial / REPLACED)
        os.replace(self.path, self.target)
        _sync_one(self.target.parent)
        shutil.rmtree(self.partial)

    def add(self, names):
        """Everything to the disk, then from the output into the directory that is there, in the order of `names`: the
        one that makes the others known is the last."""
        sync(self.path)
        with open(self.partial / ADDED, "x") as file:
            json.dump(names, file)
            file.flush()
            os.fsync(file.fileno())
        _add(self.partial, self.target)

    def abort(self):
        """Remove what was written, in half a second at most; what is left then is reclaimed by the next writer."""
        if not self.partial.is_dir():
            return
        with open(self.partial / OWNER, "w") as file:
            json.dump({**_me(), "aborted": True}, file)
        until = time.monotonic() + SECONDS
        try:
            for folder, folders, files in os.walk(self.path, topdown=False):
                for name in files:
                    if time.monotonic() > until:
                        return
                    os.unlink(os.path.join(folder, name))
                for name in folders:
                    os.rmdir(os.path.join(folder, name))
            shutil.rmtree(self.partial)
        except OSError:                              # a codec's thread may still write: the next writer reclaims it
            return


def partial_of(target):
    """The directory in which `target` is made."""
    return target.parent / f".{target.name}.partial"


def mend(target):
    """Finish what a crash between two renames left: called before NAME is opened or written."""
    target = Path(os.path.abspath(target))
    partial = partial_of(target)
    added = (partial / ADDED).exists()
    if not (added or (partial / REPLACED).exists()) or _alive(_owner(partial)):
        return
    made = partial / target.name
    try:
        if added:
            return _add(partial, target)
        if made.exists() and not target.exists():
            os.rename(made, target)
        shutil.rmtree(partial)
    except FileNotFoundError:                                    # another command mends it at the same time
        pass


def _add(partial, target):
    """Put in place what a partial holds for a directory that is there, as far as that is not done."""
    try:
        names = json.loads((partial / ADDED).read_text())
    except ValueError:                                           # it died before any rename
        names = []
    for name in names:
        if (partial / target.name / name).exists():
            os.replace(partial / target.name / name, target / name)
    _sync_one(target)
    shutil.rmtree(partial)


def sync(path):
    """Write a file, or a tree of files, to the disk; an error of any of them is an error."""
    path = Path(path)
    if not path.is_dir():
        return _sync_one(path)
    every = (os.path.join(folder, name) for folder, _, names in os.walk(path) for name in ("", *names))
    with ThreadPoolExecutor(8) as pool:                          # each waits for the disk, not for the processor
        while some := list(islice(every, 64)):                   # all at once would take memory for each file
            list(pool.map(_sync_one, some))


def _sync_one(path):
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _is_empty_directory(path):
    return path.is_dir() and not any(path.iterdir())


def _reclaim(partial, name):
    """Remove a partial that nobody works on any more, else Refused with who does."""
    owner = _owner(partial)
    if owner is None and time.time() - _changed(partial) < 10:
        raise Refused(f"{name} is being written by a process that just began")
    if _alive(owner):
        job = f", job {owner['job']}" if owner.get("job") else ""
        raise Refused(f"{name} is being written by process {owner.get('pid')} on {owner.get('host')}{job}")
    aside = partial.with_name(f"{partial.name}.{os.getpid()}")
    try:
        os.rename(partial, aside)
    except FileNotFoundError:
        return
    if _owner(aside) != owner:                                   # another process reclaimed it and began meanwhile
        os.rename(aside, partial)
        raise Refused(f"{name} is being written by another process")
    shutil.rmtree(aside)


def _tidy(partial):
    """Remove what is left of partials whose reclaiming was cut off."""
    for aside in partial.parent.glob(f"{glob.escape(partial.name)}.*"):
        if not _alive(_owner(aside)):                            # it may just have been found alive, and go back
            with suppress(FileNotFoundError):                    # another process removes it too
                shutil.rmtree(aside)


def _changed(path):
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _owner(partial):
    """Who works on a partial; None where that cannot be read."""
    try:
        return json.loads((partial / OWNER).read_text())
    except (FileNotFoundError, ValueError):
        return None


def _me():
    jobs = (os.environ.get(key) for key in ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "JOB_ID"))
    pid = os.getpid()
    return {"host": socket.gethostname(), "pid": pid, "began": _began(pid), "job": next(filter(None, jobs), None)}


def _alive(owner):
    """Whether an owner may still be at work; one on another host may."""
    if owner is None or owner.get("aborted"):
        return False
    if owner.get("host") != socket.gethostname():
        return True
    try:
        os.kill(owner["pid"], 0)
    except ProcessLookupError:
        return False
    except PermissionError:                                      # it is there, and another user's
        pass
    return owner.get("began") in (None, _began(owner["pid"]))    # a pid is used again, a pid with its start is not


def _began(pid):
    """When a process began, in clock ticks since boot; None where the system does not tell."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return None
