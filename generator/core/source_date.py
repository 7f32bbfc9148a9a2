"""`SOURCE_DATE_EPOCH`, the date that reproducible builds are given."""

import os
import re

from generator.core.errors import OutputError

LATEST = 253_402_300_799  # the end of the year 9999, which is the last that Python, and so MkDocs, knows


def source_date(latest: int | None = None) -> int | None:
    """Return the date in seconds since 1970 (UTC), `None` where it is not set.

    Raises `OutputError` for what is no such number, or lies after `latest`.
    See https://reproducible-builds.org/specs/source-date-epoch/.
    """
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given is None:
        return None
    if not re.fullmatch(r"[0-9]{1,18}", given) or (latest is not None and int(given) > latest):
        raise OutputError(
            f"expected seconds since 1970 in SOURCE_DATE_EPOCH, received {given!r}: correct or unset it"
        )
    return int(given)
