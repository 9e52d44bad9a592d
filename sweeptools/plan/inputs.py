"""What a filter reads beside or instead of its stdin, as its parameters say."""

from dataclasses import dataclass, field

from ..errors import UsageError
from ..params import Pipelines, Volume, Volumes


@dataclass
class Inputs:
    """The inputs of one command, by the names its kernel knows them by."""

    first: str = "stdin"               # what stdin is called
    takes_first: bool = True           # whether stdin itself is an input, and not only what pipelines make of it
    by_name: bool = False              # whether the kernel takes its inputs by name
    addresses: dict[str, str] = field(default_factory=dict)
    pipelines: dict[str, str] = field(default_factory=dict)    # applied to stdin's own stream

    @property
    def reads_stdin(self):
        return self.takes_first or bool(self.pipelines)


def inputs_of(op, params):
    """The Inputs of a filter with these parameters; raises UsageError for a name that is bound twice."""
    found = Inputs()
    for name in op.inputs[1:]:
        value = params.get(name)
        if isinstance(op.params[name], Volumes):
            found.by_name = True
            kind = found.pipelines if isinstance(op.params[name], Pipelines) else found.addresses
            for key, word in value or ():
                if key in found.addresses or key in found.pipelines:
                    raise UsageError(f"{key} is bound twice, the second time to {word!r}")
                kind[key] = word
        elif isinstance(op.params[name], Volume) and op.params[name].multiple:
            found.addresses |= {f"{name.removesuffix('s')} {i}": word for i, word in enumerate(value or (), 1)}
        elif isinstance(op.params[name], Volume) and value is not None:
            found.addresses[name] = value
    if found.by_name:
        from ..expression import names

        found.first = "a"
        found.takes_first = "a" not in found.addresses and "a" in names(params["expr"])
    if not (found.reads_stdin or found.addresses):
        raise UsageError(f"{params['expr']!r} names no volume")
    return found
