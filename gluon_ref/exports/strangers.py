"""Models of anyone's: symbol and params files of a network that this package never saw."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from .. import arrays, graphs
from ..artefacts import DTYPES
from ..backend import mx, quiet
from ..errors import DataError, FitError, OptionError, reason
from ..inputs._arrays import load
from ..records import Field, Source
from . import heads
from .sources import outputs
from .subjects import Arrays, Case, Subject, about, agreement

GIVEN = "given samples"
BATCHES = (1, 2, 7)
# Of axes that vary: the first that the network can take are used.
SIZES = ((16, 33), (64, 97), (224, 257), (512, 545))
LARGE = 100.0
CALIBRATION_BATCH = 64
SHOWN = 4  # names in a message


def of_files(
    symbol: str | Path,
    params: str | Path,
    shapes: Mapping[str, tuple[int, ...]],
    dtypes: Mapping[str, str],
    calibration: str | Path | None,
) -> Subject:
    """A network as two files hold it; the reference is what SymbolBlock answers.

    Args:
        symbol: NET-symbol.json.
        params: NET-0000.params.
        shapes: of each input, batch first; -1 where an axis varies.
        dtypes: of inputs that are not float32.
        calibration: .npz of real inputs by name, or .npy of the only one.
    Raises:
        PathError, DataError: when a file is missing, or is none of MXNet's, or they do not belong together.
        OptionError: when shapes or dtypes do not fit the network.
    """
    network = graphs.load(symbol)
    known = arrays.bare(params, arrays.load(params))
    waiting = heads.labels(graphs.parse(str(symbol), network.tojson()))
    names = [name for name in network.list_inputs() if name not in known and name not in waiting]
    _check(str(symbol), str(params), names, known, network, shapes, dtypes)
    fields = tuple(Field(name, tuple(shapes[name][1:]), dtypes.get(name, "float32")) for name in names)
    used = {name: known[name] for name in network.list_inputs() if name in known}
    bare = heads.without_labels(network)
    probes, results = _sized(bare, fields, used, shapes)
    batch = probes[0][0] if probes[0][0] == probes[1][0] else 0
    given = _given(calibration, fields) if calibration is not None else ()
    source = Source(
        bare,
        used,
        fields,
        results,
        {name: name for name in used},
        about=about(Path(symbol).name),
        calibration=given,
        batch=batch,
        probes=probes,
    )
    answer = _reference(network, used, fields, waiting)
    batches = [batch] if batch else sorted({*BATCHES, shapes[names[0]][0]})
    cases = _cases(fields, batches, (probes[0][1], probes[1][1]), answer)
    subject = Subject(source, cases, {"model": Path(symbol).name}, notes=_notes(known, used, params, batch))
    if not given:
        return subject
    real = Case(GIVEN, given, [answer(*group) for group in given])
    return replace(subject, cases=[*cases, real], measure=agreement(real.expected), watch=("agreement", "max"))


def _check(
    symbol: str,
    params: str,
    names: Sequence[str],
    known: Mapping[str, Any],
    network: Any,
    shapes: Mapping[str, tuple[int, ...]],
    dtypes: Mapping[str, str],
) -> None:
    """Refuse files that do not belong together, and shapes for other inputs than the network has."""
    unread = [name for name in known if name not in network.list_inputs()]
    missing = [name for name in names if name not in shapes]
    if missing and unread and set(shapes) <= set(names):
        raise DataError(
            params,
            f"no arrays {_some(missing)}, which {symbol} reads, but {_some(unread)}, which it does not",
            "the parameters of this network",
            "give the two files that were written together",
        )
    if missing:
        axes = ",".join(["1", *["..."]])
        raise OptionError(
            "--shape",
            f"{symbol} also reads {_some(missing)}, which {params} does not hold",
            "a shape for each input",
            f"pass --shape {missing[0]}={axes}, for example --shape data=1,3,224,224; or give the right --params",
        )
    other = [name for name in [*shapes, *dtypes] if name not in names]
    if other:
        raise OptionError(
            "--shape",
            f"{symbol} has no input {_some(other)}",
            f"a shape for {_some(names)}",
            f"pass --shape {names[0]}=1,3,224,224, with its own sizes" if names else "give another --params",
        )
    for name, dtype in dtypes.items():
        if dtype not in DTYPES:
            raise OptionError("--dtype", f"{name}={dtype}", ", ".join(DTYPES), f"pass --dtype {name}=int32")


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:SHOWN])
    return shown if len(names) <= SHOWN else f"{shown} and {len(names) - SHOWN} more"


def _unfit(fields: Iterable[Field], shapes: Mapping[str, tuple[int, ...]], why: str) -> OptionError:
    told = " ".join(f"{field.name}={','.join(map(str, shapes[field.name]))}" for field in fields)
    return OptionError(
        "--shape",
        f"{told} does not fit the network and its parameters ({why})",
        "shapes that it can take",
        "`gluonref inspect` names inputs and operators; pass other shapes, or the params that belong to it",
    )


def _reference(
    network: Any, known: Mapping[str, Any], fields: Sequence[Field], waiting: Sequence[str]
) -> Callable[..., Arrays]:
    """The network as SymbolBlock answers; labels that heads wait for are zeros."""
    inputs = [field.name for field in fields if field.name in network.list_inputs()]
    with quiet():  # it warns that files tell no types of inputs
        block = mx.gluon.SymbolBlock(network, [mx.sym.var(name) for name in (*inputs, *waiting)])
    for name, param in block.collect_params().items():
        param.shape, param.dtype = known[name].shape, known[name].dtype
        param.initialize(ctx=mx.cpu())
        param.set_data(known[name])
    block.hybridize(static_alloc=True)

    def answer(*given: np.ndarray) -> Arrays:
        pairs = [(field, one) for field, one in zip(fields, given) if field.name in inputs]
        shapes = network.infer_shape(**{field.name: one.shape for field, one in pairs})[0]
        labels = dict(zip(network.list_arguments(), shapes))
        extra = [mx.nd.zeros(labels[name]) for name in waiting]
        results = block(*(mx.nd.array(one, dtype=one.dtype) for _, one in pairs), *extra)
        return tuple(one.asnumpy() for one in (results if isinstance(results, (list, tuple)) else [results]))

    return answer


def _cases(
    fields: Sequence[Field], batches: Sequence[int], sizes: tuple[int, int], answer: Callable[..., Arrays]
) -> list[Case]:
    """Made-up inputs in several batch sizes, and of several sizes where axes vary; zeros, and large numbers."""
    random = np.random.RandomState(0)
    cases = [(f"random, batch {size}", _made(fields, size, sizes[0], random)) for size in batches]
    if any(-1 in field.shape for field in fields):
        cases.append((f"random, size {sizes[1]}", _made(fields, batches[0], sizes[1], random)))
    plain = cases[0][1]
    whole = [not np.issubdtype(one.dtype, np.floating) for one in plain]
    cases.append(("zeros", tuple(one if keep else one * 0 for one, keep in zip(plain, whole))))
    cases.append(("large", tuple(one if keep else one * LARGE for one, keep in zip(plain, whole))))
    return [Case(name, [given], [answer(*given)]) for name, given in cases]


def _sized(
    symbol: Any, fields: Sequence[Field], known: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]
) -> tuple[tuple[tuple[int, int], tuple[int, int]], tuple[Field, ...]]:
    """Sizes that the network can take, as Source has them, alike for a batch that cannot vary; and the results.

    Raises:
        OptionError: when the network can take no such inputs.
    """
    given = max(shapes[fields[0].name][0], 1)
    why = ""
    for sizes in SIZES if any(-1 in field.shape for field in fields) else SIZES[:1]:
        for batches in ((given + 1, given + 2), (given, given)):
            probes = ((batches[0], sizes[0]), (batches[1], sizes[1]))
            try:
                return probes, outputs(symbol, fields, known, probes=probes)
            except (mx.base.MXNetError, FitError) as error:
                why = reason(error)
    raise _unfit(fields, shapes, why)


def _made(fields: Sequence[Field], batch: int, steps: int, random: np.random.RandomState) -> Arrays:
    found = []
    for field in fields:
        shape = (batch, *(steps if size == -1 else size for size in field.shape))
        whole = not np.issubdtype(np.dtype(field.dtype), np.floating)
        made = random.randint(1, 4, shape) if whole else random.normal(0, 1, shape)
        found.append(np.asarray(made, dtype=field.dtype))
    return tuple(found)


def _given(path: str | Path, fields: Sequence[Field]) -> tuple[Arrays, ...]:
    """Real inputs from a file, in batches."""
    found = load(path, fields, "--calibration")
    return tuple(
        tuple(array[at : at + CALIBRATION_BATCH] for array in found)
        for at in range(0, len(found[0]), CALIBRATION_BATCH)
    )


def _notes(known: Mapping[str, Any], used: Mapping[str, Any], params: str | Path, batch: int) -> tuple[str, ...]:
    unread, notes = [name for name in known if name not in used], []
    if unread:
        notes.append(f"{params} also holds {_some(unread)}, which the network does not read")
    if batch:
        notes.append(f"the network takes batches of {batch} only, and so does the artefact")
    return tuple(notes)
