"""What a command adds to the history of the voxels that it gives."""

from .. import __version__
from ..params import Volume, Volumes


def entry(op, params, streams):
    """The entry of one command. `streams`: {input: history} of the inputs that come as streams; their own history stands
    in place of an address that means nothing later, as /dev/fd/63."""
    said = op.canonical(params)
    for name, value in list(said.items()):
        if isinstance(op.params[name], Volumes):
            said[name] = [_bound(word, streams) for word in value]
        elif isinstance(op.params[name], Volume) and op.params[name].multiple:
            named = ((f"{name.removesuffix('s')} {i}", word) for i, word in enumerate(params[name], 1))
            said[name] = [list(streams[key]) if key in streams else word for key, word in named]
        elif name in streams:
            said[name] = list(streams[name])
    return {"command": op.name, "version": __version__, "params": said}


def _bound(word, streams):
    name = word.partition("=")[0]
    return {name: list(streams[name])} if name in streams else word
