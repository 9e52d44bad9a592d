"""What a filter reads: its stdin, further volumes by address, pipelines applied to stdin's own stream."""

import os

from .. import volumes
from ..errors import UsageError
from ..expression import names as names_in
from ..params import Pipelines, Volumes
from ..spill import Spill
from ..spool import Disk
from ..stream import Reader


def named(op, params, io):
    """{name: Source} of everything a filter reads, stdin first; by the names that an expression uses if it has one."""
    wanted = {}
    pipelines = {}
    for name in op.inputs[1:]:
        value = params.get(name)
        if isinstance(op.params[name], Pipelines):
            pipelines |= dict(value or ())
        elif isinstance(op.params[name], Volumes):
            wanted |= dict(value or ())
        elif value is not None:
            wanted[name] = value
    by_name = any(isinstance(op.params[name], Volumes) for name in op.inputs[1:])
    first = "a" if by_name else "stdin"
    used = names_in(params["expr"]) if by_name else {first}
    sources = {}
    if first not in wanted and (first in used or pipelines):
        sources[first] = io.stdin()
    sources |= {name: opened(address, io, name) for name, address in wanted.items()}
    if not sources:
        raise UsageError(f"{params['expr']!r} names no volume")
    never_wait(sources, io)
    if pipelines:
        from .branch import applied

        sources |= applied(pipelines, sources[first], io, keep=first in used)
        if first not in used:
            del sources[first]
    return sources


def opened(address, io, name):
    """The Source of an address, which may be a pipe such as <(...) makes."""
    if volumes.is_pipe(address):
        fd = os.open(address, os.O_RDONLY)
        return Reader(fd, io.pool, name=name).source(name)
    source = io.stdin() if address == "-" else volumes.open(address, io.pool)
    source.name = name
    return source


def never_wait(sources, io):
    """Let no input wait for another: those that come through a pipe are read at their own pace."""
    pipes = [s for s in sources.values() if not s.again]
    if len(pipes) < 2:
        return
    disk = Disk(io.tmpdir)
    for source in pipes:
        spill = Spill(source.blocks(source.head.sweep), source.head, disk, io.pool)
        source.blocks = lambda direction, spill=spill: iter(spill)
