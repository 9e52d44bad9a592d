"""What a command has to do with the world: its stdin, its stdout, what it says, its report."""

import signal
import sys
import threading
import time

from ..errors import Refused
from ..flow import Ahead, Pool
from ..machine import spell_size
from ..measure import Peak, give_back, resident
from ..memory import running
from ..plan.history import entry
from ..progress import Progress, clear
from ..stream import Reader, Writer, send_error
from .report import of_pipe, save


class IO:
    """One per process. Sources, sinks and tools get it as `io`; `report` collects what they found."""

    def __init__(self, op, params, options, imported=lambda: None):
        self.imported = imported                     # waits for what is being imported in the background
        self.op, self.params, self.options = op, params, options
        self.name = f"sweep-{op.name}"
        self.pool = Pool()
        self.threads, self.memory, self.tmpdir = options.threads, options.memory, options.tmpdir
        self.report, self.found, self.items = {}, {}, []
        self.streams = {}                            # history of the inputs that come as streams, by name
        self.inputs = {}                             # streams that are there already, by the word that names them
        self.began = time.perf_counter()
        give_back()
        self.peak = Peak()
        self.baseline = self.grown = 0
        self.whole = None                            # the report, where this process is all of the run
        self._part = None                            # of the report: as it went into the end mark
        self._writer = self._progress = None
        self._facts = {"stage": op.name}             # how far this stage is, as its last note said
        self._source = None
        self._lock = threading.Lock()

    # -------------------------------------------------------------- words

    def say(self, text):
        """A line on stderr, unless -q."""
        if not self.options.quiet:
            if self._progress:
                self._progress.aside()
            sys.stderr.write(f"{clear(sys.stderr)}{self.name}: {text}\n")

    def verbose(self, text):
        if self.options.verbose:
            self.say(text)

    def text(self, text):
        """Text on stdout; only after the end mark was seen."""
        sys.stdout.write(text)

    def note(self, facts):
        """Tell how far this stage is: to the sink while nothing else is sent (see Idle), else on this terminal."""
        self._facts = {"stage": self.op.name, **facts}
        if not self._writer:
            self._pass_on(self._facts)

    def _pass_on(self, note):
        with self._lock:
            if self._writer:
                self._writer.note(note)
            elif self._progress:
                self._progress.note(note)

    def _hand_on(self, kind, header, payload):
        """Frames of a later version that may be skipped go on as they are."""
        if self._writer:
            self._writer.other(kind, header, payload)

    # -------------------------------------------------------------- streams

    @property
    def has_stdin(self):
        """Whether the stream on stdin is being read."""
        return self._source is not None

    def stdin(self):
        """The stream on stdin, as a Source."""
        if self._source is None:
            reader = Reader(0, self.pool, self._pass_on, on_other=self._hand_on)
            self._source = reader.source("stdin")
        return self._source

    def stdout(self, head):
        """A Writer of a stream with this head on stdout."""
        self._writer = Writer(1, head, name=self.op.name)
        return self._writer

    def history(self):
        """This command's entry of the history."""
        return entry(self.op, self.params, self.streams)

    def admit(self, items, head=None, least=("", 0)):
        """Account for what will be held; refuse now if the budget cannot be met. Returns this stage's predicted peak.
        `least` is what a source must hold, (what, bytes)."""
        self.imported()
        self.items, self.baseline = list(items), resident()
        if self.op.kind in ("source", "sink", "tool"):           # who reads ahead, who sends, who writes behind
            self.items += running(3)
        own = self.baseline + sum(n for _, n in self.items)
        earlier = sum(n for _, n in head.peaks) if head is not None else 0
        if least[1] > self.options.budget:
            raise Refused(
                f"{least[0]} is {spelt(least[1])}, the budget is {spelt(self.options.budget)}; "
                f"use sweep-read --box, or --memory {spell_size(own)}", own,
            )  # fmt: skip
        if self.memory and own > self.memory:
            self._refuse(own, "--memory", self.memory)
        if own + earlier > self.options.budget:      # what comes later only adds to it
            self._refuse(own + earlier, "the budget of the pipe", self.options.budget, head.peaks if head else ())
        return own

    def needs(self, items):
        """Bytes that this process would hold, as it is now, with these items."""
        self.imported()
        return resident() + sum(n for _, n in [*items, *running(3)])

    def _refuse(self, need, what, have, earlier=()):
        items = [("the interpreter and its libraries", self.baseline), *self.items]
        most, held = max([*items, *((f"sweep-{name}", held) for name, held in earlier)], key=lambda item: item[1])
        larger = f"--memory {spell_size(need)}" if what == "--memory" else f"SWEEP_MEMORY={spell_size(need)}"
        raise Refused(
            f"needs {spell_size(need)} of memory, {what} is {spell_size(have)}; most of it is for {most}, "
            f"{spell_size(held)}; take less of the volume with sweep-read --box, fewer --threads, or {larger}",
            need,
        )

    def drain(self, source):
        """The blocks of a source, with progress; the end mark has been verified when it is exhausted."""
        head = source.head
        self._progress = Progress(self.options.progress, self.op.name, head.slices, head.slice_bytes)
        done = False
        try:
            for block in source.blocks(head.sweep):
                yield block
                self._progress.advance(block.n)
            done = True
        finally:
            self._progress.close(done)
            self._progress = None

    def pump(self, source):
        """Send a source to stdout as a stream, with its end mark."""
        entry = self.history()
        head = source.head
        own = self.admit([*source.memory, (f"{self.op.name}: a block that is sent", head.block_bytes)], head, source.least)
        head = head.but(
            history=(*head.history, *([entry] if self.options.history else [])),
            peaks=(*head.peaks, (self.op.name, own)),
            budget=head.budget or self.memory,
        )
        writer = self.stdout(head)
        blocks = Ahead(source.blocks(head.sweep))
        sent = Ahead(self._send(blocks, writer))     # not in this thread: a signal would cut a frame in two
        idle = Idle(writer, lambda: self._facts)
        try:
            for _ in sent:
                pass
        finally:
            idle.stop()
            sent.close()
            blocks.close()
        writer.end([*source.end.get("reports", ()), self.part()], [*source.end.get("found", ()), *self._found(head)])

    def _send(self, blocks, writer):
        """Write blocks; steps once for each."""
        for block in blocks:
            start = time.perf_counter()
            writer.block(block)
            del block
            self.report["wait_out_s"] = self.report.get("wait_out_s", 0.0) + time.perf_counter() - start
            yield

    def _found(self, head):
        """What this command found, as the end mark has it: `at` is its entry's place in the head's history."""
        return [{"at": len(head.history) - 1, **self.found}] if self.found and self.options.history else []

    def fail(self, error, status=1):
        """Tell the next stage that the stream ends here and why."""
        if self.op.output != "stream":
            return
        stage, why = getattr(error, "stage", self.name), getattr(error, "why", str(error))
        status = getattr(error, "status", status)
        try:
            if self._writer:
                self._writer.error(stage, why, status)
            else:
                send_error(1, stage, why, status)
        except OSError:                              # who should hear of it is gone; stderr says it all the same
            pass

    # -------------------------------------------------------------- the report

    def part(self):
        """This stage's part of the report; the same from the first time on."""
        self._part = self._part or {
            "name": self.op.name,
            "busy_s": 0.0,
            "wait_in_s": 0.0,
            "wait_out_s": 0.0,
            "peak_bytes": self.peak.stop(),
            "baseline_bytes": self.baseline + self.grown,
            "predicted_peak_bytes": self.baseline + self.grown + sum(n for _, n in self.items),
            "memory_items": [{"what": what, "bytes": n} for what, n in self.items],
            **self.found,
            **self.report,
        }
        return self._part

    def write_report(self):
        """The run's report, where --report asks for one: of the whole run, or of the pipe that ends here."""
        if self.options.report:
            earlier = self._source.end.get("reports", ()) if self._source else ()
            save(self.whole or of_pipe([*earlier, self.part()], self.seconds), self.options.report)

    @property
    def seconds(self):
        """Wall time so far."""
        return time.perf_counter() - self.began


class Idle:
    """Sends a note for every second in which nothing else was sent: who waits sees that this stage lives, and a reader
    that went away ends it, though it may have nothing to write for hours."""

    def __init__(self, writer, facts):
        self._writer, self._facts, self._stop = writer, facts, threading.Event()
        signal.signal(signal.SIGUSR1, _reader_gone)  # wakes the main thread, whatever it waits for
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self):
        seen, gone = -1, False
        while not self._stop.wait(1.0):
            if self._writer.bytes == seen and not gone:
                try:
                    self._writer.note(self._facts())
                except BrokenPipeError:
                    gone = True
            if gone:                                 # again and again: what a finalizer raises is lost
                signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1)
            seen = self._writer.bytes

    def stop(self):
        self._stop.set()


def _reader_gone(number, frame):
    raise BrokenPipeError


def spelt(n):
    """Bytes as a person reads them: 51.2 GB, in powers of 1024."""
    text = spell_size(n)
    return f"{text[:-1]} {text[-1]}B" if text[-1].isalpha() else f"{text} bytes"
