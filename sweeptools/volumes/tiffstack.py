"""A stack of TIFF files of one page each, read file by file."""

import numpy as np

from ..errors import Corrupt, UsageError
from ..spec import Head
from .metadata import restore
from .npy import component_names, voxels
from .tiff import by_page, decodable, decoded, open_file, own_of, page_facts, spacing_of


def stored(path, files, threads=1):
    """The volume in a stack of TIFF files of one page each. UsageError names a file that differs from the first."""
    with open_file(files[0]) as file:
        page = file.pages[0]
        if len(file.pages) > 1:
            raise UsageError(f"{files[0]}: the slices of a stack have one page each, this has {len(file.pages)}")
        inner, comps, planar = page_facts(str(files[0]), page)
        spacing, unit = spacing_of(file, page)
        first, own = (page.shape, page.dtype), own_of(file)
        decodable(files[0], page)
    shape = (len(files), *(page.shape[1:] if planar else page.shape[:2]), *((comps,) if comps else ()))
    head = Head(shape[:3], **voxels(str(path), shape, first[1]), spacing=spacing, unit=unit)
    if comps:
        head = head.but(components=component_names(comps))
    head = restore(head, own)

    def fill(dst, z, window):
        with open_file(files[z]) as file:
            page = file.pages[0]
            if (page.shape, page.dtype) != first or len(file.pages) > 1:
                raise UsageError(f"{files[z]} is {_spell(page)}, but {files[0].name} is {_spell_facts(*first)}")
            if page.is_contiguous and not planar and window == (slice(0, shape[1]), slice(0, shape[2])):
                _straight(file, page, dst)
            else:
                data = decoded(page, files[z])
                np.copyto(dst, (np.moveaxis(data, 0, -1) if planar else data).reshape(shape[1:])[window])

    return by_page(head, str(path), fill, threads)


def _straight(file, page, dst):
    """Read the voxels of an uncompressed page to where they belong."""
    into = memoryview(dst.reshape(-1).view("u1"))
    file.filehandle.seek(page.dataoffsets[0])
    if file.filehandle.readinto(into) != len(into):
        raise Corrupt(f"{file.filename} is cut off")
    if not page.dtype.newbyteorder(file.byteorder).isnative:
        dst.byteswap(inplace=True)


def _spell(page):
    return _spell_facts(page.shape, page.dtype)


def _spell_facts(shape, dtype):
    return f"{' x '.join(map(str, shape))} {dtype}"


