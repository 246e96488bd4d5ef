"""MXNet's RNN operator in ONNX: ONNX Runtime answers as imperative Gluon does, at batches and lengths never seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import onnxruntime
import pytest

from gluon_ref.backend import mx
from gluon_ref.conversion.graph import to_onnx
from gluon_ref.errors import ConversionError
from gluon_ref.models import lstm
from gluon_ref.records import Field, Source

from ..conftest import TEXT

UNITS = 5
# Sizes of batch and time; a model is exported with none of them.
SIZES = [(1, 1), (3, 4), (1, 7), (3, 11)]
CELLS = {"lstm": "LSTM", "gru": "GRU", "rnn_relu": "RNN", "rnn_tanh": "RNN"}
X, WHOLE = mx.sym.var("x"), mx.sym.var("all")
# float32 sums in another order, over up to 11 steps of 4 layers.
TOLERANCE = {"rtol": 1e-5, "atol": 1e-5}


class BatchFirst(mx.gluon.HybridBlock):
    """A stack whose states, given and returned, have the batch as axis 0, as every border here."""

    def __init__(self, stack: Any, states: int) -> None:
        super().__init__(prefix="")
        self.stack, self._states = stack, states

    def hybrid_forward(self, F: Any, x: Any, *states: Any) -> Any:
        """Inputs and states to outputs and states."""
        out, last = self.stack(x, [F.swapaxes(one, 0, 1) for one in states])
        return [out, *(F.swapaxes(one, 0, 1) for one in last)]


class LastStates(mx.gluon.HybridBlock):
    """The last states of an LSTM that is told how long each sequence is."""

    def __init__(self, stack: Any) -> None:
        super().__init__(prefix="")
        self.stack = stack

    def hybrid_forward(self, F: Any, x: Any, length: Any) -> Any:
        """Inputs and lengths to hidden and cell states."""
        zeros = [F.zeros((2, 0, UNITS)), F.zeros((2, 0, UNITS))]
        return [F.swapaxes(one, 0, 1) for one in self.stack(x, zeros, sequence_length=length)[1]]


def stack(mode: str, width: int, **options: Any) -> Any:
    """A Gluon stack with random parameters, biases among them."""
    layer = getattr(mx.gluon.rnn, CELLS[mode])
    if mode.startswith("rnn"):
        options["activation"] = mode.removeprefix("rnn_")
    net = layer(UNITS, input_size=width, prefix="stack_", **options)
    net.initialize()
    for one in net.collect_params().values():
        one.set_data(mx.nd.random.uniform(-0.5, 0.5, one.shape))
    return net


def data(*shape: int) -> np.ndarray:
    """Random numbers."""
    return np.random.uniform(-1, 1, shape).astype("float32")


def source(net: Any, inputs: Sequence[Field], outputs: Sequence[Field]) -> Source:
    """A Gluon block as an exporter is given it."""
    symbol = mx.sym.Group(list(flat(net(*(mx.sym.var(field.name) for field in inputs)))))
    arrays = {name: one.data() for name, one in net.collect_params().items()}
    return Source(symbol, arrays, tuple(inputs), tuple(outputs), {name: name for name in arrays})


def flat(nested: Any) -> Iterator[Any]:
    """What nested lists hold, in a row."""
    if isinstance(nested, (list, tuple)):
        for one in nested:
            yield from flat(one)
    else:
        yield nested


def runtime(model: Any) -> Callable[..., list[np.ndarray]]:
    """A model as a function of arrays, in the order of its inputs."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_inputs()]
    return lambda *arrays: list(session.run(None, dict(zip(names, arrays))))


def agree(net: Any, answer: Callable[..., list[np.ndarray]], *arrays: np.ndarray) -> None:
    """Compare ONNX Runtime's answers with those of the imperative network."""
    expected = [one.asnumpy() for one in flat(net(*(mx.nd.array(one, dtype=one.dtype) for one in arrays)))]
    made = answer(*arrays)
    assert len(made) == len(expected)
    for one, other in zip(made, expected):
        np.testing.assert_allclose(one, other, **TOLERANCE)


def node(parameters: Any, mode: str, units: int = 2, width: int = 1, **options: Any) -> Any:
    """A bare RNN node over x (batch, time, width), with any symbol as its parameters."""
    rows = options.get("num_layers", 1) * (2 if options.get("bidirectional") else 1)
    zeros = [mx.sym.zeros((rows, 0, units)) for _ in range(2 if mode == "lstm" else 1)]
    states = dict(zip(("state", "state_cell"), zeros))
    options = {"num_layers": 1, **options}
    made = mx.sym.RNN(
        mx.sym.swapaxes(X, 0, 1), parameters, mode=mode, state_size=units, name="net_rnn0", **states, **options
    )
    return mx.sym.swapaxes(made[0], 0, 1)


@pytest.mark.parametrize("width", [UNITS, 3], ids=["as-wide", "other-width"])
@pytest.mark.parametrize("both", [False, True], ids=["forward", "both"])
@pytest.mark.parametrize("layers", [1, 2, 3, 4])
@pytest.mark.parametrize("mode", CELLS)
def test_a_stack_answers_as_gluon_does(mode: str, layers: int, both: bool, width: int) -> None:
    net = stack(mode, width, num_layers=layers, bidirectional=both)
    # Time first, as Gluon has it where nobody says otherwise.
    model = to_onnx(source(net, [Field("x", (-1, width))], [Field("y", (-1, UNITS * (1 + both)))]))
    answer = runtime(model)
    for batch, time in SIZES:
        agree(net, answer, data(time, batch, width))
    # One node a layer, three arrays a node: nothing of how the parameters were put together, nor of states of zeros.
    kinds = Counter(node.op_type for node in model.graph.node)
    assert kinds[CELLS[mode]] == layers
    assert not kinds.keys() - {CELLS[mode], "Squeeze", "Transpose", "Reshape", "Identity"}
    assert sum(one.data_type == 1 for one in model.graph.initializer) == 3 * layers
    assert [one.name for one in model.graph.input] == ["x"]


@pytest.mark.parametrize("width", [UNITS, 3], ids=["as-wide", "other-width"])
@pytest.mark.parametrize("both", [False, True], ids=["forward", "both"])
@pytest.mark.parametrize("layers", [1, 2, 3, 4])
@pytest.mark.parametrize("mode", CELLS)
def test_states_go_in_and_come_out(mode: str, layers: int, both: bool, width: int) -> None:
    rows, names = layers * (1 + both), ["h", "c"] if mode == "lstm" else ["h"]
    inner = stack(mode, width, num_layers=layers, bidirectional=both, layout="NTC", dropout=0.5)
    net = BatchFirst(inner, len(names))
    fields = [Field("x", (-1, width)), *(Field(name, (rows, UNITS)) for name in names)]
    results = [Field("y", (-1, UNITS * (1 + both))), *(Field(f"{name}_last", (rows, UNITS)) for name in names)]
    answer = runtime(to_onnx(source(net, fields, results)))
    for batch, time in SIZES:
        agree(net, answer, data(batch, time, width), *(data(batch, rows, UNITS) for _ in names))


@pytest.mark.parametrize("both", [False, True], ids=["forward", "both"])
@pytest.mark.parametrize("mode", CELLS)
def test_with_lengths_each_sequence_is_as_if_alone(mode: str, both: bool) -> None:
    """By the bare operator: Gluon can trace it with lengths for LSTM only, and computes without them."""
    alone = stack(mode, 3, num_layers=2, bidirectional=both, layout="NTC")
    parameters = alone.collect_params().values()  # MXNet's order is all weights, then all biases
    ordered = [one for kind in ("weight", "bias") for one in parameters if one.name.endswith(kind)]
    whole = mx.nd.concat(*(one.data().reshape(-1) for one in ordered), dim=0)
    options = {"num_layers": 2, "bidirectional": both, "use_sequence_length": True}
    symbol = node(WHOLE, mode, UNITS, sequence_length=mx.sym.var("length"), **options)
    fields = (Field("x", (-1, 3)), Field("length", (), "int32"))
    answer = runtime(to_onnx(Source(symbol, {"all": whole}, fields, (Field("y", (-1, UNITS * (1 + both))),), {})))
    x, lengths = data(6, 7, 3), np.array([7, 2, 4, 0, 9, -1], dtype=np.int32)  # beyond either end too
    (made,) = answer(x, lengths)
    for row, length in enumerate(lengths.clip(0, 7)):
        if length:
            expected = alone(mx.nd.array(x[row : row + 1, :length])).asnumpy()
            np.testing.assert_allclose(made[row : row + 1, :length], expected, **TOLERANCE)
        assert not made[row, length:].any()


def test_gluons_lstm_with_lengths_hands_back_the_last_real_states() -> None:
    alone = stack("lstm", 3, bidirectional=True, layout="NTC")
    net = LastStates(stack("lstm", 3, bidirectional=True, layout="NTC", use_sequence_length=True))
    for one, other in zip(net.collect_params().values(), alone.collect_params().values()):
        one.set_data(other.data())
    fields = [Field("x", (-1, 3)), Field("length", (), "int32")]
    answer = runtime(to_onnx(source(net, fields, [Field("h", (2, UNITS)), Field("c", (2, UNITS))])))
    x, lengths = data(3, 7, 3), np.array([7, 2, 4], dtype=np.int32)
    made = answer(x, lengths)
    for row, length in enumerate(lengths):
        _, states = alone(mx.nd.array(x[row : row + 1, :length]), alone.begin_state(1))
        for one, other in zip(made, states):
            np.testing.assert_allclose(one[row], other.asnumpy()[:, 0], **TOLERANCE)


def converted(parameters: Any, arrays: dict[str, np.ndarray], mode: str, **options: Any) -> Any:
    """A bare node as a model."""
    weights = {name: mx.nd.array(one) for name, one in arrays.items()}
    symbol = node(parameters, mode, **options)
    return to_onnx(Source(symbol, weights, (Field("x", (-1, 1)),), (Field("y", (-1, 2)),), {}))


def test_weights_of_ones_add_up() -> None:
    ones = np.ones(2 * 1 + 2 * 2 + 2 + 2)  # from the input, from the state, and two biases
    (made,) = runtime(converted(WHOLE, {"all": ones}, "rnn_relu"))(np.array([[[1], [2]]], dtype=np.float32))
    # 1 + 0 + 2 of the biases, in both units; then 2 + (3 + 3) + 2.
    np.testing.assert_array_equal(made, [[[3, 3], [10, 10]]])


@pytest.mark.parametrize("pooling", ["max+mean", "last"])
@pytest.mark.parametrize("directions", ["both", "forward"])
def test_this_packages_own_lstm_keeps_batch_and_length_free(pooling: Any, directions: Any) -> None:
    net = lstm.build(TEXT, embedding=3, units=UNITS, layers=2, pooling=pooling, directions=directions)
    net.initialize(mx.init.Uniform(0.5))
    tokens, lengths = np.array([[2, 3, 4, 5], [6, 7, 0, 0]], dtype=np.int32), np.array([4, 2], dtype=np.int32)
    net(mx.nd.array(tokens), mx.nd.array(lengths))
    fields = [Field("tokens", (-1,), "int32"), Field("length", (), "int32")]
    model = to_onnx(source(net, fields, [Field("scores", (3,))]))
    answer = runtime(model)
    agree(net, answer, tokens, lengths)
    agree(net, answer, np.tile(tokens, (3, 3)), np.array([12, 1, 5, 3, 11, 2], dtype=np.int32))
    # Its states start from zeros of the batch's size, and its parameters are joined: neither is left in the model.
    assert not {"Expand", "ConstantOfShape"} & {node.op_type for node in model.graph.node}


def test_a_cell_written_with_foreach_is_named() -> None:
    net = lstm.build(TEXT, embedding=3, units=UNITS, cell="written")
    net.initialize()
    net(mx.nd.ones((1, 4)), mx.nd.ones((1,)))
    fields = [Field("tokens", (-1,), "int32"), Field("length", (), "int32")]
    with pytest.raises(ConversionError, match=r"no counterpart for _foreach \(lstm_layer0_forth__foreach0\)"):
        to_onnx(source(net, fields, [Field("scores", (3,))]))


def test_parameters_may_be_computed_from_weights() -> None:
    halves = {"first": data(5), "second": data(5)}
    joined = mx.sym.concat(mx.sym.var("first") * 2, mx.sym.BlockGrad(mx.sym.var("second")), dim=0)
    whole = np.concatenate([halves["first"] * 2, halves["second"]])
    x = data(3, 4, 1)
    computed, given = converted(joined, halves, "rnn_tanh"), converted(WHOLE, {"all": whole}, "rnn_tanh")
    np.testing.assert_array_equal(runtime(computed)(x), runtime(given)(x))
    assert [one.op_type for one in computed.graph.node] == [one.op_type for one in given.graph.node]


@pytest.mark.filterwarnings("ignore:.*mapping:DeprecationWarning")  # mx2onnx's converter of random numbers
@pytest.mark.parametrize(
    "changed",
    [
        mx.sym.broadcast_mul(WHOLE, mx.sym.reshape(mx.sym.max(X), shape=(1,))),
        WHOLE + mx.sym.random.uniform(shape=(10,)),
    ],
    ids=["by-an-input", "by-chance"],
)
def test_parameters_that_are_not_fixed_are_refused(changed: Any) -> None:
    with pytest.raises(ConversionError, match=r"its parameters are computed from inputs or by chance"):
        converted(changed, {"all": data(10)}, "rnn_tanh")


def test_states_that_are_clipped_are_refused() -> None:
    with pytest.raises(ConversionError, match=r"RNN net_rnn0 cannot be converted \(lstm_state_clip_min=-1.*lack"):
        converted(WHOLE, {"all": data(40)}, "lstm", lstm_state_clip_min=-1, lstm_state_clip_max=2)


def test_projections_are_refused() -> None:
    net = mx.gluon.rnn.LSTM(UNITS, input_size=3, projection_size=2, prefix="net_")
    net.initialize()
    with pytest.raises(ConversionError, match=r"RNN net_rnn0 cannot be converted \(projection_size=2, which"):
        to_onnx(source(net, [Field("x", (-1, 3))], [Field("y", (-1, 2))]))


def test_other_than_float32_is_refused() -> None:
    net = stack("gru", 3)
    net.cast("float64")
    with pytest.raises(ConversionError, match=r"cannot be converted \(float64, where ONNX's runtimes take float32"):
        to_onnx(source(net, [Field("x", (-1, 3), "float64")], [Field("y", (-1, UNITS))]))
