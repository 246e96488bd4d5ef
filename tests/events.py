"""TensorBoard's event files read back: framing and checksums by hand, the events by their protocol buffers."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def crc32c(data: bytes) -> int:
    """CRC with Castagnoli's polynomial, as RFC 3720 has it, bit by bit."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data: bytes) -> int:
    """The checksum as TFRecord files have it."""
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def events(path: Path) -> Iterator[Any]:
    """The events of a file, whole and with the right checksums."""
    from tensorboardX.proto.event_pb2 import Event

    content, at = path.read_bytes(), 0
    while at < len(content):
        header = content[at : at + 8]
        (size,), (check,) = struct.unpack("<Q", header), struct.unpack("<I", content[at + 8 : at + 12])
        data = content[at + 12 : at + 12 + size]
        (last,) = struct.unpack("<I", content[at + 12 + size : at + 16 + size])
        assert (check, last) == (masked(header), masked(data))
        yield Event.FromString(data)
        at += 16 + size


def curves(path: Path) -> dict[str, list[tuple[int, float]]]:
    """Tag -> (step, value) in the file's order."""
    found: dict[str, list[tuple[int, float]]] = {}
    for event in events(path):
        for value in event.summary.value:
            found.setdefault(value.tag, []).append((event.step, value.simple_value))
    return found
