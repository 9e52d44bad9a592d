"""The wire: a stream of blocks with a head, notes and a mark at its end. Byte by byte in sweep-stream(5)."""

from .blocks import packing, ready
from .digest import Digest, Growing, slice_digests
from .file import Saved, read_blocks, scan
from .frame import reader_gone
from .reader import Reader, is_stream
from .writer import Writer, send_error

__all__ = [
    "Digest", "Growing", "Reader", "Saved", "Writer", "is_stream", "packing", "read_blocks", "reader_gone", "ready", "scan",
    "send_error", "slice_digests",
]  # fmt: skip
