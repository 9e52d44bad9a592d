"""A record as a command: words become parameters, errors become an exit status.

What the words mean is words.py's to say.
"""

import fcntl
import os
import signal
import sys
from contextlib import suppress

from . import __version__, ops, usage
from .errors import Interrupted, SweepError, Upstream, UsageError
from .options import Options
from .progress import clear
from .words import nearest, shared, split


def main(argv=None):
    """Run `sweep-NAME WORDS` or `sweep NAME WORDS`, the program's name first; returns the exit status."""
    _open_what_is_closed()
    program, *words = sys.argv if argv is None else argv
    name = os.path.basename(program)
    if not name.startswith("sweep-"):
        if words[:1] == ["help"]:
            words = [*words[1:2], "--help"]
        if not words or words[0] == "--help":
            sys.stdout.write(usage.overview())
            return 0 if words else 2
        if words[0] == "--version":
            print(f"sweep {__version__}")
            return 0
        name, *words = words
    name = name.removeprefix("sweep-")
    if name not in ops.names():
        what = "option" if name.startswith("-") else "command"
        _say("sweep", _with_hint(f"there is no {what} {name}{nearest(name, ops.names())}", "sweep"))
        return 2
    return command(ops.load(name), words)


def command(op, words):
    """Run one record; every way it can end is an exit status."""
    name, understood = f"sweep-{op.name}", False
    try:
        signal.signal(signal.SIGTERM, _interrupt)
        status = _asked(op, words)
        if status is None:
            params, options = _understand(op, words)
            understood = True
            from .engines import pipe

            status = pipe.run(op, params, options) or 0
        sys.stdout.flush()
        return status
    except UsageError as error:
        if understood:
            _say(name, error)
        else:
            _say(name, _with_hint(str(error), name))
            _tell_next(op, name, error)
        return error.status
    except Upstream as error:                        # the stage that failed has said why; only who ends the pipe adds
        if op.output != "stream":
            _say(name, f"{'not written' if op.kind == 'sink' else 'no answer'}: {error}")
        return error.status
    except Interrupted as error:
        return error.status
    except SweepError as error:
        _say(name, error)
        return error.status
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return _gone()
    except MemoryError:
        _say(name, "out of memory; take less of the volume with sweep-read --box, or fewer --threads")
        return 1
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _say(name, f"{where}{(error.strerror or str(error)).lower()}")
        return 1


def _asked(op, words):
    """The exit status where no work is asked for, but help or the version; else None."""
    lacking = usage.lacks(op)
    if lacking:
        raise SweepError(f"the record of {op.name} has no {lacking}")
    before = words[: words.index("--")] if "--" in words else words
    if "--help" in before:
        sys.stdout.write(usage.text(op, shared(op)))
        return 0
    if "--version" in before:
        print(f"sweep-{op.name} {__version__}")
        return 0
    if not words and op.kind != "source" and os.isatty(0):
        sys.stderr.write(usage.text(op, shared(op)))
        return 2
    return None


def _understand(op, words):
    """(parameters, Options) that the words give; raises UsageError, also where stdout cannot take what is asked for."""
    params, given = split(op, words)
    options = Options.of(given)
    if (op.output == "stream" or options.pass_) and not params.get("print") and os.isatty(1):
        raise UsageError("the result is a stream, which a terminal cannot show: end with | sweep-write ADDRESS")
    if op.kind != "sink" and fcntl.fcntl(1, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
        raise UsageError("stdout is closed, so that the result has nowhere to go")
    return params, options


def _open_what_is_closed():
    """Standard streams that the caller closed become files of nothing, of which stdout cannot be written: else the
    next file that is opened would be taken for them."""
    for number, stream, mode in ((0, "stdin", "r"), (1, "stdout", "r"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            setattr(sys, stream, open(os.devnull, mode))


def _interrupt(number, frame):
    raise Interrupted(number)


def _tell_next(op, name, error):
    """The next stage of the pipe learns that this one never began, and why."""
    if op.output == "stream" and not os.isatty(1):
        from .stream import send_error

        with suppress(OSError):                      # it has gone, or stdout is closed: stderr has said it
            send_error(1, name, str(error), error.status)


def _gone():
    """Whoever read our output went away: silent, and nothing is left that Python would flush into the closed pipe."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return 141


def _with_hint(message, name):
    return f"{message}{'' if message.endswith('?') else ';'} see {name} --help"


def _say(name, message):
    sys.stderr.write(f"{clear(sys.stderr)}{name}: {message}\n")
