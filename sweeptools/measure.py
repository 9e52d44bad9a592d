"""What this process holds: RssAnon + RssShmem, sampled, since ru_maxrss lies after a fork."""

import threading


def resident():
    """Bytes of memory that are this process's own (0 where /proc does not tell)."""
    try:
        with open("/proc/self/status") as status:
            lines = [line.split() for line in status]
    except OSError:
        return 0
    return sum(int(line[1]) << 10 for line in lines if line[0] in ("RssAnon:", "RssShmem:"))


class Peak:
    """The most that was held since it was made, sampled in a thread of its own."""

    def __init__(self, every=0.02):
        self.bytes = resident()
        self._stop = threading.Event()
        self._every = every
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self):
        while not self._stop.wait(self._every):
            self.bytes = max(self.bytes, resident())

    def stop(self):
        self._stop.set()
        self.bytes = max(self.bytes, resident())
        return self.bytes
