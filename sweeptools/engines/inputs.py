"""What a filter reads: its stdin, further volumes by address, pipelines applied to stdin's own stream."""

import os
import stat

from ..errors import UsageError
from ..plan.inputs import inputs_of
from ..stream import Reader


def named(op, params, io):
    """{name: Source} of everything a filter reads, stdin first; by the names that an expression uses if it has one."""
    wanted = inputs_of(op, params)
    sources = {wanted.first: io.stdin()} if wanted.reads_stdin else {}
    for name, address in wanted.addresses.items():
        if address == "-" and io.has_stdin:
            raise UsageError(f"{name} is -, but stdin is taken already; <(sweep-read ADDRESS) is another stream")
        sources[name] = opened(address, io, name)
        if is_pipe(address):
            io.streams[name] = sources[name].head.history
    never_wait(sources, io)
    if wanted.pipelines:
        from .branch import applied

        sources |= applied(wanted.pipelines, sources[wanted.first], io, keep=wanted.takes_first)
        if not wanted.takes_first:
            del sources[wanted.first]
    return sources


def opened(address, io, name):
    """The Source of an address, which may be a pipe such as <(...) makes."""
    if address in io.inputs:
        source = io.inputs[address]
    elif address == "-":
        source = io.stdin()
    elif is_pipe(address):
        return Reader(os.open(address, os.O_RDONLY), io.pool, name=name).source(name)
    else:
        from .. import volumes

        source = volumes.open(address, io.pool)
    source.name = name
    return source


def is_pipe(address):
    """Whether an address is a pipe that has a name, such as <(...) makes."""
    return os.path.exists(address) and stat.S_ISFIFO(os.stat(address).st_mode)


def never_wait(sources, io):
    """Let no input wait for another: those that come through a pipe are read at their own pace."""
    pipes = [s for s in sources.values() if not s.again]
    if len(pipes) < 2:
        return
    from ..spill import Spill
    from ..spool import Disk

    disk = Disk(io.tmpdir)
    for source in pipes:
        spill = Spill(source.blocks(source.head.sweep), source.head, disk, io.pool)
        source.blocks = lambda direction, spill=spill: iter(spill)
