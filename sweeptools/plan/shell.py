"""The text of a pipeline -> its commands and their words, as bash would read them.

Taken: pipes, quotes, escapes, $NAME, ~, globs, <(...) and >(...), comments and broken lines. What bash would run beside
our commands, or would know only by running something, is named and refused. tree-sitter's grammar of bash reads it.
"""

import glob
import os
from dataclasses import dataclass
from functools import cache

from ..errors import UsageError

QUOTED = ("string", "raw_string", "ansi_c_string")
PLAIN = ("word", "number")
REFUSED = {
    "command_substitution": "it would have to be run to be known; put its result in a variable and export that",
    "arithmetic_expansion": "put its result in a variable and export that",
    "ansi_c_string": "use plain quotes",
    "brace_expression": "write the words out",
    "redirected_statement": "files are written by sweep-write, or by --out of the commands that answer",
    "file_redirect": "files are written by sweep-write, or by --out of the commands that answer",
    "variable_assignment": "export it before",
    "list": "give one pipeline",
    "negated_command": "leave the ! out",
}


@dataclass(frozen=True)
class Command:
    """One command of a pipeline: its name without `sweep-`, its words, and its text. <(...) and >(...) are words that
    begin so; `within` gives what they hold."""

    name: str
    words: tuple[str, ...]
    text: str


def within(word):
    """The pipeline in <(...) or >(...); None where the word is none."""
    return word[2:-1] if word[:2] in ("<(", ">(") and word.endswith(")") else None


@cache
def _parser():
    import tree_sitter
    import tree_sitter_bash

    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_bash.language()))


def of_file(path):
    """The pipeline of a file, where lines may be broken before and after every word, and # begins a comment."""
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: {getattr(error, 'strerror', None) or 'is no text'}") from None
    data = bytearray(text.encode())
    kept = []                                        # what may hold line breaks and # of its own

    def visit(node):
        if node.type == "comment":
            data[node.start_byte : node.end_byte] = b" " * (node.end_byte - node.start_byte)
        elif node.type in QUOTED:
            kept.append((node.start_byte, node.end_byte))
        else:
            for child in node.children:
                visit(child)

    visit(_parser().parse(bytes(data)).root_node)
    for i, byte in enumerate(data):
        if byte == ord("\n") and not any(a <= i < b for a, b in kept):
            data[i] = ord(" ")
            if i and data[i - 1] == ord("\\"):
                data[i - 1] = ord(" ")
    return data.decode()


def commands(text, env=os.environ):
    """The Commands of a pipeline."""
    data = _joined(text.encode())
    root = _parser().parse(data).root_node
    statements = [child for child in root.children if child.type not in ("comment", "\n")]
    if not statements:
        raise UsageError("the pipeline is empty: 'sweep-read v.zarr | sweep-gauss 2 | sweep-write out.zarr'")
    broken = _first_error(root)
    if broken is not None:
        rest = data[broken.start_byte :].decode().split("\n")[0]
        raise UsageError(f"the pipeline cannot be understood from {rest[:40]!r} on")
    if len(statements) > 1:
        raise UsageError(f"{_text(statements[1])!r} is more than one pipeline; give one")
    top = statements[0]
    stages = [c for c in top.children if c.is_named] if top.type == "pipeline" else [top]
    if any(c.type == "|&" for c in top.children):
        raise UsageError("'|&' would put messages into the stream; use |")
    return [_command(node, env) for node in stages]


def _joined(data):
    """Without line breaks after a backslash, which bash drops before it looks at words; between single quotes they stay."""
    kept = []

    def visit(node):
        if node.type == "raw_string":
            kept.append((node.start_byte, node.end_byte))
        for child in node.children:
            visit(child)

    visit(_parser().parse(data).root_node)
    made, i = bytearray(), 0
    while i < len(data):
        step = 2 if data[i : i + 1] == b"\\" and not any(a <= i < b for a, b in kept) else 1
        made += b"" if data[i : i + step] == b"\\\n" else data[i : i + step]
        i += step
    return bytes(made)


def _first_error(node):
    if node.type == "ERROR" or node.is_missing:
        return node
    if not node.has_error:
        return None
    return next(filter(None, map(_first_error, node.children)), node)


def _text(node):
    return node.text.decode()


def _refuse(node):
    mend = REFUSED.get(node.type, "run the line in a shell")
    raise UsageError(f"{_text(node)[:60]!r} is not understood here: {mend}")


def _command(node, env):
    if node.type != "command":
        _refuse(node)
    words, end, touching = [], None, []              # what touches is one word: y=<(...)
    for child in node.children:
        if end != child.start_byte:
            touching.append([])
        end = child.end_byte
        child = child.children[0] if child.type == "command_name" else child
        touching[-1] += child.children if child.type == "concatenation" else [child]
    for parts in touching:
        words += _words(parts, env)
    if not words:
        raise UsageError("there is a command without a name")
    if words[0] == "sweep" and len(words) > 1:
        words = [f"sweep-{words[1]}", *words[2:]]
    name = os.path.basename(words[0])
    if not name.startswith("sweep-"):
        raise UsageError(f"'{_text(node)[:60]}' is no command of sweeptools; run the line in a shell")
    return Command(name.removeprefix("sweep-"), tuple(words[1:]), " ".join(_text(node).split()))


def _words(parts, env):
    """The words that one word of the text becomes: none, one, or several by a glob or an unquoted variable."""
    if any(part.type in PLAIN and _text(part)[:1] in "{}" for part in parts):
        raise UsageError(f"{''.join(map(_text, parts))!r} is not understood here: {REFUSED['brace_expression']}")
    found, word = [], None                           # a word is [text, pattern for a glob]
    for i, part in enumerate(parts):
        text, quoted = _part(part, env, i == 0)
        split = not quoted and part.type in ("simple_expansion", "expansion")
        pieces = text.split() if split else [text]
        if split and word and text[:1].isspace():
            found, word = [*found, word], None
        for k, piece in enumerate(pieces):
            if k:
                found, word = [*found, word], None
            word = word or ["", ""]
            word = [word[0] + piece, word[1] + (glob.escape(piece) if quoted else piece)]
        if split and word and text[-1:].isspace():
            found, word = [*found, word], None
    found += [word] if word else []
    return [name for text, pattern in found for name in _globbed(text, pattern)]


def _globbed(text, pattern):
    """As bash does: the names that fit, or the word itself where none does."""
    names = sorted(glob.glob(pattern)) if glob.has_magic(pattern) and within(text) is None else []
    return names or [text]


def _part(node, env, first):
    """(text of a part of a word, whether it was quoted)."""
    text = _text(node)
    if node.type in PLAIN:
        return _unescaped(_home(text, env) if first else text), False
    if node.type == "raw_string":
        return text[1:-1], True
    if node.type == "string":
        return _string(node, env), True
    if node.type in ("simple_expansion", "expansion"):
        return _variable(node, env), False
    if node.type == "process_substitution":
        return text, True
    return _refuse(node)


def _string(node, env):
    """What is between double quotes: variables are put in, a backslash stands before $ ` " and itself alone."""
    text, start, end = node.text, 1, len(node.text) - 1
    made = b""
    for child in node.children:
        if child.type in ("simple_expansion", "expansion", "command_substitution", "arithmetic_expansion"):
            a, b = child.start_byte - node.start_byte, child.end_byte - node.start_byte
            made += _plain(text[start:a]) + _variable(child, env).encode()
            start = b
    return (made + _plain(text[start:end])).decode()


def _plain(text):
    made, i = bytearray(), 0
    while i < len(text):
        if text[i : i + 1] == b"\\" and text[i + 1 : i + 2] in (b"$", b"`", b'"', b"\\", b"\n"):
            i += 1
            made += text[i : i + 1].replace(b"\n", b"")
        else:
            made += text[i : i + 1]
        i += 1
    return bytes(made)


def _variable(node, env):
    names = [child for child in node.children if child.is_named]
    if node.type not in ("simple_expansion", "expansion") or [n.type for n in names] != ["variable_name"]:
        _refuse(node)
    if len(_text(node).strip("${}")) != len(_text(names[0])):
        _refuse(node)
    name = _text(names[0])
    if name not in env:
        raise UsageError(f"${name} is not set; export it: a variable of the shell alone does not come through")
    return env[name]


def _home(text, env):
    """~ and ~/ at the beginning of a word."""
    if text == "~" or text.startswith("~/"):
        return env.get("HOME", os.path.expanduser("~")) + text[1:]
    return text


def _unescaped(text):
    made, escaped = [], False
    for c in text:
        if c == "\\" and not escaped:
            escaped = True
            continue
        if not (escaped and c == "\n"):
            made.append(c)
        escaped = False
    return "".join(made)
