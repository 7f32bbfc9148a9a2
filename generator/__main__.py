"""`python -m generator` is the command `activation-gallery`."""

from generator.cli import main

main(prog_name="activation-gallery")
