"""Operators on single numbers: of one array, of two that spread over each other, and of an array and a number."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import reduce

import numpy as np

from .steps import Steps, converters

Binary = Callable[[Steps, str, str, "np.dtype"], str]

UNARY = {
    "abs": "Abs",
    "arccos": "Acos",
    "arccosh": "Acosh",
    "arcsin": "Asin",
    "arcsinh": "Asinh",
    "arctan": "Atan",
    "arctanh": "Atanh",
    "ceil": "Ceil",
    "cos": "Cos",
    "cosh": "Cosh",
    "erf": "Erf",
    "exp": "Exp",
    "floor": "Floor",
    "log": "Log",
    "negative": "Neg",
    "reciprocal": "Reciprocal",
    "relu": "Relu",
    "sigmoid": "Sigmoid",
    "sign": "Sign",
    "sin": "Sin",
    "sinh": "Sinh",
    "softsign": "Softsign",
    "sqrt": "Sqrt",
    "tan": "Tan",
    "tanh": "Tanh",
}
# ONNX Runtime computes with these; smaller integers take a detour.
WIDE = ("float16", "float32", "float64", "int32", "int64")


def _plain(op: str) -> Binary:
    def made(steps: Steps, left: str, right: str, kind: np.dtype) -> str:
        if kind.name in WIDE:
            return steps.add(op, left, right)
        wide = [steps.cast(one, np.int32) for one in (left, right)]
        return steps.cast(steps.add(op, *wide), kind)

    return made


def _compared(op: str, negated: bool = False) -> Binary:
    def made(steps: Steps, left: str, right: str, kind: np.dtype) -> str:
        found = steps.add(op, left, right)
        return steps.cast(steps.add("Not", found) if negated else found, steps.results[0].dtype)

    return made


def _logical(op: str) -> Binary:
    def made(steps: Steps, left: str, right: str, kind: np.dtype) -> str:
        found = steps.add(op, steps.cast(left, np.bool_), steps.cast(right, np.bool_))
        return steps.cast(found, steps.results[0].dtype)

    return made


def _remainder(steps: Steps, left: str, right: str, kind: np.dtype) -> str:
    """With the divisor's sign, and 0 where that is 0."""
    zero = steps.constant(0, kind)
    by_zero = steps.add("Equal", right, zero)
    safe = steps.add("Where", by_zero, steps.constant(1, kind), right)
    if kind.kind == "f":
        rest = steps.add("Mod", left, safe, fmod=1)
        differ = steps.add("Less", steps.add("Mul", rest, safe), zero)
        rest = steps.add("Where", differ, steps.add("Add", rest, safe), rest)
    else:
        rest = steps.add("Mod", left, safe)
    return steps.add("Where", by_zero, zero, rest)


def _hypotenuse(steps: Steps, left: str, right: str, kind: np.dtype) -> str:
    squares = [steps.add("Mul", one, one) for one in (left, right)]
    return steps.add("Sqrt", steps.add("Add", *squares))


BINARY: dict[str, Binary] = {
    "add": _plain("Add"),
    "sub": _plain("Sub"),
    "mul": _plain("Mul"),
    "div": _plain("Div"),
    "power": _plain("Pow"),
    "maximum": _plain("Max"),
    "minimum": _plain("Min"),
    "mod": _remainder,
    "hypot": _hypotenuse,
    "equal": _compared("Equal"),
    "not_equal": _compared("Equal", negated=True),
    "greater": _compared("Greater"),
    "greater_equal": _compared("GreaterOrEqual"),
    "lesser": _compared("Less"),
    "lesser_equal": _compared("LessOrEqual"),
    "logical_and": _logical("And"),
    "logical_or": _logical("Or"),
    "logical_xor": _logical("Xor"),
}
# MXNet's names of the same with a number: what they begin with, and whether the number stands first.
SCALAR = {
    **{f"_{name}_scalar": (name, False) for name in BINARY if name not in ("add", "sub")},
    "_plus_scalar": ("add", False),
    "_minus_scalar": ("sub", False),
    "_rminus_scalar": ("sub", True),
    "_rdiv_scalar": ("div", True),
    "_rpower_scalar": ("power", True),
    "_rmod_scalar": ("mod", True),
}


def _of_two(name: str) -> Callable[[Steps], str]:
    return lambda steps: BINARY[name](steps, steps.inputs[0], steps.inputs[1], steps.dtype)


def _of_number(name: str, first: bool) -> Callable[[Steps], str]:
    def convert(steps: Steps) -> str:
        """The number in the array's dtype, as MXNet takes it: 1.5 is 1 beside integers."""
        number = steps.like(np.float64(steps.option("scalar", 1.0)))
        pair = (number, steps.inputs[0]) if first else (steps.inputs[0], number)
        return BINARY[name](steps, *pair, steps.dtype)

    return convert


def _unary(op: str) -> Callable[[Steps], str]:
    return lambda steps: steps.add(op, steps.inputs[0])


def _round(steps: Steps) -> str:
    """Halves away from zero; ONNX's Round takes them to the even number."""
    data = steps.inputs[0]
    size = steps.add("Abs", data)
    below = steps.add("Floor", size)
    half = steps.add("GreaterOrEqual", steps.add("Sub", size, below), steps.like(0.5))
    return steps.add("Mul", steps.add("Sign", data), steps.add("Add", below, steps.cast(half, steps.dtype)))


def _rint(steps: Steps) -> str:
    """Halves down."""
    data = steps.inputs[0]
    below = steps.add("Floor", data)
    more = steps.add("Greater", steps.add("Sub", data, below), steps.like(0.5))
    return steps.add("Add", below, steps.cast(more, steps.dtype))


def _toward_zero(steps: Steps) -> str:
    data = steps.inputs[0]
    return steps.add("Mul", steps.add("Sign", data), steps.add("Floor", steps.add("Abs", data)))


def _cube_root(steps: Steps) -> str:
    root = steps.add("Pow", steps.add("Abs", steps.inputs[0]), steps.like(1 / 3))
    return steps.add("Mul", steps.add("Sign", steps.inputs[0]), root)


def _scaled(op: str, factor: float) -> Callable[[Steps], str]:
    return lambda steps: steps.add("Mul", steps.add(op, steps.inputs[0]), steps.like(factor))


def _negation(steps: Steps) -> str:
    return steps.cast(steps.add("Not", steps.cast(steps.inputs[0], np.bool_)), steps.results[0].dtype)


def _hard_sigmoid(steps: Steps) -> str:
    return steps.add("HardSigmoid", steps.inputs[0], alpha=steps.number("alpha", 0.2), beta=steps.number("beta", 0.5))


def _smooth_l1(steps: Steps) -> str:
    """0.5 (scale x)^2 below 1 / scale^2, |x| - 0.5 / scale^2 above."""
    data, square = steps.inputs[0], float(steps.option("scalar", 1.0)) ** 2
    size = steps.add("Abs", data)
    inner = steps.add("Mul", steps.add("Mul", data, data), steps.like(0.5 * square))
    outer = steps.add("Sub", size, steps.like(0.5 / square))
    return steps.add("Where", steps.add("Less", size, steps.like(1 / square)), inner, outer)


def clip(steps: Steps) -> str:
    """Between two bounds; as large as the dtype has them where there are none."""
    limits = np.finfo(steps.dtype) if steps.dtype.kind == "f" else np.iinfo(steps.dtype)
    low, high = (float(steps.option(key)) for key in ("a_min", "a_max"))
    bounds = [steps.like(min(max(one, limits.min), limits.max)) for one in (low, high)]
    return steps.add("Clip", steps.inputs[0], *bounds)


def cast(steps: Steps) -> str:
    """Another dtype."""
    return steps.cast(steps.inputs[0], steps.results[0].dtype)


def where(steps: Steps) -> str:
    """From one array or another; a condition of one axis chooses whole rows."""
    condition, first, second = steps.inputs
    rank, wanted = len(steps.shapes[0]), len(steps.shapes[1])
    if rank < wanted:
        condition = steps.add("Unsqueeze", condition, steps.constant(list(range(rank, wanted))))
    return steps.add("Where", steps.cast(condition, np.bool_), first, second)


def add_n(steps: Steps) -> str:
    """The sum of several arrays."""
    plus = BINARY["add"]
    if len(steps.inputs) == 1:
        return steps.inputs[0]
    return reduce(lambda left, right: plus(steps, left, right, steps.dtype), steps.inputs)


def one_hot(steps: Steps) -> str:
    """A row per index; of off_value alone for an index out of range, where ONNX's OneHot counts from the back."""
    kind = steps.results[0].dtype
    places = steps.constant(np.arange(steps.option("depth")))
    index = steps.add("Unsqueeze", steps.cast(steps.inputs[0], np.int64), steps.constant([-1]))
    values = [steps.constant(steps.option(key), kind) for key in ("on_value", "off_value")]
    return steps.add("Where", steps.add("Equal", index, places), *values)


CONVERTERS = converters(
    {
        **{f"broadcast_{name}": _of_two(name) for name in BINARY},
        **{f"_{name}": _of_two(name) for name in BINARY},
        **{f"elemwise_{name}": _of_two(name) for name in ("add", "sub", "mul", "div")},
        **{name: _of_number(*of) for name, of in SCALAR.items()},
        **{name: _unary(op) for name, op in UNARY.items()},
        "square": lambda steps: steps.add("Mul", steps.inputs[0], steps.inputs[0]),
        "rsqrt": lambda steps: steps.add("Reciprocal", steps.add("Sqrt", steps.inputs[0])),
        "cbrt": _cube_root,
        "rcbrt": lambda steps: steps.add("Reciprocal", _cube_root(steps)),
        "log2": _scaled("Log", 1 / math.log(2)),
        "log10": _scaled("Log", 1 / math.log(10)),
        "log1p": lambda steps: steps.add("Log", steps.add("Add", steps.inputs[0], steps.like(1))),
        "expm1": lambda steps: steps.add("Sub", steps.add("Exp", steps.inputs[0]), steps.like(1)),
        "degrees": _scaled("Identity", 180 / math.pi),
        "radians": _scaled("Identity", math.pi / 180),
        "round": _round,
        "rint": _rint,
        "fix": _toward_zero,
        "trunc": _toward_zero,
        "logical_not": _negation,
        "hard_sigmoid": _hard_sigmoid,
        "smooth_l1": _smooth_l1,
        "clip": clip,
        "Cast": cast,
        "amp_cast": cast,
        "where": where,
        "add_n": add_n,
        "one_hot": one_hot,
    }
)
