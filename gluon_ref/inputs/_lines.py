"""The lines of standard input, which all input forms read alike."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from ..errors import DataError


def standard_input() -> Iterator[str]:
    """Lines as they come, with their ends.

    Raises:
        DataError: when they are not in the terminal's encoding, UTF-8 as a rule.
    """
    try:
        yield from sys.stdin
    except UnicodeDecodeError as error:
        raise DataError(
            "standard input",
            f"byte {error.object[error.start]:#04x} is not {error.encoding}",
            f"text in {error.encoding}",
            "convert it first",
        ) from None


def paths(requests: Iterable[str]) -> Iterator[str]:
    """Requests that are paths; "-" stands for those on standard input, one a line."""
    for request in requests:
        if request == "-":
            yield from (line.strip() for line in standard_input() if line.strip())
        else:
            yield request


def texts(requests: Iterable[str]) -> Iterator[str]:
    """Requests that are texts; "-" stands for the lines of standard input that hold any."""
    for request in requests:
        if request == "-":
            yield from (line.rstrip("\r\n") for line in standard_input() if line.strip())
        else:
            yield request
