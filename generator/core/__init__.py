"""Records, paths, formatting, sequences, settings, the plan, errors. Imports nothing else of the package."""
