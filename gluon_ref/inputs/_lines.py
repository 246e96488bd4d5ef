"""The lines of standard input, which all input forms read alike."""

from __future__ import annotations

import sys
from collections.abc import Iterator

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
