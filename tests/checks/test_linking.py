from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from gluon_ref.backend import mx
from gluon_ref.checks.linking import needed

MXNET = Path(mx.__file__).with_name("libmxnet.so")


def made(names: tuple[bytes, ...] = (b"libone.so.1", b"libtwo.so")) -> bytes:
    """The smallest ELF file that links these: a header, two segments, the dynamic table, its names."""
    strings = b"\0" + b"\0".join(names) + b"\0"
    at, entries = 1, []
    for name in names:
        entries.append((1, at))
        at += len(name) + 1
    start = 64 + 2 * 56
    size = (len(entries) + 3) * 16
    entries += [(5, 0x1000 + start + size), (10, len(strings)), (0, 0)]
    table = b"".join(struct.pack("<qQ", *entry) for entry in entries)
    whole = start + size + len(strings)
    head = b"\x7fELF\x02\x01".ljust(16, b"\0") + bytes(16) + struct.pack("<Q", 64) + bytes(14)
    head += struct.pack("<HH", 56, 2) + bytes(6)
    load = struct.pack("<IIQQQQQQ", 1, 0, 0, 0x1000, 0, whole, whole, 0)
    dynamic = struct.pack("<IIQQQQQQ", 2, 0, start, 0x1000 + start, 0, size, size, 0)
    return head + load + dynamic + table + strings


def test_the_names_are_read_in_order(tmp_path: Path) -> None:
    (tmp_path / "a.so").write_bytes(made())
    assert needed(tmp_path / "a.so") == ("libone.so.1", "libtwo.so")


def test_mxnet_links_what_the_readme_says() -> None:
    assert {"libgomp.so.1", "libopenblas.so.0", "libgfortran.so.3", "libstdc++.so.6"} <= set(needed(MXNET))


@pytest.mark.skipif(not shutil.which("readelf"), reason="readelf is not here")
def test_readelf_reads_the_same() -> None:
    text = subprocess.run(["readelf", "-dW", str(MXNET)], capture_output=True, text=True, check=True, timeout=60).stdout
    lines = [line for line in text.splitlines() if "(NEEDED)" in line]
    assert [line.split("[")[1].rstrip("]") for line in lines] == list(needed(MXNET))


@pytest.mark.parametrize("length", [0, 10, 63, 70, 64 + 56, 64 + 112 + 20, len(made()) - 1])
def test_a_file_that_is_cut_off_is_refused(tmp_path: Path, length: int) -> None:
    (tmp_path / "a.so").write_bytes(made()[:length])
    with pytest.raises(ValueError, match="cut off"):
        needed(tmp_path / "a.so")


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.so").write_bytes(b"#!/bin/sh\n" * 9)
    with pytest.raises(ValueError, match="not a 64-bit ELF file"):
        needed(tmp_path / "a.so")


def test_any_altered_byte_gives_names_or_a_value_error(tmp_path: Path) -> None:
    whole = made()
    for at in range(len(whole)):
        for value in (0, 0xFF):
            (tmp_path / "a.so").write_bytes(whole[:at] + bytes([value]) + whole[at + 1 :])
            try:
                found = needed(tmp_path / "a.so")
            except ValueError:
                continue
            assert all(isinstance(name, str) for name in found)
