"""`python -m generator` is the command `activation-gallery`."""

from generator.cli import run

run()
