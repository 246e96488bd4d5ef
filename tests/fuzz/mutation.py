"""Bytes, texts and documents, altered by a random generator: what a disk, an editor or a stranger may have done."""

from __future__ import annotations

import copy
import json
import struct
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import tomli_w

from gluon_ref.recipe import tomllib

INTEGERS = [0, 1, 2, 3, 7, 8, 127, 128, 255, 256, 1000, 32767, 32768, 65535, 65536, 2**24, 2**31 - 1, 2**31, 2**32 - 1]
INTEGERS += [2**32, 2**40, 2**53, 2**62, 2**63 - 1, 2**63, 2**64 - 1]
PIECES = [
    *(
        b'"',
        b'""',
        b'",',
        b"'",
        b"\0",
        b"\r",
        b"\n",
        b"\r\n",
        b"\n\n",
        b",",
        b"\t",
        b";",
        b"#",
        b"=",
        b"[",
        b"]]",
        b"{",
    ),
    *(b"\xff", b"\xfe\xff", b"\xef\xbb\xbf", b"\xc3\x28", b"\xed\xa0\x80", b"\xe2\x80\xa8", b"\x85", b"\x1f", b"\\"),
    *(b"nan", b"inf", b"-1", b"1e999", b"1" * 400, b"9" * 5000, b"0x10", b"1_0", b"NULL", b"NA", b" ", "٣".encode()),
    *(b"true", b"none", b"..", b"/", b"%s", b"{0}", b"\x1b[2J", "é悪".encode(), "\N{RIGHT-TO-LEFT OVERRIDE}".encode()),
]
VALUES: list[Any] = [
    *(None, True, False, 0, 1, -1, 2, 2**31, -(2**31), 2**63, 2**64, 10**400, 0.0, -0.5, 0.5, 1e-320, 1e308),
    *(float("nan"), float("inf"), float("-inf"), "", "0", "1", "-1", "nan", "none", "auto", "label", "value", "text"),
    *("vector", "image", "symbol", "mlp", "lstm", "classify", "regress", "../x", "/etc/passwd", "os.path", "json.tool"),
    *("\0", "\ud800", "é悪", "a\nb", "x" * 5000, ".*", "(", "1,2,3", "a,b", "gpu:0", "cpu:3", "cpu:99999", "float16"),
    *([], [[]], [None], [0], [1, 2, 3], [-1], [2**63], ["a"], ["a", "a"], [1.5], [[1, 2], [3]], {}, {"": 0}, {"a": {}}),
]
CHUNK = 64  # most bytes that are inserted, taken away or moved at a time


def alter(content: bytes, random: Random, others: Sequence[bytes] = ()) -> bytes:
    """Some bytes changed, once to a few times.

    Args:
        content: of a file.
        random: decides everything.
        others: contents of other files to take pieces of.
    """
    for _ in range(random.choice([1, 1, 1, 2, 3, 5])):
        content = (
            random.choice(WAYS)(content, random)
            if not others or random.random() < 0.9
            else _splice(content, random, others)
        )
    return content


def restructure(content: bytes, random: Random, kind: str) -> bytes | None:
    """A document with values, keys or elements changed; None when it is none.

    Args:
        content: of a file.
        random: decides everything.
        kind: "json", "jsonl" (a document per line) or "toml".
    """
    try:
        if kind == "toml":
            return tomli_w.dumps(_reshape(tomllib.loads(content.decode()), random)).encode()
        if kind == "json":
            return json.dumps(_reshape(json.loads(content), random), indent=random.choice([None, 1])).encode()
        lines = content.split(b"\n")
        at = random.randrange(len(lines))
        lines[at] = json.dumps(_reshape(json.loads(lines[at]), random)).encode()
        return b"\n".join(lines)
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None


def _reshape(document: Any, random: Random) -> Any:
    document = copy.deepcopy(document)
    for _ in range(random.choice([1, 1, 2, 3])):
        places = list(_places(document))
        if not places:
            return random.choice(VALUES)
        parent, key = random.choice(places)
        way = random.random()
        if way < 0.6:
            parent[key] = _value(parent[key], random)
        elif way < 0.75:
            del parent[key]
        elif way < 0.9:
            other, name = random.choice(places)
            parent[key] = copy.deepcopy(other[name])
        elif isinstance(parent, dict):
            name = random.choice(["", "name", f"{key}x", str(key).upper(), "path", "extra", *map(str, parent)])
            parent[name] = parent.pop(key) if way < 0.95 else parent[key]
        else:
            parent.insert(key, copy.deepcopy(parent[key]) if way < 0.95 else random.choice(VALUES))
    return document


def _value(value: Any, random: Random) -> Any:
    """Another one in the place of a value; numbers are often still numbers."""
    if type(value) in (int, float) and abs(value) < 1e300 and random.random() < 0.5:
        return random.choice(
            [value + 1, value - 1, -value, value * 2, value * 10**6, float(value), str(value), [value]]
        )
    if isinstance(value, str) and random.random() < 0.4:
        return random.choice([value + "x", value[:-1], value.upper(), [value], value * 2, f" {value}"])
    if isinstance(value, list) and value and random.random() < 0.5:
        return random.choice([value[:-1], value * 2, value[::-1], [value], value[0], dict(enumerate(value))])
    return random.choice([*VALUES, _deep(random)])


def _deep(random: Random) -> Any:
    value: Any = random.choice(VALUES)
    for _ in range(random.choice([2, 50, 400, 950])):
        value = [value] if random.random() < 0.7 else {"a": value}
    return value


def _places(document: Any) -> Any:
    """Each (container, key or index) of a document."""
    for key in (
        list(document) if isinstance(document, dict) else range(len(document) if isinstance(document, list) else 0)
    ):
        yield document, key
        yield from _places(document[key])


def _at(content: bytes, random: Random) -> int:
    # The beginning of a file holds its headers.
    return random.randrange(min(len(content), 64) if random.random() < 0.3 else len(content)) if content else 0


def _flip(content: bytes, random: Random) -> bytes:
    return _set(content, _at(content, random), lambda byte: byte ^ (1 << random.randrange(8)))


def _byte(content: bytes, random: Random) -> bytes:
    return _set(content, _at(content, random), lambda _: random.choice([0, 1, 127, 128, 255, random.randrange(256)]))


def _set(content: bytes, at: int, change: Callable[[int], int]) -> bytes:
    return content[:at] + bytes([change(content[at])]) + content[at + 1 :] if content else content


def _integer(content: bytes, random: Random) -> bytes:
    kind, step = random.choice([("H", 2), ("I", 4), ("I", 4), ("Q", 8), ("Q", 8)])
    at = _at(content, random) // random.choice([1, 2, 4]) * random.choice([1, 4])
    number = struct.pack(random.choice("<>") + kind, random.choice(INTEGERS) % 256**step)
    return content[:at] + number + content[at + step :]


def _cut(content: bytes, random: Random) -> bytes:
    return content[: random.choice([0, 1, max(len(content) - 1, 0), _at(content, random), _at(content, random)])]


def _extend(content: bytes, random: Random) -> bytes:
    return content + random.choice([b"\0", random.randbytes(random.randrange(1, CHUNK)), content, content[:CHUNK]])


def _insert(content: bytes, random: Random) -> bytes:
    at = _at(content, random)
    piece = random.choice(PIECES) if random.random() < 0.7 else random.randbytes(random.randrange(1, CHUNK))
    return content[:at] + piece + content[at if random.random() < 0.7 else at + len(piece) :]


def _repeat(content: bytes, random: Random) -> bytes:
    at = _at(content, random)
    piece = content[at : at + random.choice([1, 2, 4, CHUNK])] or b","
    return content[:at] + piece * random.choice([2, 10, 1000, 100_000 // len(piece)]) + content[at:]


def _take(content: bytes, random: Random) -> bytes:
    at = _at(content, random)
    return content[:at] + content[at + random.randrange(1, CHUNK) :]


def _swap(content: bytes, random: Random) -> bytes:
    first, second = sorted([_at(content, random), _at(content, random)])
    size = min(random.randrange(1, CHUNK), second - first)
    one, other = content[first : first + size], content[second : second + size]
    return content[:first] + other + content[first + size : second] + one + content[second + size :]


def _line(content: bytes, random: Random) -> bytes:
    lines = content.splitlines(keepends=True)
    if not lines:
        return content
    at, other = random.randrange(len(lines)), random.randrange(len(lines))
    lines[at : at + random.choice([0, 1, 1])] = random.choice([[], [lines[other]], [lines[other], lines[at]]])
    return b"".join(lines)


def _splice(content: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    other = random.choice(others)
    return content[: _at(content, random)] + other[_at(other, random) :]


WAYS = [_flip, _flip, _byte, _byte, _integer, _integer, _cut, _extend, _insert, _insert, _repeat, _take, _swap, _line]
