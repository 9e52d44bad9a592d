"""One command as a stage of a shell pipe: from stdin, or what it opens itself, to stdout or its answer."""

import os
import threading
from importlib import import_module

from .. import files, jit, table
from ..errors import Interrupted, SweepError, UsageError
from ..params import Volumes
from ..run import Run, Settings
from ..spec import Node, Source
from .inputs import named
from .io import IO
from .preload import preload


def run(op, params, options):
    """Do what a record says with these parameters and options; returns the exit status."""
    imported = preload(op)
    io = IO(op, params, options, imported)
    jit.announce = io.verbose
    try:
        _check_places(params, options)
        status = (_deed if op.kind in ("source", "sink", "tool") else _filter)(op, params, io)
        io.write_report()
        return status
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
    finally:
        jit.announce = jit.silent


def _check_places(params, options):
    """Refuse what could be written nowhere, before any work."""
    for file in filter(None, (options.out, options.pass_)):
        table.check(file)
    for file in filter(None, (options.report, params.get("stamp"))):
        files.check(file)
    if params.get("plot"):
        import_module("sweeptools.tools.hist").check(params["plot"])
    if options.tmpdir and not os.path.isdir(options.tmpdir):
        raise UsageError(f"the directory for temporary files, {options.tmpdir}, does not exist")


def _watchdog(status):
    """An interrupted process is gone within a second, whatever its threads and its reader do."""
    threading.Timer(0.8, os._exit, (status,)).start()


def _deed(op, params, io):
    """Sources, sinks and tools: done by the file of the same name in tools/."""
    deed = import_module(f"sweeptools.tools.{op.name.replace('-', '_')}")
    full = {**op.defaults, **params}
    if op.kind == "source":
        source = deed.open(io.pool, **full, threads=io.threads, tmpdir=io.tmpdir)
        for text in source.said:
            io.say(text)
        io.report["read"] = source.stats
        io.pump(source)
        return 0
    if op.kind == "sink":
        deed.put(io.stdin(), io, **full)
        return 0
    return deed.main(io, **full) or 0


def _filter(op, params, io):
    """Kernels, graphs, reductions and scans."""
    sources = named(op, params, io)
    settings = Settings(io.threads, None, io.tmpdir, None, io.pool, io.note, io.say)
    inputs = tuple(Node(head=s.head, name=name) for name, s in sources.items())
    by_name = any(isinstance(op.params[name], Volumes) for name in op.inputs[1:])
    node = Node(op, inputs, params, op.name, names=tuple(sources) if by_name else ())
    outs = [node, inputs[0]] if io.options.pass_ else [node]
    asked = bool(params.get("print"))               # for what the command finds, not for the stream it makes
    work = Run(outs, sources, settings, found_only=asked)
    first = next(iter(sources.values()))

    def end():
        io.report |= work.report()
        io.grown, io.found = work.grown, work.found
        for name, value in io.found.items():
            (io.say if name in op.tells else io.verbose)(f"{name} {value}")

    def blocks(direction):
        yield from work.blocks()
        end()

    reports = first.end
    if (op.output == "stream" and not asked) or io.options.pass_:
        head = work.head
        io.pump(Source(head, blocks, name=op.name, end=reports, memory=work.memory()))
        if op.output == "stream":
            return 0
    else:
        io.admit(work.memory(), first.head)
        for _ in io.drain(Source(first.head, blocks)):
            pass
    _answer(work.found if asked else work.values()[0], io)
    return 0


def _answer(answer, io):
    """Print, draw or save what a command came to, now that the end mark has been seen."""
    if io.params.get("plot"):
        import_module("sweeptools.tools.hist").save(answer, io.params["plot"])
    file = io.options.pass_ or io.options.out
    if file:
        table.save(answer, file)
    else:
        for text in table.lines(answer, io.options.json):
            io.text(text)


