"""Options of MXNet's operators that a graph does not spell out: converters take a missing one for off."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Mapping
from functools import lru_cache

from .. import graphs
from ..backend import mx

# As in "boolean, optional, default=1" and "int, optional, default='1'".
DEFAULT = re.compile(r"(boolean|int|long|float|double|int \(non-negative\)), optional, default='?([-+.\w]+)'?$")


def complete(op: str, options: Mapping[str, str]) -> dict[str, str]:
    """All of an operator's options that are numbers or yes and no: as given, else as MXNet takes them.

    Args:
        op: name of the operator.
        options: those that the graph gives.
    """
    return {**({} if op == graphs.VARIABLE else _defaults(op)), **options}


@lru_cache(maxsize=1024)
def _defaults(op: str) -> Mapping[str, str]:
    base, handle = mx.base, mx.base.OpHandle()
    base.check_call(base._LIB.NNGetOpHandle(base.c_str(op), ctypes.byref(handle)))
    texts = [ctypes.c_char_p() for _ in range(4)]
    names, types, told = (ctypes.POINTER(ctypes.c_char_p)() for _ in range(3))
    count = ctypes.c_uint()
    name, description, variable, returned = texts
    base.check_call(
        base._LIB.MXSymbolGetAtomicSymbolInfo(
            handle, *map(ctypes.byref, (name, description, count, names, types, told, variable, returned))
        )
    )
    found = {}
    for at in range(count.value):
        match = DEFAULT.match(types[at].decode())
        if match:
            kind, value = match.groups()
            found[names[at].decode()] = str(value not in ("0", "False")) if kind == "boolean" else value
    return found
