"""What this process holds: RssAnon + RssShmem, sampled, since ru_maxrss lies after a fork."""

import ctypes
import threading
import weakref

LARGE = 1 << 20        # bytes from which on freed memory goes back to the system at once
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3


def give_back():
    """Let large arrays go back to the system when they are freed. By itself glibc raises the size from which it does so
    to that of the largest array freed, 32 MiB at most, and may keep twice as much; other libraries have no such call."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:
        mallopt(M_MMAP_THRESHOLD, LARGE)
        mallopt(M_TRIM_THRESHOLD, LARGE)


def resident():
    """Bytes of memory that are this process's own (0 where /proc does not tell)."""
    try:
        with open("/proc/self/status") as status:
            lines = [line.split() for line in status]
    except OSError:
        return 0
    return sum(int(line[1]) << 10 for line in lines if line[0] in ("RssAnon:", "RssShmem:"))


class Peak:
    """The most that was held since it was made, sampled in a thread of its own until it is stopped or forgotten."""

    def __init__(self, every=0.02):
        self.bytes = resident()
        self._stop = threading.Event()
        threading.Thread(target=_watch, args=(weakref.ref(self), self._stop, every), daemon=True).start()

    def look(self):
        self.bytes = max(self.bytes, resident())

    def stop(self):
        self._stop.set()
        self.look()
        return self.bytes


def _watch(peak, stop, every):
    """Look now and then; the thread keeps no Peak alive, as that of a command that failed."""
    while not stop.wait(every):
        alive = peak()
        if alive is None:
            return
        alive.look()
        del alive
