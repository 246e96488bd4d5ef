from __future__ import annotations

import struct
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from gluon_ref import arrays
from gluon_ref.arrays import DTYPES, V1, V2, V3, Stored, bare, check, load, read
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


ONE = struct.pack("<QQ", 1, 1)
TWO = struct.pack("<QQ", 2, 1) + b"x" + ONE[8:] + b"y"
BFLOAT16 = np.dtype([("bfloat16", np.uint16)])  # what MXNet calls it
KINDS = ["float32", "float64", "float16", "uint8", "int32", "int8", "int64", "bool", "bfloat16"]


@pytest.mark.parametrize("dtype", KINDS)
def test_what_mxnet_saves_is_read_back_and_told_of(tmp_path: Path, dtype: str) -> None:
    numbers = mx.nd.array([[0, 1, -1.5], [2**-140, 65504, float("nan")]])  # the last but two a subnormal number
    given = numbers if dtype in ("float32", "float64", "float16", "bfloat16") else mx.nd.arange(6).reshape((2, 3))
    saved = {"arg:a.weight": given.astype(BFLOAT16 if dtype == "bfloat16" else dtype), "ä": mx.nd.ones((5,))}
    mx.nd.save(str(tmp_path / "a.params"), saved)
    assert check(tmp_path / "a.params") == {"arg:a.weight": Stored(dtype, (2, 3)), "ä": Stored("float32", (5,))}
    loaded = load(tmp_path / "a.params")
    arrays = read(tmp_path / "a.params")
    assert list(arrays) == ["arg:a.weight", "ä"]
    assert sorted(loaded) == ["arg:a.weight", "ä"]
    expected = loaded["arg:a.weight"].astype("float32") if dtype == "bfloat16" else loaded["arg:a.weight"]
    assert arrays["arg:a.weight"].dtype == expected.dtype == np.dtype("float32" if dtype == "bfloat16" else dtype)
    assert arrays["arg:a.weight"].tobytes() == expected.asnumpy().tobytes()
    assert arrays["ä"].tolist() == [1, 1, 1, 1, 1]
    assert all(one.flags.writeable for one in arrays.values())


OLD = {"V1": struct.pack("<Ii2q", V1, 2, 2, 3), "the oldest": struct.pack("<I2I", 2, 2, 3)}


@pytest.mark.parametrize(("number", "dtype"), [(at, name) for at, (name, _) in DTYPES.items() if name != "bfloat16"])
@pytest.mark.parametrize("layout", OLD)
def test_older_formats_are_read(tmp_path: Path, layout: str, number: int, dtype: str) -> None:
    numbers = np.arange(6).astype(dtype).reshape(2, 3)
    entry = OLD[layout] + struct.pack("<iii", 1, 0, number) + numbers.tobytes()
    (tmp_path / "a.params").write_bytes(listed(entry, array(), names=TWO))
    assert check(tmp_path / "a.params")["x"] == Stored(dtype, (2, 3))
    for found in (load(tmp_path / "a.params")["x"].asnumpy(), read(tmp_path / "a.params")["x"]):
        assert found.dtype == numbers.dtype
        assert found.tobytes() == numbers.tobytes()


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
    for reader in (check, load, read):
        if reader is read and "names for" in given:
            continue  # arrays without names, which it names itself
        with pytest.raises(DataError) as caught:
            reader(path)
        assert str(caught.value) == (
            f"{path}: not a whole file of arrays ({given}); expected named dense arrays, as save_parameters, export or "
            "mx.nd.save write them; restore it from a copy, or make it again"
        )


def test_a_file_cut_anywhere_is_refused(tmp_path: Path) -> None:
    content = listed(array())
    assert len(content) == 24 + 64 + 17
    for length in range(len(content)):
        (tmp_path / "a.params").write_bytes(content[:length])
        for reader in (check, read):
            with pytest.raises(DataError):
                reader(tmp_path / "a.params")


def test_a_file_that_ends_while_it_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.params").write_bytes(listed(array())[:-20])
    monkeypatch.setattr(arrays.os, "fstat", lambda number: type("", (), {"st_size": 105}))
    with pytest.raises(DataError, match=r"\(an array in the last 41 bytes\)"):
        read(tmp_path / "a.params")


def test_a_bool_is_0_or_1(tmp_path: Path) -> None:
    (tmp_path / "a.params").write_bytes(listed(array(dtype=7, data=bytes([1, 0, 1, 1, 2, 0]))))
    with pytest.raises(DataError, match=r"\(2 in an array of bool\)"):
        read(tmp_path / "a.params")


def test_arrays_without_names_are_named_by_their_place(tmp_path: Path) -> None:
    mx.nd.save(str(tmp_path / "a.params"), [mx.nd.ones((2,)), mx.nd.zeros((1, 3))])
    assert {name: one.tolist() for name, one in read(tmp_path / "a.params").items()} == {"0": [1, 1], "1": [[0, 0, 0]]}
    for reader in (check, load):
        with pytest.raises(DataError, match="0 names for 2 arrays"):
            reader(tmp_path / "a.params")


def test_names_lose_what_says_parameter_or_state() -> None:
    assert bare("a.params", {"arg:x": 1, "aux:y": 2, "z": 3, "arg:aux:v": 4}) == {"x": 1, "y": 2, "z": 3, "aux:v": 4}
    with pytest.raises(DataError, match=r"a\.params: not a whole .+ \(x twice, with and without arg: or aux:\)"):
        bare("a.params", {"arg:x": 1, "aux:x": 2})


def test_mxnet_is_not_imported_to_read(tmp_path: Path) -> None:
    mx.nd.save(str(tmp_path / "a.params"), {"x": mx.nd.arange(3), "y": mx.nd.ones((2,)).astype(BFLOAT16)})
    code = (
        "import sys; sys.modules['mxnet'] = None; import gluon_ref.arrays as arrays\n"
        "print({name: array.tolist() for name, array in arrays.read(sys.argv[1]).items()})\n"
        "assert not sys.modules['mxnet'] and 'gluon_ref.backend' not in sys.modules"
    )
    words = [sys.executable, "-c", code, str(tmp_path / "a.params")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("{'x': [0.0, 1.0, 2.0], 'y': [1.0, 1.0]}\n", "")


def test_elements_are_read_to_where_they_stay(tmp_path: Path) -> None:
    mx.nd.save(str(tmp_path / "a.params"), {"x": mx.nd.ones((1 << 19,)), "y": mx.nd.ones((1 << 19,))})
    tracemalloc.start()
    found = read(tmp_path / "a.params")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.1 * sum(one.nbytes for one in found.values())


def test_what_mxnet_still_refuses_is_an_error_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str) -> None:
        raise mx.base.MXNetError("trace\nUnknown type")

    mx.nd.save(str(tmp_path / "a.params"), {"x": mx.nd.ones((2,))})
    monkeypatch.setattr(mx.nd, "load", refuse)
    with pytest.raises(DataError, match=r"not a whole file of arrays \(Unknown type\)"):
        load(tmp_path / "a.params")


@pytest.mark.parametrize("name", ["none.params", "."])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    for reader in (check, load, read):
        with pytest.raises(PathError, match=r"cannot be read \(.+\); expected a file of arrays; check the path"):
            reader(tmp_path / name)


DOORS = {
    "nd.load(": {"arrays.py"},
    "sym.load(": set(),
    # The others ask MXNet about a graph that it has already.
    "sym.load_json(": {"graphs.py", "rectifying.py", "reshapes.py", "shapes.py"},
    "SymbolBlock.imports(": set(),
    "model.load_checkpoint(": set(),
}


@pytest.mark.parametrize("call", DOORS)
def test_mxnet_reads_no_file_that_was_not_checked(call: str) -> None:
    sources = sorted(Path(arrays.__file__).parent.rglob("*.py"))
    assert {path.name for path in sources if call in path.read_text(encoding="utf-8")} == DOORS[call]
