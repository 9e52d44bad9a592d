"""The deed of sweep-preview: slices reduced as they come, then one picture of all."""

import math
import os
import shutil
from dataclasses import dataclass

import numpy as np

from .. import files, volumes
from ..engines.inputs import opened
from ..errors import UsageError

GAP, ENLARGE = 2, 8                                    # pixels between slices; the most pixels of a voxel
BAND = 64                                              # rows that are looked at together
FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".tif": "TIFF", ".tiff": "TIFF"}


@dataclass
class Tile:
    """A slice as it is shown: labels, or values of 0 to 1 between low and high."""

    pixels: np.ndarray
    low: float = 0.0
    high: float = 0.0


def main(io, *, address="-", out=None, slices=9, width=None, limits=None, bar=False, **_):
    """Show the slices; returns nothing."""
    suffix = os.path.splitext(out)[1].lower() if out else ""
    if out and suffix not in FORMATS:
        raise UsageError(f"{out}: {suffix or 'no suffix'} is no picture, must be one of {', '.join(FORMATS)}")
    if out:
        files.check(out)
    if bar and not out:
        raise UsageError("--bar is for a picture: add --out FILE.png")
    source = opened(address, io, address)
    head = source.head
    if 0 in head.shape:
        raise UsageError(f"there is nothing to see in a volume of {' x '.join(map(str, head.shape))} voxels")
    if bar and (head.spacing is None or head.spacing[2] is None):
        raise UsageError("--bar needs the distance between voxels; set it with sweep-read --spacing Z,Y,Xum")
    wanted = chosen(head.slices, slices)
    columns = math.ceil(math.sqrt(len(wanted)))
    width = width or (1600 if out else shutil.get_terminal_size().columns)
    size = extent(head, max(1, (width - GAP * (columns - 1)) // columns))
    pixels = len(wanted) * size[0] * size[1] * 8 * max(1, len(head.components))
    io.admit([*source.memory, ("preview: picture", 2 * pixels)], head)
    tiles = [None] * len(wanted)
    for z, plane in read(source, address, wanted, io):
        tiles[wanted.index(z)] = reduced(plane, head, size)
    picture = montage([colours(tile, head, limits, tiles) for tile in tiles], columns)
    if out:
        save(scaled(picture, head, size) if bar else picture, out, FORMATS[suffix])
    else:
        io.text(half_blocks(picture))


def chosen(total, n):
    """Indices of the middle slices of n equal parts; all where there are fewer."""
    n = min(n, total)
    return [(2 * i + 1) * total // (2 * n) for i in range(n)]


def read(source, address, wanted, io):
    """(index, slice) of the wanted slices; a stream is read to its end, of a stored volume only these where it pays."""
    head = source.head
    if source.again and len(wanted) * (head.chunks or (1,))[0] < head.slices and not address.endswith(".sweep"):
        for z in wanted:
            one = volumes.open(address, io.pool, range=(z, z + 1, 1))
            for block in one.blocks("up"):
                yield z, block.array(one.head)[0]
            one.close()
        return
    for block in io.drain(source):
        planes = block.array(head)
        yield from ((z, planes[z - block.z + head.first]) for z in wanted if 0 <= z - block.z + head.first < block.n)


def extent(head, side):
    """(height, width) in pixels of a slice that fits in a square, in the proportions of its spacing."""
    steps = (head.spacing or (1, 1, 1))[1:]
    steps = [1.0, 1.0] if None in steps else steps
    high, wide = (n * s for n, s in zip(head.shape[1:], steps))
    scale = min(side / max(high, wide), ENLARGE / min(steps))
    return max(1, round(high * scale)), max(1, round(wide * scale))


def reduced(plane, head, size):
    """The Tile of a slice [y, x(, c)]."""
    if head.role != "image":
        y, x = ((2 * np.arange(n) + 1) * full // (2 * n) for n, full in zip(size, plane.shape))
        picked = plane[y[:, None], x]
        return Tile(picked if picked.ndim == 2 else picked[..., 0])
    if plane.ndim == 2:
        plane = plane[..., None]
    plane = plane[..., : 3 if plane.shape[-1] in (3, 4) else 1]
    low, high = finite_range(plane)
    if low > high:
        return Tile(np.zeros((*size, plane.shape[-1])), low, high)
    return Tile(np.stack([means(plane[..., c], size, low, high) for c in range(plane.shape[-1])], axis=-1), low, high)


def finite_range(plane):
    """(least, greatest) finite value; (inf, -inf) where there is none."""
    low, high = math.inf, -math.inf
    for band in np.array_split(plane, -(-len(plane) // BAND)):
        known = band[np.isfinite(band)]
        if known.size:
            low, high = min(low, float(known.min())), max(high, float(known.max()))
    return low, high


def means(plane, size, low, high):
    """Averages over the voxels [y, x] that fall into each pixel: 0 for `low`, 1 for `high`; NaN counts as low."""
    tops, bottoms = bins(plane.shape[0], size[0])
    lefts, rights = bins(plane.shape[1], size[1])
    out = np.empty(size)
    for i, (top, bottom) in enumerate(zip(tops, bottoms)):
        band = plane[top:bottom].astype(np.float64)
        row = (np.clip(np.where(np.isnan(band), low, band), low, high) - low).mean(axis=0)
        out[i] = np.add.reduceat(row, lefts) / (rights - lefts) if size[1] < len(row) else row[lefts]
    return out / ((high - low) or 1)


def bins(full, n):
    """(first, end) of the voxels that fall into each of n pixels: one at least, and each in one where n is less."""
    first = np.arange(n) * full // n
    return first, np.maximum(first + 1, np.arange(1, n + 1) * full // n)


def colours(tile, head, limits, tiles):
    """[height, width, 3] in uint8 of a tile."""
    if head.role == "mask":
        return np.repeat(np.where(tile.pixels[..., None] != 0, 255, 0), 3, axis=2).astype(np.uint8)
    if head.role == "labels":
        return label_colours(tile.pixels)
    low, high = limits or (min(t.low for t in tiles), max(t.high for t in tiles))
    if not tile.low <= tile.high or not low < high:
        return np.zeros((*tile.pixels.shape[:2], 3), np.uint8)
    values = (tile.pixels * (tile.high - tile.low) + tile.low - low) / (high - low)
    grey = np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)
    return np.repeat(grey, 3, axis=2) if grey.shape[2] == 1 else grey


def label_colours(labels):
    """A colour of each label by its number alone, not too dark; 0 is black."""
    h = labels.astype(np.int64).view(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    h = (h ^ (h >> np.uint64(31)))[..., None] >> np.array([0, 8, 16], np.uint64) & np.uint64(255)
    return np.where(labels[..., None] != 0, 64 + h * np.uint64(191) // np.uint64(255), 0).astype(np.uint8)


def montage(pictures, columns):
    """Pictures of one size in rows, black between them."""
    high, wide, _ = pictures[0].shape
    rows = -(-len(pictures) // columns)
    whole = np.zeros((rows * (high + GAP) - GAP, columns * (wide + GAP) - GAP, 3), np.uint8)
    for i, picture in enumerate(pictures):
        y, x = i // columns * (high + GAP), i % columns * (wide + GAP)
        whole[y : y + high, x : x + wide] = picture
    return whole


def bar_length(width):
    """The greatest of 1, 2, 5, 10, ... (and parts of 1) that is at most a third of the width."""
    power = 10.0 ** math.floor(math.log10(width / 3))
    return max(power * k for k in (1, 2, 5) if power * k <= width / 3)


def scaled(picture, head, size):
    """The picture with a scale bar at the lower left of the first slice."""
    from PIL import Image, ImageDraw

    width = head.shape[2] * head.spacing[2]
    length = bar_length(width)
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    x, y = 4, size[0] - 6
    pixels = max(1, round(length / width * size[1]))
    draw.rectangle((x, y, x + pixels - 1, y + 2), fill="white")
    draw.text((x, y - 12), f"{length:g} {head.unit or 'px'}", fill="white")
    return np.asarray(image)


def save(picture, path, format):
    """The picture as a file that appears when it is complete."""
    from PIL import Image

    with files.complete(path) as file:
        Image.fromarray(picture).save(file, format)


def half_blocks(picture):
    """Two rows of pixels as one line of upper half blocks, in 24-bit colours."""
    if len(picture) % 2:
        picture = np.concatenate([picture, np.zeros_like(picture[:1])])
    lines = []
    for upper, lower in zip(picture[::2].tolist(), picture[1::2].tolist()):
        line, last = [], None
        for pair in zip(upper, lower):
            if pair != last:
                (r, g, b), (s, h, c) = last = pair
                line.append(f"\x1b[38;2;{r};{g};{b};48;2;{s};{h};{c}m")
            line.append("▀")
        lines.append("".join(line) + "\x1b[0m\n")
    return "".join(lines)
