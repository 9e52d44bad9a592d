"""Axes by their letters."""

from ..errors import Refused, UsageError
from ..params import Param

LETTERS = ("z", "y", "x")


class Axes(Param):
    """Letters of axes, each at most once, commas between or none: `z`, `yx`, `z,y`; `all`: each just once."""

    metavar = "AXES"

    def __init__(self, help, *, all=False, **facts):
        super().__init__(help, **facts)
        self.all = all

    def parse(self, text):
        letters = text.replace(",", "")
        if not letters or set(letters) - set(LETTERS) or len(set(letters)) < len(letters):
            raise UsageError(f"{self.name} is {text!r}, must be letters of z, y and x, each at most once")
        if self.all and len(letters) < 3:
            raise UsageError(f"{self.name} is {text!r}, must name all three axes: z, y and x")
        return letters


def places(letters, head):
    """Which axis of the stream each letter is: by the names of its axes where these are z, y and x, else by place."""
    names = head.axes if sorted(head.axes) == sorted(LETTERS) else LETTERS
    return tuple(names.index(letter) for letter in letters)


def whole(head):
    """The head itself; Refused where the stream is but a part of a volume."""
    if head.is_part:
        raise Refused("a part of a volume cannot change its geometry")
    return head


def steps(head):
    """The distance of voxels along each axis; 1 where it is not known."""
    return tuple(1.0 if s is None else s for s in head.spacing or (None,) * 3)
