"""Machine code that is kept on disk, once a machine for each kernel and kinds of its arguments.

A file holds its own checksum, the key of what it was made of, how to call it, and the object code. One that is damaged,
of another key or of another version counts as absent, and is written anew: by rename, so that no half of it is ever read.
No cache is never an error: it costs time.
"""

import json
import os
import sys
from contextlib import contextmanager, suppress
from functools import cache
from hashlib import blake2b
from importlib.util import find_spec
from itertools import accumulate
from pathlib import Path

import numpy as np

from . import __version__


def digest(*parts):
    """16 bytes, in hex, that stand for these texts or bytes."""
    made = blake2b(digest_size=16)
    for part in parts:
        data = part if isinstance(part, bytes) else part.encode()
        made.update(len(data).to_bytes(8, "little") + data)
    return made.hexdigest()


@cache
def makers():
    """What has a say in the machine code beside the kernel: versions, processor, and numba's own variables."""
    import llvmlite.binding as llvm

    here = Path(__file__).parent
    versions = [__version__, sys.implementation.cache_tag, sys.platform, np.__version__]
    versions += [(here / own).read_text() for own in ("jit.py", "native.py")]
    for name in ("numba", "llvmlite"):               # read as text: importing numba is what the cache is to spare
        versions.append((Path(find_spec(name).origin).parent / "_version.py").read_text())
    told = sorted(f"{k}={v}" for k, v in os.environ.items() if k.startswith("NUMBA_") and k != "NUMBA_CACHE_DIR")
    return digest(*versions, *told, llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten())


@cache
def folder():
    """Where machine code is kept: $SWEEP_CACHE, else beside the package, else XDG_CACHE_HOME, else TMPDIR; or None."""
    cpu = os.environ.get("NUMBA_CPU_NAME")
    if not cpu:
        import llvmlite.binding as llvm

        cpu = f"{os.uname().machine}-{llvm.get_host_cpu_name()}"
    mark = f"sweeptools-{__version__}-{sys.implementation.cache_tag}-{cpu}"
    xdg = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    choices = (os.environ.get("SWEEP_CACHE"), Path(__file__).parent / "__pycache__", xdg, os.environ.get("TMPDIR", "/tmp"))
    for place in filter(None, choices):
        with suppress(OSError):
            path = Path(place) / mark
            path.mkdir(parents=True, exist_ok=True)
            if os.access(path, os.W_OK):
                return path
    return None


def read(name, key):
    """(what was said of it, object files) of a kernel, or None where no whole file of this key is kept."""
    with suppress(OSError, ValueError):
        whole = (folder() / name).read_bytes() if folder() else b""
        checksum, _, rest = whole.partition(b"\n")
        if checksum.decode() == digest(rest):
            said, _, code = rest.partition(b"\n")
            told = json.loads(said)
            if told["key"] == key:
                ends = list(accumulate(told["sizes"]))
                return told, [code[end - size : end] for end, size in zip(ends, told["sizes"], strict=True)]
    return None


def write(name, key, told, objects):
    """Keep the object files of a kernel with what is said of it, where there is room."""
    if folder() is None:
        return
    said = json.dumps({"key": key, "sizes": [len(code) for code in objects], **told})
    rest = b"".join((said.encode(), b"\n", *objects))
    part = folder() / f".{name}.{os.getpid()}"
    try:
        part.write_bytes(digest(rest).encode() + b"\n" + rest)
        part.replace(folder() / name)
    except OSError:                                  # a full or vanished cache costs time, never the result
        with suppress(OSError):
            part.unlink()


@contextmanager
def lock(name):
    """Hold this name's byte of the cache's lock file, where the file system has locks: of many that start at once one
    compiles it, and others meanwhile compile what they need. Threads of one process are not kept apart."""
    try:
        import fcntl

        handle = open(folder() / "kernels.lock", "wb")
    except (ImportError, OSError, TypeError):
        yield
        return
    with handle:
        with suppress(OSError):
            fcntl.lockf(handle, fcntl.LOCK_EX, 1, int(digest(name)[:8], 16))
        yield
