"""A finished website as something else: a zip file, one page, a README."""
