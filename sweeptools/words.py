"""A record's words: what the words of a command line give its parameters and the options that all commands share.

`split(op, words)` gives what the user said and nothing else: defaults are the record's. click reads the words, and is
imported where that is done: help does without.
"""

import os

from . import usage
from .errors import UsageError
from .options import ANSWERS, SHARED
from .params import Address, Flag, is_value

GUARD = "\0"        # stands before words like -1000 while click reads them: no word of a command line can hold it


def parse(op, words):
    """The parameters that these words give `op`, by name; raises UsageError."""
    return split(op, words)[0]


def split(op, words):
    """(parameters, shared options) that these words give, by name."""
    import click

    own, common = op.params, shared(op)
    known = {**own, **common}
    command = click.Command(
        op.name, params=[_click_param(name, param) for name, param in known.items()], add_help_option=False,
        context_settings={"allow_extra_args": True},
    )  # fmt: skip
    guarded = [GUARD + word if is_value(word) else word for word in words]
    try:
        context = command.make_context(op.name, guarded)
    except click.NoSuchOption as error:
        raise UsageError(f"there is no option {error.option_name}{nearest(error.option_name, _spelt(known))}") from None
    except click.UsageError as error:
        raise UsageError(error.message[0].lower() + error.message[1:].rstrip(".")) from None
    if context.args:
        raise UsageError(_too_many(op, context.args[0].removeprefix(GUARD)))
    said = {name: context.params[name] for name in known}
    given = {name: _value(known[name], words) for name, words in said.items() if words not in (None, (), False)}
    for name, param in own.items():
        if name not in given and name not in op.defaults and not isinstance(param, Flag):
            raise UsageError(f"{usage.spelt(name, param)} is missing: {param.help}")
    return {n: v for n, v in given.items() if n in own}, {n: v for n, v in given.items() if n not in own}


def shared(op):
    """The options that every command of this kind has beside its own, by name."""
    answers = op.output in ("value", "table") or "print" in op.params
    offered = SHARED | (ANSWERS if answers else {})
    return {name: param for name, param in offered.items() if name not in op.params}


def nearest(word, choices):
    """`, did you mean X?` where some choice is like the word."""
    import difflib

    like = difflib.get_close_matches(word, list(choices), 1)
    return f", did you mean {like[0]}?" if like else ""


def _too_many(op, word):
    mend = f"; it reads stdin: sweep-read {word} | sweep-{op.name}" if _reads(op) and os.path.exists(word) else ""
    return f"{word!r} is one argument too many{mend}"


def _reads(op):
    return op.kind != "source" and not any(isinstance(param, Address) for param in op.params.values())


def _spelt(params):
    return [usage.option(name) for name, param in params.items() if not param.positional] + ["--help", "--version"]


def _click_param(name, param):
    """One parameter as click sees it: words only; what they mean and whether they are missing is ours to say."""
    import click

    if param.positional:
        nargs = -1 if param.multiple else param.nargs
        return click.Argument([name], nargs=nargs, required=False, type=click.UNPROCESSED)
    spelt = [name, usage.option(name), *([f"-{param.short}"] if param.short else [])]
    if isinstance(param, Flag):
        return click.Option(spelt, is_flag=True)
    return click.Option(spelt, nargs=param.nargs, multiple=param.multiple, type=click.UNPROCESSED)


def _value(param, words):
    """The value of the word or words that were given for one parameter."""
    if isinstance(param, Flag):
        return True
    if isinstance(words, str):
        return param.parse(words.removeprefix(GUARD))
    return (list if param.multiple else tuple)(_value(param, word) for word in words)
