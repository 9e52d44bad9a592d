"""Files of text and pictures: refused before the work where they cannot be, and there only when complete."""

import os
from contextlib import contextmanager
from pathlib import Path

from .errors import Refused, UsageError


def check(path):
    """Refuse, before any work, a path that no file can be written to."""
    folder = Path(path).absolute().parent
    if not folder.is_dir():
        raise UsageError(f"{path}: there is no directory '{folder}' to write in")
    if os.path.isdir(path):
        raise UsageError(f"{path} is a directory, must be a file")
    if not os.access(path if _is_device(path) else folder, os.W_OK):
        raise Refused(f"{path}: there is no permission to write there")


@contextmanager
def complete(path):
    """A file, open for bytes, that has its name when the block ends well and is gone otherwise."""
    if _is_device(path):                             # /dev/null is written, never replaced
        with open(path, "wb") as file:
            yield file
        return
    partial = Path(path).with_name(f".{Path(path).name}.{os.getpid()}.partial")
    try:
        with open(partial, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def _is_device(path):
    return os.path.exists(path) and not os.path.isfile(path)
