"""Text as mdoc, the language of manual pages: escapes, paragraphs, lists. Clean under `mandoc -T lint`."""

import re
import textwrap

from .usage import paragraphs

COPIED = {"\\": "\\e", "-": "\\-", "'": "\\(aq", "`": "\\(ga", "~": "\\(ti", "^": "\\(ha"}
OWN_PARAGRAPH = ("Errors: ", "Source: ")


def _foreign(text):
    """Characters beyond ASCII by their number, so that every formatter shows them."""
    return "".join(c if ord(c) < 128 else f"\\[u{ord(c):04X}]" for c in text)


def line(text):
    """One line of running text: nothing in it is taken for a request."""
    text = _foreign(text.replace("\\", "\\e"))
    return "\\&" + text if text[:1] in (".", "'") else text


def flow(text):
    """Running text, each sentence on lines of its own."""
    lines = []
    for sentence in re.split(r"(?<=[.!?])\s+|(?<=[.!?][)'\"])\s+", " ".join(text.split())):
        if lines and sentence.startswith(OWN_PARAGRAPH):
            lines.append(".Pp")
        lines += [line(part) for part in textwrap.wrap(sentence, 78, break_on_hyphens=False)]
    return lines


def literal(text, indent=False):
    """Lines that stay as they are, for typing and for tables."""
    rows = ["".join(COPIED.get(c, c) for c in row.rstrip()) for row in text.split("\n")]
    rows = ["\\&" + row if row[:1] in (".", "'") else row for row in map(_foreign, rows)]
    return [".Bd -literal" + (" -offset indent" if indent else ""), *rows, ".Ed"]


def prose(doc):
    """The paragraphs of a docstring."""
    lines = []
    for i, (text, as_is) in enumerate(paragraphs(doc)):
        if as_is:
            lines += literal(text)
        else:
            lines += [*([".Pp"] if i else []), *flow(text)]
    return lines


def word(text):
    """A word on a macro's line: never a macro's name, never a delimiter."""
    text = _foreign("".join(COPIED.get(c, c) for c in text))
    text = text.replace('"', "\\(dq")
    if len(text) < 4 or text[0] in ".'" or text[-1] in ".,;:?!()[]|":
        text = f"\\&{text}\\&" if text[-1] in ".,;:?!()[]|" else f"\\&{text}"
    return f'"{text}"' if " " in text else text


def tagged(rows, width="Ds"):
    """A list of (macro line, text)."""
    lines = [f".Bl -tag -width {width}"]
    for tag, text in rows:
        lines += [f".It {tag}", *flow(text)]
    return [*lines, ".El"]
