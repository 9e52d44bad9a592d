"""What a filter reads: its stdin, further volumes by address, pipelines applied to stdin's own stream."""

import os
import stat

from ..errors import UsageError
from ..params import Pipelines, Volumes
from ..stream import Reader


def named(op, params, io):
    """{name: Source} of everything a filter reads, stdin first; by the names that an expression uses if it has one."""
    wanted, pipelines = {}, {}
    for name in op.inputs[1:]:
        value = params.get(name)
        if isinstance(op.params[name], (Pipelines, Volumes)):
            for key, word in value or ():
                if key in wanted or key in pipelines:
                    raise UsageError(f"{key} is bound twice, the second time to {word!r}")
                (pipelines if isinstance(op.params[name], Pipelines) else wanted)[key] = word
        elif value is not None:
            wanted[name] = value
    by_name = any(isinstance(op.params[name], Volumes) for name in op.inputs[1:])
    first = "a" if by_name else "stdin"
    used = _named_in(params["expr"]) if by_name else {first}
    sources = {}
    if first not in wanted and (first in used or pipelines):
        sources[first] = io.stdin()
    for name, address in wanted.items():
        if address == "-" and (io.has_stdin or first in sources):
            raise UsageError(f"{name} is -, but stdin is taken already; <(sweep-read ADDRESS) is another stream")
        sources[name] = opened(address, io, name)
    if not sources:
        raise UsageError(f"{params['expr']!r} names no volume")
    never_wait(sources, io)
    if pipelines:
        from .branch import applied

        sources |= applied(pipelines, sources[first], io, keep=first in used)
        if first not in used:
            del sources[first]
    return sources


def _named_in(expr):
    from ..expression import names

    return names(expr)


def opened(address, io, name):
    """The Source of an address, which may be a pipe such as <(...) makes."""
    if address == "-":
        source = io.stdin()
    elif os.path.exists(address) and stat.S_ISFIFO(os.stat(address).st_mode):
        return Reader(os.open(address, os.O_RDONLY), io.pool, name=name).source(name)
    else:
        from .. import volumes

        source = volumes.open(address, io.pool)
    source.name = name
    return source


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
