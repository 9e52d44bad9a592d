"""`python -m sweeptools NAME WORDS` is `sweep NAME WORDS`."""

import sys

from .cli import main

sys.exit(main(["sweep", *sys.argv[1:]]))
