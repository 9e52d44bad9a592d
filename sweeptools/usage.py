"""What a record says to a reader: names, bounds, the help text, the list of commands. Pages say it from here too."""

import textwrap

from .listing import TASKS, by_task, commands
from .params import Choice, Counts, Flag, Lengths, Ranges

WIDTH = 80
EXTENTS = {
    "halo": "looks at the voxels around each voxel only: parts of a volume give the same bytes",
    "line": "carries state along z in stream order",
    "slice": "needs whole slices: they cannot be cut into tiles",
    "volume": "depends on the whole volume",
}
IN, OUT = "sweep-read in.zarr", "sweep-write out.zarr"


def lacks(op):
    """What a record must say and does not: such a command does not start."""
    there = {"summary": op.summary, "docstring": op.doc, "task": op.task in TASKS, "three examples": op.examples[2:]}
    return ", ".join(fact for fact, said in there.items() if not said)


def option(name):
    """How the parameter `name` is spelt as an option: `pass_` is --pass."""
    return "--" + name.strip("_").replace("_", "-")


def spelt(name, param):
    """How a parameter is called on the command line: SIGMA by position, --truncate as an option."""
    return name.strip("_").upper() if param.positional else option(name)


def values(param):
    """The forms of the words that an option takes: one metavar, or as many as it has words."""
    if isinstance(param, Flag):
        return []
    return param.metavar.split(" ") if " " in param.metavar else [param.metavar] * param.nargs


def form(name, param):
    """A parameter with the form of its value: `SIGMA`, `--truncate NUMBER`, `-q, --quiet`."""
    short = f"-{param.short}, " if param.short else ""
    if param.positional:
        return spelt(name, param) + ("..." if param.multiple else "")
    return " ".join([f"{short}{option(name)}", *values(param)])


def usage(op):
    """The words of a command: required ones bare, others in brackets; shared options are not listed."""
    words = [f"sweep-{op.name}"]
    ordered = sorted(op.params.items(), key=lambda item: not item[1].positional)
    for name, param in ordered:
        word = form(name, param).split(", ")[-1] + ("..." if param.multiple and not param.positional else "")
        optional = name in op.defaults or isinstance(param, Flag)
        words.append(f"[{word}]" if optional else word)
    return words


def facts(op, name, param):
    """Unit, bounds and default of a parameter, as short phrases."""
    told = []
    if param.positional and param.metavar not in ("TEXT", "N", "NUMBER", "VALUE", "ADDRESS", "VOLUME", "FILE"):
        told.append(param.metavar)
    if isinstance(param, Choice) and param.metavar == "TYPE":
        told.append("uint8 to uint64, int8 to int64, float32, float64")
    if isinstance(param, (Counts, Lengths, Ranges)):
        told.append("x last")
    if param.unit and param.unit not in param.help:
        told.append(param.unit)
    if param.low is not None and param.high is not None:
        told.append(f"{param.low} to {param.high}")
    elif param.low is not None:
        told.append(f"at least {param.low}")
    elif param.high is not None:
        told.append(f"at most {param.high}")
    if param.multiple:
        told.append("may be given more than once")
    default = op.defaults.get(name) if op else None
    if default is not None and not isinstance(param, Flag) and default != ():
        told.append(f"default {spell(param, default)}")
    return told


def spell(param, value):
    """A default as it would be typed."""
    if param.nargs > 1:
        return " ".join(str(param.canonical(v)) for v in value)
    return str(param.canonical(value))


def paragraphs(doc):
    """(text, literal) for each paragraph of a docstring; tables and lists, which have gaps or indents, are literal."""
    for block in doc.split("\n\n"):
        lines = block.strip("\n").split("\n")
        literal = any("  " in line for line in lines) or any(line.startswith((" ", "* ", "- ")) for line in lines)
        yield block.strip("\n") if literal else " ".join(lines), literal


def pipes(op):
    """The record's examples as a person types them, in a pipe."""
    for example in op.examples:
        this = f"sweep-{op.name} {example}".rstrip()
        before = f"{IN} | " if op.kind != "source" and (op.kind != "tool" or op.output == "stream") else ""
        after = f" | {OUT}" if op.output == "stream" else ""
        yield before + this + after


def result(op):
    """What the command gives."""
    if op.output == "value":
        return "an answer on stdout, after the whole stream has been verified"
    if op.output == "table":
        return "a table on stdout, after the whole stream has been verified"
    if op.output == "stream":
        role = {"labels": "labels", "mask": "a mask"}.get(op.role, "")
        return "a stream" + (f" of {op.dtype}" if isinstance(op.dtype, str) else "") + (f" ({role})" if role else "")
    return ""


def _rows(op, params):
    """Two columns: the form of each parameter, and its help with its facts."""
    lines = []
    for name, param in params.items():
        told = facts(op, name, param)
        text = param.help + (f" ({'; '.join(told)})" if told else "")
        head = f"  {form(name, param)}"
        first = head.ljust(26) if len(head) < 25 else head + "\n" + " " * 26
        lines.append(first + textwrap.fill(text, WIDTH - 26).replace("\n", "\n" + " " * 26))
    return "\n".join(lines)


def text(op, common):
    """The help of one command; `common` are the options that all commands of its kind share."""
    places = {name: param for name, param in op.params.items() if param.positional}
    options = {name: param for name, param in op.params.items() if not param.positional}
    line = textwrap.fill(
        " ".join(word.replace(" ", "\0") for word in [*usage(op), "[OPTION]..."]), WIDTH,
        initial_indent="usage: ", subsequent_indent=" " * 11, break_on_hyphens=False, break_long_words=False,
    ).replace("\0", " ")  # fmt: skip
    parts = [f"sweep-{op.name}: {op.summary}", line]
    parts += [body if literal else textwrap.fill(body, WIDTH) for body, literal in paragraphs(op.doc)]
    if places:
        parts.append("Arguments\n" + _rows(op, places))
    if options:
        parts.append("Options\n" + _rows(op, options))
    parts.append("Options of every command\n" + _rows(None, common) + "\n  --help, --version")
    if op.kind in ("kernel", "scan", "reduce"):
        parts.append("Streaming\n" + textwrap.indent(f"{EXTENTS[op.extent]}; gives {result(op)}", "  "))
    parts.append("Examples\n" + "\n".join(f"  {line}" for line in pipes(op)))
    return "\n\n".join(parts) + f"\n\nMore: man sweep-{op.name}\n"


def overview():
    """All commands by task, for `sweep --help`."""
    lines = ["usage: sweep-NAME ... or sweep NAME ...", ""]
    lines += ["Filters for volumes that do not fit in memory, to be joined with pipes:"]
    lines += [f"  {IN} | sweep-gauss 1.5 | {OUT}"]
    for task, rows in by_task(commands()):
        lines += ["", task, *(f"  {name.ljust(14)} {summary}" for name, summary in rows)]
    return "\n".join([*lines, "", "More: sweep-NAME --help, man sweep, man sweep-pipelines", ""])


def words(example):
    """The words of an example, as a shell cuts them."""
    import shlex

    return shlex.split(example)
