"""One command as a stage of a shell pipe: from stdin, or what it opens itself, to stdout or its answer."""

import os
import sys
import threading
from importlib import import_module

from ..errors import Interrupted, SweepError, UsageError
from ..params import Volume, Volumes
from ..run import Run, Settings
from ..spec import Node, Source
from .io import IO


def run(op, params, options):
    """Do what a record says with these parameters and options; returns the exit status."""
    _preload()
    io = IO(op, params, options)
    try:
        if op.kind in ("source", "sink", "tool"):
            return _deed(op, params, io)
        return _filter(op, params, io)
    except (SweepError, KeyboardInterrupt) as error:
        status = 130 if isinstance(error, KeyboardInterrupt) else error.status
        if status > 128:
            _watchdog(status)
        io.fail(Interrupted(2) if status == 130 else error, status)
        raise
    except BrokenPipeError:
        raise
    except OSError as error:
        io.fail(SweepError(f"{error.filename + ': ' if error.filename else ''}{error.strerror}"))
        raise
    except Exception as error:
        io.fail(SweepError(f"{type(error).__name__}: {error}"))
        raise


def _preload():
    """Import numba while the head is still on its way, where the command has kernels."""
    if any(name.startswith("sweeptools.kernels.") for name in sys.modules):
        threading.Thread(target=import_module, args=("numba",), daemon=True).start()


def _watchdog(status):
    """An interrupted process is gone within a second, whatever its threads and its reader do."""
    threading.Timer(0.8, os._exit, (status,)).start()


def _deed(op, params, io):
    """Sources, sinks and tools: done by the file of the same name in tools/."""
    deed = import_module(f"sweeptools.tools.{op.name.replace('-', '_')}")
    full = {**op.defaults, **params}
    if op.kind == "source":
        source = deed.open(io.pool, **full)
        io.report["read"] = source.stats
        io.pump(source)
        return 0
    if op.kind == "sink":
        source = io.stdin()
        deed.put(source, io, **full)
        io.write_report(source)
        return 0
    return deed.main(io, **full) or 0


def _filter(op, params, io):
    """Kernels, graphs, reductions and scans."""
    sources, inputs, names = _inputs(op, params, io)
    settings = Settings(io.threads, None, io.tmpdir, None, io.pool, io.note, io.say)
    node = Node(op, inputs, params, op.name, names=names)
    outs = [node, inputs[0]] if io.options.pass_ else [node]
    work = Run(outs, sources, settings)
    first = next(iter(sources.values()))

    def end():
        io.report |= work.report()
        io.grown, io.found = work.grown, work.facts()
        for key, value in io.found.items():
            (io.say if key == "labels" else io.verbose)(f"{key} {value}")

    def blocks(direction):
        yield from work.blocks()
        end()

    reports = first.end
    if op.output == "stream" or io.options.pass_:
        head = work.head
        io.pump(Source(head, blocks, name=op.name, end=reports, memory=work.memory()))
        if op.output == "stream":
            return 0
    else:
        io.admit(work.memory(), first.head)
        for _ in io.drain(Source(first.head, blocks)):
            pass
    from ..table import answer

    answer(work.values()[0], io)
    io.write_report(first)
    return 0


def _inputs(op, params, io):
    """({name: Source}, the graph's input nodes, their names for kernels that take inputs by name)."""
    from .inputs import named

    wanted = {name: params[name] for name in op.inputs[1:] if params.get(name)}
    sources = named(op, wanted, params, io)
    if not sources:
        raise UsageError("there is no input")
    nodes = tuple(Node(head=s.head, name=name) for name, s in sources.items())
    by_name = any(isinstance(op.params[name], Volumes) for name in op.inputs[1:])
    return sources, nodes, tuple(sources) if by_name else ()


__all__ = ["run", "Volume"]
