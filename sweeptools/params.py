"""The kinds of parameters: how a word on the command line becomes a value, and a length in world units one in voxels.

A parameter is declared as an annotation, `sigma: Arg(Lengths, "standard deviation", low=0)`. `parse` needs the word
alone; `bind` needs the head of the stream as well. Both raise UsageError with the value and the bound in it.
"""

import re

from .errors import UsageError

METRES = {"angstrom": 1e-10, "nanometer": 1e-9, "micrometer": 1e-6, "millimeter": 1e-3, "centimeter": 1e-2, "meter": 1.0}
SHORT = {"A": "angstrom", "Å": "angstrom", "nm": "nanometer", "um": "micrometer", "µm": "micrometer", "μm": "micrometer"}
SHORT |= {"micron": "micrometer", "microns": "micrometer", "mm": "millimeter", "cm": "centimeter", "m": "meter"}
DTYPES = ("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float32", "float64")
MODES = ("reflect", "nearest", "mirror", "constant", "wrap")


def unit_name(text):
    """The UDUNITS name of a unit of length however it is spelt, or None."""
    name = SHORT.get(text) or text.rstrip("s").replace("metre", "meter")
    return name if name in METRES else None


def convert(value, unit, to):
    """A length in `unit` as a length in `to`; both are UDUNITS names."""
    return value if unit == to else value * METRES[unit] / METRES[to]


def is_value(word):
    """Whether a word that starts with a hyphen is a number, a length, a triple or a range, and so never an option."""
    return bool(re.fullmatch(r"-(\d|\.\d|inf|nan|:)[-+\w.:,µμÅ]*", word))


def number(text, name="value"):
    """An int where the word is a whole number, else a float."""
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"{name} is {text!r}, must be a number") from None


def whole_number(text, name="value"):
    try:
        return int(text)
    except ValueError:
        raise UsageError(f"{name} is {text!r}, must be a whole number") from None


def triple(text, one, name="value"):
    """`1,2,3` or one value for all three axes, each parsed by `one`."""
    parts = tuple(one(part, name) for part in text.split(","))
    if len(parts) not in (1, 3):
        raise UsageError(f"{name} is {text!r}, which has {len(parts)} values, must have one or three: Z,Y,X")
    return parts * 3 if len(parts) == 1 else parts


class Param:
    """What all kinds have in common: help without a full stop, bounds, unit, given by position or as an option."""

    metavar = "TEXT"
    unit = ""

    def __init__(
        self, help, *, low=None, high=None, unit=None, positional=False, multiple=False, metavar=None, nargs=1, short=""
    ):
        self.name = ""                     # the parameter's name, told by the record
        self.help, self.low, self.high = help, low, high
        self.positional, self.multiple = positional, multiple
        self.nargs, self.short = nargs, short         # words it takes, each parsed by itself; a second name, one letter
        self.unit = self.unit if unit is None else unit
        self.metavar = metavar or self.metavar

    def parse(self, text):
        """The value of a word."""
        return text

    def bind(self, value, head):
        """The value the kernels get, for a stream with this head."""
        return value

    def canonical(self, value):
        """The value as the history and the usage line spell it."""
        if isinstance(value, (tuple, list)):
            return ",".join(str(self.canonical(v)) for v in value)
        return value if isinstance(value, (bool, int, float)) or value is None else str(value)

    def check(self, value, unit=None):
        """The value itself if it lies within the bounds, which `parse` and `bind` end with; unit: a word for messages."""
        unit = self.unit if unit is None else unit
        for v in value if isinstance(value, tuple) else (value,):
            bound = None
            if self.low is not None and not v >= self.low:
                bound = f"at least {self.low}"
            elif self.high is not None and not v <= self.high:
                bound = f"at most {self.high}"
            if bound:
                v = int(v) if isinstance(v, float) and v.is_integer() else v
                raise UsageError(f"{self.name} is {v}{' ' + unit if unit else ''}, must be {bound}")
        return value


def Arg(kind, help, **facts):
    """A parameter given by position; one with a default may be left out."""
    return kind(help, positional=True, **facts)


class Text(Param):
    """Any word."""


class Flag(Param):
    """Given or not."""

    metavar = ""


class Number(Param):
    """A real number."""

    metavar = "NUMBER"

    def parse(self, text):
        return self.check(number(text, self.name))


class Value(Number):
    """A number on the scale of the voxels; infinities are numbers too."""

    metavar = "VALUE"
    unit = "in the voxels' own values"

    def check(self, value):
        return value if self.low is None and self.high is None else super().check(value, "")


class Count(Param):
    """A whole number."""

    metavar = "N"

    def parse(self, text):
        return self.check(whole_number(text, self.name))


class Counts(Param):
    """Whole numbers along z, y and x, or one for all three."""

    metavar = "Z,Y,X"

    def parse(self, text):
        return self.check(triple(text, whole_number, self.name))


class Sizes(Counts):
    """Edge lengths of a box in voxels, along z, y and x, or one for all three."""

    metavar = "SIZE"
    unit = "voxels from edge to edge"

    def __init__(self, help, *, low=1, **facts):
        super().__init__(help, low=low, **facts)

    def check(self, value, unit="voxels"):
        return super().check(value, unit)


class Lengths(Param):
    """Lengths along z, y and x, in voxels or in a unit of length: `2`, `1,2,2`, `2px`, `1.5um`, `2,1,1um`."""

    metavar = "Z,Y,X"
    unit = "voxels, or a length with its unit"

    def parse(self, text):
        """((z, y, x), unit); the unit is `px` or a UDUNITS name."""
        body, unit = re.fullmatch(r"(.*?)([A-Za-zµμÅ]*)", text, re.DOTALL).groups()
        if re.fullmatch(r"[-+]?(inf|nan)", text):
            body, unit = text, ""
        name = "px" if unit in ("", "px") else unit_name(unit)
        if name is None:
            raise UsageError(f"{self.name} is {text!r}, {unit} is not a unit of length: use px, A, nm, um, mm, cm or m")
        values = triple(body, lambda part, name: float(number(part, name)), self.name)
        return self.check(values, unit or "px"), name

    def bind(self, value, head):
        values, unit = value
        if unit == "px":
            return values
        if head.spacing is None or head.unit is None or None in head.spacing:
            raise UsageError(
                f"{self.name} is given in {unit}, but the volume has no spacing; "
                f"give {self.name} in voxels or set it with sweep-read --spacing Z,Y,Xum"
            )
        return tuple(convert(v, unit, head.unit) / s for v, s in zip(values, head.spacing))

    def canonical(self, value):
        if value is None or isinstance(value, str):
            return value
        values, unit = value
        return ",".join(repr(v) for v in values) + unit


class Spacing(Lengths):
    """The distance between voxel centres along z, y and x, with its unit."""

    unit = "a length with its unit"

    def parse(self, text):
        values, unit = super().parse(text)
        if unit == "px":
            raise UsageError(f"{self.name} is {text!r}, must be a length with its unit: {text.removesuffix('px')}um")
        return values, unit

    def bind(self, value, head):
        return value


class Pair(Param):
    """Two numbers with a comma between: LOW,HIGH."""

    metavar = "LOW,HIGH"

    def parse(self, text):
        parts = tuple(number(part, self.name) for part in text.split(","))
        if len(parts) != 2:
            raise UsageError(f"{self.name} is {text!r}, must be two numbers: LOW,HIGH")
        return self.check(parts)


class Choice(Param):
    """One of a few words."""

    def __init__(self, help, *words, **facts):
        super().__init__(help, **facts)
        self.words = words
        self.metavar = "|".join(words)

    def parse(self, text):
        if text not in self.words:
            raise UsageError(f"{self.name} is {text!r}, must be one of {', '.join(self.words)}")
        return text


class Dtype(Choice):
    """A type of voxels, by numpy's name."""

    def __init__(self, help, **facts):
        super().__init__(help, *DTYPES, **facts)
        self.metavar = "TYPE"


class Range(Param):
    """A numpy slice along one axis: `A:B`, `A:B:S`, parts may be left out, negatives count from the end."""

    metavar = "A:B[:S]"
    unit = "voxels"

    def parse(self, text):
        return parse_range(text, self.name)

    def canonical(self, value):
        return None if value is None else spell_range(value)


class Ranges(Param):
    """Three numpy slices, z, y and x: `10:50,:,-100:`."""

    metavar = "Z0:Z1,Y0:Y1,X0:X1"
    unit = "voxels"

    def parse(self, text):
        parts = tuple(parse_range(part, self.name) for part in text.split(","))
        if len(parts) != 3:
            raise UsageError(f"{self.name} is {text!r}, must be three ranges: Z0:Z1,Y0:Y1,X0:X1")
        return parts

    def canonical(self, value):
        return None if value is None else ",".join(spell_range(part) for part in value)


def parse_range(text, name="range"):
    """`A:B:S` as (A, B, S) with None for what is left out; a lone index A is A:A+1."""
    parts = [whole_number(part, name) if part.strip() else None for part in text.split(":")]
    if len(parts) == 1 and parts[0] is not None:
        return (parts[0], parts[0] + 1 or None, 1)
    if len(parts) not in (2, 3) or (len(parts) == 3 and (parts[2] is not None and parts[2] < 1)):
        raise UsageError(f"{name} is {text!r}, must be A:B or A:B:S with a step of at least 1")
    start, stop, step = (*parts, 1) if len(parts) == 2 else parts
    return (start, stop, step or 1)


def spell_range(part):
    start, stop, step = part
    return f"{'' if start is None else start}:{'' if stop is None else stop}" + (f":{step}" if step != 1 else "")


def resolve_range(part, size, name="range"):
    """(start, stop, step) within an axis of `size` voxels; beyond the volume, or empty, is an error."""
    start, stop, step = part
    lo = 0 if start is None else start + size if start < 0 else start
    hi = size if stop is None else stop + size if stop < 0 else stop
    if not 0 <= lo <= size or not 0 <= hi <= size:
        raise UsageError(f"{name} {spell_range(part)} reaches beyond the volume's 0:{size}")
    return lo, max(lo, hi), step


class Element(Param):
    """A structuring element: `box:7`, `box:3,7,7`, `cross`, `ball:R` (R in voxels or a length), `file:FOOTPRINT.npy`."""

    metavar = "SHAPE"
    unit = "voxels, or a length with its unit for ball"

    def parse(self, text):
        """(kind, value): ("box", (7, 7, 7)), ("cross", None), ("ball", (lengths, unit)), ("file", path)."""
        kind, colon, rest = text.partition(":")
        if kind == "cross" and not colon:
            return ("cross", None)
        if kind == "box" and rest:
            return ("box", Sizes.parse(self._as(Sizes), rest))
        if kind == "ball" and rest:
            return ("ball", Lengths.parse(self._as(Lengths), rest))
        if kind == "file" and rest:
            return ("file", rest)
        raise UsageError(f"{self.name} is {text!r}, must be box:SIZE, cross, ball:R or file:FOOTPRINT.npy")

    def _as(self, kind):
        twin = kind(self.help, low=1 if kind is Sizes else 0)
        twin.name = self.name
        return twin

    def bind(self, value, head):
        kind, v = value
        return (kind, Lengths.bind(self, v, head)) if kind == "ball" else value

    def canonical(self, value):
        kind, v = value
        if kind == "ball":
            return "ball:" + Lengths.canonical(self, v)
        return kind if v is None else f"{kind}:{v if kind == 'file' else ','.join(map(str, v))}"


class Address(Param):
    """Where a volume is or goes."""

    metavar = "ADDRESS"


class Volume(Address):
    """A further input of the same shape: a volume's address, or `<(...)`."""

    metavar = "VOLUME"


class Volumes(Address):
    """Further inputs by name: NAME=ADDRESS, as often as needed."""

    metavar = "NAME=ADDRESS"

    def __init__(self, help, **facts):
        super().__init__(help, **{"multiple": True, **facts})

    def parse(self, text):
        name, equals, address = text.partition("=")
        if not equals or not name.isidentifier() or not address:
            raise UsageError(f"{self.name} is {text!r}, must be {self.metavar}")
        return (name, address)

    def canonical(self, value):
        return [f"{name}={address}" for name, address in value]


class Pipelines(Volumes):
    """Further inputs by name, each a pipeline applied to the stream itself: NAME='PIPELINE'."""

    metavar = "NAME='PIPELINE'"
