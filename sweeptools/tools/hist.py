"""The picture of sweep-hist --plot: counts as bars in black, and behind them their logarithms in grey."""

import math
import os

import numpy as np

from .. import files
from ..errors import UsageError

WIDE, HIGH = 960, 480                                  # pixels, of all
LEFT, TOP, RIGHT, BOTTOM = 90, 20, 930, 430            # of the bars
INK, PALE, PAPER = 0, 190, 255
TICKS = 8


def check(path):
    """Refuse, before any work, a file that no picture can be written to."""
    from PIL import Image, ImageDraw  # noqa: F401  what it needs is there, and counted, before the first block

    suffix = os.path.splitext(path)[1]
    if suffix.lower() != ".png":
        raise UsageError(f"plot is {path}, {suffix or 'no suffix'} is no picture, must end in .png")
    files.check(path)


def save(table, path):
    """Write the picture of the table of sweep-hist, which appears when complete."""
    from PIL import Image

    with files.complete(path) as file:
        Image.fromarray(picture(table)).save(file, "PNG")


def picture(table):
    """Pixels [HIGH, WIDE] in uint8."""
    from PIL import Image, ImageDraw

    counts = np.asarray(table["count"], np.int64)
    pixels = np.full((HIGH, WIDE), PAPER, np.uint8)
    most = int(counts.max(initial=0))
    tops = columns(counts, RIGHT - LEFT)
    for share, ink in ((np.log1p(tops) / (math.log1p(most) or 1), PALE), (tops / (most or 1), INK)):
        first = BOTTOM - np.where(tops > 0, np.maximum(1, np.rint(share * (BOTTOM - TOP))), 0)
        pixels[:, LEFT:RIGHT][(np.arange(HIGH)[:, None] >= first) & (np.arange(HIGH)[:, None] < BOTTOM)] = ink
    image = Image.fromarray(pixels)
    draw = ImageDraw.Draw(image)
    draw.line((LEFT - 1, TOP, LEFT - 1, BOTTOM, RIGHT, BOTTOM), fill=INK)
    for at, text in marks(table):
        x = LEFT + at * (RIGHT - LEFT)
        draw.line((x, BOTTOM, x, BOTTOM + 5), fill=INK)
        draw.text((x - draw.textlength(text) / 2, BOTTOM + 9), text, fill=INK)
    for y, text in ((TOP, str(most)), (BOTTOM, "0")):
        draw.line((LEFT - 6, y, LEFT - 1, y), fill=INK)
        draw.text((LEFT - 10 - draw.textlength(text), y - 6), text, fill=INK)
    return np.asarray(image)


def columns(counts, wide):
    """The count that each of so many columns of pixels shows: that of its bin, or of the fullest of its bins."""
    n = len(counts)
    if not n:
        return np.zeros(wide, np.int64)
    first = np.arange(wide) * n // wide
    return np.maximum.reduceat(counts, first) if n > wide else counts[first]


def marks(table):
    """(place from 0 to 1, text) of round values between the lower edge of the first bin and the upper one of the last."""
    if not len(table["low"]):
        return []
    low, high = float(table["low"][0]), float(table["high"][-1])
    span = high / TICKS - low / TICKS                  # the difference of two may overflow
    if not span > 1e-300:                              # no number is left between them to be told
        return [(0.0, f"{low:g}")]
    power = 10.0 ** math.floor(math.log10(span))
    step = next(k * power for k in (1, 2, 5, 10) if k * power >= span)
    values = [step * k for k in range(math.ceil(low / step), math.floor(high / step) + 1)]
    return [((v / TICKS - low / TICKS) / span, f"{v:g}") for v in values]
