"""Models of anyone's: symbol and params files of a network that this package never saw."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from .. import arrays, graphs
from ..artefacts import DTYPES
from ..backend import mx, quiet
from ..errors import DataError, OptionError
from ..inputs._arrays import load, refuse_special
from ..records import Field, Source
from . import heads, mending, trials
from .subjects import LIKENESS, Arrays, Case, Subject, about, likeness

GIVEN = "given samples"
CALIBRATION_BATCH = 64
SHOWN = 4  # names in a message


def of_files(
    symbol: str | Path,
    params: str | Path,
    shapes: Mapping[str, tuple[int, ...]],
    dtypes: Mapping[str, str],
    calibration: str | Path | None,
    outputs: Sequence[str] = (),
    watch: str = LIKENESS[0],
) -> Subject:
    """A network as two files hold it; the reference is what SymbolBlock answers.

    Args:
        symbol: NET-symbol.json.
        params: NET-0000.params.
        shapes: of each input, batch first; -1 where an axis varies.
        dtypes: of inputs that are not float32.
        calibration: .npz of real inputs by name, or .npy of the only one.
        outputs: nodes to take as its results; those of the file when empty.
        watch: the figure that rounding may not lower, one of LIKENESS.
    Raises:
        PathError, DataError: when a file is missing, or is none of MXNet's, or they do not belong together.
        OptionError: when shapes or dtypes do not fit the network, or it has no such output.
        ConversionError: when it answers by chance.
    """
    if watch not in LIKENESS:
        raise OptionError("export", f"watch={watch}", " or ".join(LIKENESS), f"pass --watch {LIKENESS[0]}")
    for path in (symbol, params):
        refuse_special(path)
    read = graphs.read(symbol)
    graph = mending.completed(read, outputs)
    mending.refuse_chance(graph)
    network = graphs.symbol(mending.mended(graph))
    known = arrays.bare(params, arrays.load(params) or {})  # of a file of no arrays MXNet makes a list
    waiting = heads.labels(graphs.parse(str(symbol), network.tojson()))
    labels = {*heads.labels(graph), *heads.labels(read)}  # also of heads that MXNet cannot read
    notes = [
        f"{name} is a label, which training reads alone: its shape is left out" for name in shapes if name in labels
    ]
    shapes = {name: shape for name, shape in shapes.items() if name not in labels}
    needed = [name for name in network.list_inputs() if name not in waiting]
    names = [name for name in needed if name not in known or name in shapes]
    _check(str(symbol), str(params), names, known, network, shapes, dtypes)
    used = {name: known[name] for name in needed if name in known and name not in shapes}
    bare = heads.without_labels(network)
    try:
        found = trials.fit(bare, names, used, shapes, dtypes, lambda: _reference(network, used, names, waiting))
    except OptionError:
        if not any(array.dtype == np.float16 for array in used.values()):
            raise
        # MXNet multiplies no matrices of float16 on a processor.
        used = {name: array.astype("float32") if array.dtype == np.float16 else array for name, array in used.items()}
        dtypes = {name: "float32" if dtype == "float16" else dtype for name, dtype in dtypes.items()}
        found = trials.fit(bare, names, used, shapes, dtypes, lambda: _reference(network, used, names, waiting))
        notes.append("what is float16 became float32, which holds it: MXNet does not run this network in float16 here")
    fields = found.fields
    given = _given(calibration, fields) if calibration is not None else ()
    structure = {name: name for name in used}
    told = about(Path(symbol).name)
    source = Source(bare, used, fields, found.results, structure, about=told, calibration=given, probes=found.probes)
    notes += _notes(known, used, params, [name for name in known if name in labels], fields)
    subject = Subject(source, found.cases, {"model": Path(symbol).name}, notes=tuple(notes))
    if not given:
        return subject
    answer = _reference(network, used, names, waiting)
    real = Case(GIVEN, given, [answer(*group) for group in given])
    return replace(subject, cases=[*found.cases, real], measure=likeness(real.expected), watch=(watch, "max"))


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
        raise OptionError(
            "--shape",
            f"{symbol} also reads {_some(missing)}, which {params} does not hold",
            "a shape for each input",
            f"pass --shape {missing[0]}=1,..., for example --shape data=1,3,224,224; or give the right --params",
        )
    other = [name for name in [*shapes, *dtypes] if name not in names]
    if other:
        raise OptionError(
            "--shape",
            f"{symbol} has no input {_some(other)}",
            f"a shape for {_some(names) or 'an input'}",
            f"pass --shape {names[0]}=1,3,224,224, with its own sizes"
            if names
            else f"{params} holds all that it reads; name the input among them with --shape",
        )
    for name, dtype in dtypes.items():
        if dtype not in DTYPES:
            raise OptionError("--dtype", f"{name}={dtype}", ", ".join(DTYPES), f"pass --dtype {name}=int32")


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:SHOWN])
    return shown if len(names) <= SHOWN else f"{shown} and {len(names) - SHOWN} more"


def _reference(
    network: Any, known: Mapping[str, Any], names: Sequence[str], waiting: Sequence[str]
) -> Callable[..., Arrays]:
    """The network as SymbolBlock answers; labels that heads wait for are zeros."""
    inputs = [name for name in names if name in network.list_inputs()]
    with quiet():  # it warns that files tell no types of inputs
        block = mx.gluon.SymbolBlock(network, [mx.sym.var(name) for name in (*inputs, *waiting)])
    for name, param in block.collect_params().items():
        param.shape, param.dtype = known[name].shape, known[name].dtype
        param.initialize(ctx=mx.cpu())
        param.set_data(known[name])
    block.hybridize(static_alloc=True)
    kinds = {name: array.dtype for name, array in known.items()}

    def answer(*given: np.ndarray) -> Arrays:
        pairs = [(name, one) for name, one in zip(names, given) if name in inputs]
        shapes = network.infer_shape(**{name: one.shape for name, one in pairs})[0]
        types = network.infer_type(**kinds, **{name: one.dtype for name, one in pairs})[0]
        labels = dict(zip(network.list_arguments(), zip(shapes, types)))
        extra = [mx.nd.zeros(labels[name][0], dtype=labels[name][1]) for name in waiting]
        results = block(*(mx.nd.array(one, dtype=one.dtype) for _, one in pairs), *extra)
        return tuple(one.asnumpy() for one in (results if isinstance(results, (list, tuple)) else [results]))

    return answer


def _given(path: str | Path, fields: Sequence[Field]) -> tuple[Arrays, ...]:
    """Real inputs from a file, in batches."""
    found = load(path, fields, "--calibration")
    odd = [field.name for field, array in zip(fields, found) if not np.isfinite(array).all()]
    if odd:
        given = f"entries of {_some(odd)} that are infinite or no numbers"
        raise DataError(str(path), given, "real inputs", "leave out the samples that have them")
    size = fields[0].batch or CALIBRATION_BATCH
    whole = len(found[0]) if not fields[0].batch else len(found[0]) // size * size
    if not whole:
        raise DataError(str(path), f"{len(found[0])} samples", f"{size} or more, which the network takes", "give more")
    return tuple(tuple(array[at : at + size] for array in found) for at in range(0, whole, size))


def _notes(
    known: Mapping[str, Any],
    used: Mapping[str, Any],
    params: str | Path,
    labels: Sequence[str],
    fields: Sequence[Field],
) -> list[str]:
    inputs = [field.name for field in fields if field.name in known]
    notes = [f"{params} also holds {name}, which --shape makes an input" for name in inputs]
    unread = [name for name in known if name not in used and name not in inputs and name not in labels]
    if unread:
        notes.append(f"{params} also holds {_some(unread)}, which the network does not read")
    odd = [name for name, array in used.items() if not np.isfinite(array.asnumpy()).all()]
    if odd:
        notes.append(
            f"{_some(odd)} in {params} has entries that are infinite or no numbers; answers may be none either"
        )
    fixed = [field for field in fields if field.batch]
    if fixed and len(fixed) == len(fields):
        notes.append(f"the network takes batches of {fixed[0].batch} only, and so does the artefact")
    elif fixed:
        told = " and ".join(f"{field.name} of {field.batch} rows" for field in fixed)
        notes.append(f"the network takes {told} only, and so does the artefact")
    return notes
