"""Names that files of anyone's give: of the network, and of where its export goes."""

from __future__ import annotations

from pathlib import Path

from .. import catalog


def stem(symbol: str | Path) -> str:
    """What a network is called: NET of NET-symbol.json."""
    return Path(symbol).name.removesuffix(".json").removesuffix("-symbol")


def place(symbol: str | Path, exporter: str) -> Path:
    """Where an export goes when nobody says: NET-FORMAT in the current folder."""
    return Path(f"{stem(symbol)}-{catalog.spelled('exporters', exporter)}")
