from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from gluon_ref import arrays
from gluon_ref.arrays import V1, V2, V3, Stored, check, load
from gluon_ref.backend import mx
from gluon_ref.errors import DataError, PathError


def array(
    magic: int = V2,
    storage: int = 0,
    axes: int = 2,
    shape: tuple[int, ...] = (2, 3),
    device: int = 1,
    dtype: int = 0,
    data: bytes = bytes(24),
) -> bytes:
    sizes = struct.pack(f"<{len(shape)}q", *shape)
    return struct.pack("<Iii", magic, storage, axes) + sizes + struct.pack("<iii", device, 0, dtype) + data


def listed(*entries: bytes, names: bytes = struct.pack("<QQ", 1, 1) + b"x", header: int = 0x112) -> bytes:
    return struct.pack("<QQQ", header, 0, len(entries)) + b"".join(entries) + names


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "uint8", "int32", "int8", "int64"])
def test_what_mxnet_saves_is_read_back_and_told_of(tmp_path: Path, dtype: str) -> None:
    saved = {"a.weight": mx.nd.arange(6).reshape((2, 3)).astype(dtype), "ä": mx.nd.ones((5,), dtype="int32")}
    mx.nd.save(str(tmp_path / "a.params"), saved)
    assert check(tmp_path / "a.params") == {"a.weight": Stored(dtype, (2, 3)), "ä": Stored("int32", (5,))}
    loaded = load(tmp_path / "a.params")
    assert sorted(loaded) == ["a.weight", "ä"]
    np.testing.assert_array_equal(loaded["a.weight"].asnumpy(), saved["a.weight"].asnumpy())


OLD = [
    struct.pack("<Ii2q", V1, 2, 2, 3) + struct.pack("<iii", 1, 0, 0) + np.arange(6, dtype="<f4").tobytes(),
    struct.pack("<I2I", 2, 2, 3) + struct.pack("<iii", 1, 0, 0) + np.arange(6, dtype="<f4").tobytes(),
]


@pytest.mark.parametrize("entry", OLD)
def test_older_formats_are_read(tmp_path: Path, entry: bytes) -> None:
    (tmp_path / "a.params").write_bytes(listed(entry))
    assert check(tmp_path / "a.params") == {"x": Stored("float32", (2, 3))}
    assert load(tmp_path / "a.params")["x"].asnumpy().tolist() == [[0, 1, 2], [3, 4, 5]]


ONE = struct.pack("<QQ", 1, 1)
BROKEN = [
    (b"", "a header in the last 0 bytes"),
    (listed(array(), header=0x113), "starts with 0x113 and 0x0"),
    (struct.pack("<QQQ", 0x112, 0, 1 << 50) + array(), f"{1 << 50} arrays in the last 64 bytes"),
    (listed(array(axes=-1, shape=(), data=b"")), "an array of -1 axes"),  # ends the process in MXNet
    (listed(array(axes=0, shape=(), data=b"")), "an array of 0 axes"),
    (listed(array(axes=1 << 30, shape=())), "an array of 1073741824 axes"),
    (listed(array(shape=(1 << 31, 1))), "an array 2147483648x1 of float32 in the last 41 bytes"),
    (listed(array(shape=(1 << 33, 1 << 31))), "an array 8589934592x2147483648 of float32 in the last 41 bytes"),
    (listed(array(shape=(-2, -3))), "an array -2x-3"),
    (listed(array(shape=(0, 3), data=b"")), "an array 0x3"),
    (listed(array(storage=1)), "an array of storage type 1"),
    (listed(array(magic=V3)), "an array of mx.np"),
    (listed(array(dtype=8)), "an array of dtype 8 on a device of type 1"),
    (listed(array(device=-1)), "an array of dtype 0 on a device of type -1"),
    (listed(struct.pack("<I", 1 << 30) + bytes(40)), "an array of 1073741824 axes"),
    (listed(array(), names=ONE[:12]), "a header in the last 4 bytes"),
    (listed(array(), names=bytes(8)), "0 names for 1 arrays"),
    (listed(array(), names=struct.pack("<QQ", 1, 1 << 50) + b"x"), f"a name of {1 << 50} bytes"),
    (listed(array(), names=struct.pack("<QQ", 1, 2) + b"x"), "a name in the last 1 bytes"),
    (listed(array(), names=ONE + b"\xff"), "a name that is not UTF-8 (invalid start byte)"),
    (listed(array(), names=struct.pack("<QQ", 1, 3) + b"a\0b"), "a name with a NUL, 'a\\x00b'"),
    (listed(array(), array(), names=struct.pack("<QQ", 2, 1) + b"x" + ONE[8:] + b"x"), "a name twice"),
    (listed(array()) + b"\0", "1 bytes after the last name"),
]


@pytest.mark.parametrize(("content", "given"), BROKEN)
def test_a_file_that_does_not_keep_what_it_says_is_refused(tmp_path: Path, content: bytes, given: str) -> None:
    path = tmp_path / "a.params"
    path.write_bytes(content)
    for read in (check, load):
        with pytest.raises(DataError) as caught:
            read(path)
        assert str(caught.value) == (
            f"{path}: not a whole file of arrays ({given}); expected named dense arrays, as save_parameters, export or "
            "mx.nd.save write them; restore it from a copy, or make it again"
        )


def test_a_file_cut_anywhere_is_refused(tmp_path: Path) -> None:
    content = listed(array())
    assert len(content) == 24 + 64 + 17
    for length in range(len(content)):
        (tmp_path / "a.params").write_bytes(content[:length])
        with pytest.raises(DataError):
            check(tmp_path / "a.params")


def test_what_mxnet_still_refuses_is_an_error_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str) -> None:
        raise mx.base.MXNetError("trace\nUnknown type")

    mx.nd.save(str(tmp_path / "a.params"), {"x": mx.nd.ones((2,))})
    monkeypatch.setattr(arrays.mx.nd, "load", refuse)
    with pytest.raises(DataError, match=r"not a whole file of arrays \(Unknown type\)"):
        load(tmp_path / "a.params")


@pytest.mark.parametrize("name", ["none.params", "."])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(PathError, match=r"cannot be read \(.+\); expected a file of arrays; check the path"):
        check(tmp_path / name)


DOORS = {"nd.load(": "arrays.py", "sym.load": "graphs.py", "SymbolBlock.imports(": "", "model.load_checkpoint(": ""}


@pytest.mark.parametrize("call", DOORS)
def test_mxnet_reads_no_file_that_was_not_checked(call: str) -> None:
    sources = sorted(Path(arrays.__file__).parent.rglob("*.py"))
    found = {path.name for path in sources if call in path.read_text(encoding="utf-8")}
    assert found == ({DOORS[call]} if DOORS[call] else set())
