"""`python -m striate.cli` is the command `striate`."""

from striate.cli.main import run

run()
