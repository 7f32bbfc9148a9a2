"""Sizes of files that other programs and people put up with, in bytes; each is written here alone."""

README_GIF_BYTES = 2_000_000  # of an animation: what a README loads without delay
PLANNED_GIF_BYTES = 1_750_000  # that an animation is planned to have, so that most stay below that
LARGEST_GIF_BYTES = 5_000_000  # above this GitHub does not show a README's picture
MAILED_PAGE_BYTES = 10_000_000  # what mail takes nearly everywhere
WEBSITE_BYTES = 1_000_000_000  # GitHub Pages' largest website
