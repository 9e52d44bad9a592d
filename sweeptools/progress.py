"""What the end of a pipe shows while it waits: a line on a terminal, a time-stamped line a minute, or JSON.

Notes come from stages that emit no block at the time: they stand on the line until the next block arrives.
"""

import json
import sys
import threading
import time

EVERY = {"plain": 60.0, "json": 1.0, "draw": 0.1}
STALE = 3.5                            # seconds after which a note no longer holds: they come every second


class Progress:
    """The progress of one sink, or of whatever ends a pipe; every method may be called from any thread.

    `mode` is auto, plain, json or off; `total` slices of `slice_bytes` bytes are awaited.
    """

    def __init__(self, mode, stage, total, slice_bytes, stream=None, clock=time.monotonic):
        self.stage, self.total, self.slice_bytes = stage, total, slice_bytes
        self.stream = stream or sys.stderr
        self.mode = ("draw" if self.stream.isatty() else "plain") if mode == "auto" else mode
        self._clock, self._lock = clock, threading.Lock()
        self._shown = clock()
        self._first = None                           # when the first slices were done, and how many: there rates begin
        self._done, self._notes, self._said = 0, {}, False
        self._bar = _bar(self.stream) if self.mode == "draw" else None

    def note(self, note):
        """A note that a stage sent: keys stage, sweep, sweeps, done, total, bytes, text."""
        with self._lock:
            if note.get("stage") == self.stage and note.get("sweeps", 1) == 1 and "done" in note:
                self._advance(note["done"] - self._done)         # an answer, which makes no blocks
            else:
                now = self._clock()
                self._notes = {stage: old for stage, old in self._notes.items() if now - old[0] < STALE}
                self._notes[note.get("stage", "")] = now, note
            self._show()

    def advance(self, slices):
        """So many more slices have been done."""
        with self._lock:
            self._advance(slices)
            self._notes.clear()
            self._show()

    def _advance(self, slices):
        self._done += slices
        self._first = self._first or (self._clock(), self._done)

    def aside(self):
        """Clear the drawn line, before somebody else writes a line; it is drawn again at the next news."""
        with self._lock:
            if self._bar is not None:
                self._bar.clear()

    def close(self, ok=True):
        """The end, well or not: the drawn line is taken away, lines that were begun get a last one."""
        with self._lock:
            if self._bar is not None:
                self._bar.close()
            if ok and self._done == 0:               # nothing was told on the way, and yet all is done
                self._done = self.total or 0
            if self.mode == "json" or self._said:
                self._say("done" if ok else "failed")
            self.mode = "off"

    def line(self):
        """What is going on, in one line: `otsu sweep 1/2 37 % | label waiting`."""
        if self._notes:
            return " | ".join(spell(note) for _, note in self._notes.values())
        share = f"{100 * self._done // self.total} %" if self.total else f"{self._done} slices"
        rate, left = self._speed()
        if rate is None:
            return f"{self.stage} {share}"
        return f"{self.stage} {share}, {speed(rate)}, {clock_time(left)} left"

    def _speed(self):
        """(bytes a second, seconds left), from the mean since the first slices; None, None before there are more."""
        begin, done = self._first or (0, self._done)
        took = self._clock() - begin
        if took <= 0 or self._done == done or not self.total:
            return None, None
        rate = (self._done - done) / took
        return rate * self.slice_bytes, (self.total - self._done) / rate

    def _show(self):
        now = self._clock()
        if self.mode == "off" or now - self._shown < EVERY[self.mode]:
            return
        self._shown = now
        if self._bar is not None:
            self._bar.set_description_str(self.line())
        else:
            self._say(None)

    def _say(self, state):
        self._said = True
        if self.mode == "json":
            rate, left = self._speed()
            told = {"time": round(time.time(), 3), "stage": self.stage, "done": self._done, "total": self.total}
            told |= {"bytes_per_s": rate and round(rate), "left_s": left and round(left, 1)}
            told |= {"state": state or "running", "notes": [note for _, note in self._notes.values()]}
            self.stream.write(json.dumps(told) + "\n")
        else:
            stamp = time.strftime("%Y-%m-%d %H:%M:%S")
            self.stream.write(f"{stamp} sweep-{self.stage}: {self.line()}{f', {state}' if state else ''}\n")
        self.stream.flush()


def spell(note):
    """One stage's part of the line."""
    words = [note.get("stage", "")]
    if note.get("sweeps", 1) > 1:
        words.append(f"sweep {note.get('sweep', 1)}/{note['sweeps']}")
    if note.get("text"):
        words.append(note["text"])
    elif note.get("done") and note.get("total"):
        words.append(f"{100 * note['done'] // note['total']} %")
    else:
        words.append("waiting")
    return " ".join(words)


def speed(rate):
    """Bytes a second as a person reads them."""
    size, unit = next(((s, u) for s, u in ((1e9, "GB/s"), (1e6, "MB/s")) if rate >= s), (1e3, "kB/s"))
    return f"{rate / size:.{int(rate < 9.95 * size)}f} {unit}"


def clear(stream):
    """What takes a drawn line away before a message, on a terminal: another stage of the pipe may have drawn it."""
    return "\r\x1b[K" if stream.isatty() else ""


def clock_time(seconds):
    """h:mm:ss, or m:ss below an hour."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _bar(stream):
    """One line of the terminal that is drawn anew in place and cut to its width; no thread, no lock of processes."""
    from tqdm import tqdm

    tqdm.monitor_interval = 0
    tqdm.set_lock(threading.RLock())
    return tqdm(file=stream, bar_format="{desc}", dynamic_ncols=True, leave=False, mininterval=0)
