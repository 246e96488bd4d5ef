"""Memory that is freed stays with the process, to be taken again.

MXNet's RNN operator takes its work space anew in each step and frees it after. glibc gets blocks of that size from the
system and returns them, and the system clears every page when it is touched again: a third of an LSTM's step.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping

# glibc's malloc.h: what mallopt can be told.
M_TRIM_THRESHOLD, M_MMAP_MAX, M_ARENA_MAX = -1, -4, -8
# The end of the heap is never given back; no block lives outside of it, however large; and there is one for all
# threads, since the heaps of single threads have no room for large ones.
CHOSEN = {M_TRIM_THRESHOLD: -1, M_MMAP_MAX: 0, M_ARENA_MAX: 1}


def keep(environ: Mapping[str, str]) -> bool:
    """Tell glibc to keep what is freed, unless a person has told it something else.

    Args:
        environ: where that would be.
    Returns:
        whether it will.
    """
    if "GLIBC_TUNABLES" in environ or any(name.startswith("MALLOC_") for name in environ):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and all(mallopt(option, value) for option, value in CHOSEN.items())
