"""Training: same seed, same weights; a resumed run ends like one never stopped; failures leave no trace."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gluon_ref import assembly, catalog, checkpoints, documents, logs, preparation, runs
from gluon_ref import recipe as recipes
from gluon_ref.backend import mx
from gluon_ref.errors import AlteredError, DivergedError, FitError, OptionError, PathError, RequestError
from gluon_ref.evaluation import evaluate
from gluon_ref.training import resume, train

from .conftest import SMALL


def weights(folder: Path, name: str = runs.LAST) -> dict[str, np.ndarray]:
    return {key: array.asnumpy() for key, array in mx.nd.load(str(folder / name)).items()}


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[key], other[key]) for key in one)


def changed(*changes: tuple[str, Any], name: str = "mlp") -> recipes.Recipe:
    return recipes.read(name).change([*SMALL, *changes])


@pytest.fixture
def few_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two hundred names instead of 19,012."""
    module = catalog.find("data", "names")
    rows = module.names()[::95]
    monkeypatch.setattr(module, "names", lambda: rows)
    monkeypatch.setattr(module, "verify", lambda *_: None)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(run: Path, tmp_path: Path) -> None:
    train(changed(), tmp_path / "again")
    train(changed(("train.seed", 1)), tmp_path / "other")
    assert same(weights(run), weights(tmp_path / "again"))
    assert not same(weights(run), weights(tmp_path / "other"))


def test_a_saved_recipe_is_complete_and_trains_to_the_same_weights(run: Path, tmp_path: Path) -> None:
    saved = recipes.read(str(run / "run.toml"))
    assert saved.check() == saved.check().check()
    train(saved, tmp_path / "again")
    assert same(weights(run), weights(tmp_path / "again"))
    assert (tmp_path / "again" / "run.toml").read_text() == (run / "run.toml").read_text()


def test_without_hybridization_the_weights_are_the_same(run: Path, tmp_path: Path) -> None:
    train(changed(("train.hybridize", False)), tmp_path / "eager")
    for name, array in weights(run).items():
        # The compiled network may add in another order.
        np.testing.assert_allclose(weights(tmp_path / "eager")[name], array, rtol=1e-4, atol=1e-6, err_msg=name)


def test_without_hybridization_dropout_silences_the_same_units(tmp_path: Path) -> None:
    for hybridize in (True, False):
        train(changed(("model.dropout", 0.5), ("train.hybridize", hybridize)), tmp_path / str(hybridize))
    one, other = weights(tmp_path / "True"), weights(tmp_path / "False")
    for name, array in one.items():
        np.testing.assert_allclose(other[name], array, rtol=1e-4, atol=1e-6, err_msg=name)


AIDS = [
    ("train.ema", 0.9), ("train.accumulate", 2), ("train.patience", 3), ("train.clip_norm", 1.0),
    ("train.factors", ".*bias=2"), ("train.freeze", "cnn_features_conv0_"), ("task.class_weights", "balanced"),
    ("task.label_smoothing", 0.1), ("train.track", "mlflow"), ("train.log_norms", True),
]  # fmt: skip
ALTERED = [
    ("augment.crop", 0.25), ("augment.flip", True), ("augment.brightness", 0.2), ("augment.contrast", 0.2),
    ("augment.cutout", 0.25), ("augment.mixup", 0.2),
]  # fmt: skip
CNN = [("model.filters", "4,5"), ("model.units", 7), ("data.held_out", 0.9), ("train.batch_size", 16)]
CASES = {
    "mlp": ("mlp", [("model.dropout", 0.3), *SMALL]),
    "cnn": ("cnn", CNN),
    "cnn with every aid": ("cnn", [*CNN, *AIDS, *ALTERED]),
    "lstm": ("lstm", [("model.units", 5), ("model.embedding", 3), ("train.batch_size", 16), ("model.dropout", 0.3)]),
    "sgld": ("mlp", [*SMALL, ("model.dropout", 0.3), ("optimizer.name", "sgld"), ("schedule.final", 0.1)]),
}


def figures(folder: Path) -> set[str]:
    """What a tracker was told but for its clock."""
    path = folder / "metrics.csv"
    lines = path.read_text().splitlines() if path.is_file() else []
    return {",".join(line.split(",")[1:4]) for line in lines if ",time_s," not in line}


@pytest.mark.parametrize("steps", [4, 6, 11, 13])
@pytest.mark.parametrize("name", sorted(CASES))
@pytest.mark.usefixtures("few_names")
def test_a_run_killed_after_any_checkpoint_ends_bit_for_bit_like_one_never_stopped(
    name: str, steps: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, changes = CASES[name]
    every = [("train.epochs", 4), ("schedule.warmup", 0.3), ("train.checkpoint_steps", 2), ("train.log_steps", 3)]
    recipe = recipes.read(base).change([*changes, *every])
    train(recipe, tmp_path / "whole")

    class Killed(BaseException):
        pass

    saved = checkpoints.save

    def save_then_die(folder: Path, state: Any, best: bool, rows: Any) -> None:
        saved(folder, state, best, rows)
        if state.step >= steps:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "save", save_then_die)
        with pytest.raises(Killed):
            train(recipe, tmp_path / "stopped")
    resume(tmp_path / "stopped")
    for file in (runs.LAST, runs.BEST, *([runs.MEAN] if "ema" in str(changes) else [])):
        assert same(weights(tmp_path / "whole", file), weights(tmp_path / "stopped", file))
    whole, stopped = (dict(runs.load(tmp_path / folder).state) for folder in ("whole", "stopped"))
    assert whole == stopped
    told = [list(logs.read(tmp_path / folder)) for folder in ("whole", "stopped")]
    for record in (*told[0], *told[1]):
        record.pop("time_s", None)
    assert told[0] == told[1]
    assert figures(tmp_path / "whole") == figures(tmp_path / "stopped")


@pytest.mark.usefixtures("few_names")
def test_weights_are_written_when_nothing_is_computed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Frozen ones would be read while oneDNN lays them out anew, which ends the process or writes something else."""
    done: list[str] = []
    wait, commit = checkpoints.mx.nd.waitall, runs.commit
    monkeypatch.setattr(checkpoints.mx.nd, "waitall", lambda: (done.append("waited"), wait()))
    monkeypatch.setattr(runs, "commit", lambda *given: (done.append("wrote"), commit(*given)))
    base, changes = next(iter(CASES.values()))
    train(recipes.read(base).change([*changes, ("train.epochs", 1), ("train.checkpoint_steps", 1)]), tmp_path / "run")
    written = [at for at, what in enumerate(done) if what == "wrote"]
    assert len(written) > 1
    assert all(done[at - 1] == "waited" for at in written)


def test_a_run_folder_holds_what_the_plan_says(run: Path) -> None:
    assert sorted(path.name for path in run.iterdir()) == [
        "facts.json", "log.jsonl", "run.toml", "state.json", "trainer-0.states", "weights-best.params",
        "weights-last.params",
    ]  # fmt: skip
    events = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert [event["epoch"] for event in events if event["event"] == "epoch"] == [1, 2]


def test_the_best_weights_are_those_of_the_best_epoch(run: Path) -> None:
    state = runs.load(run).state
    assert evaluate(run)["accuracy"] == state["best"]


def test_several_devices_end_like_one(run: Path, tmp_path: Path) -> None:
    train(changed(("train.device", "cpu:2")), tmp_path / "two")
    for name, array in weights(run).items():
        # Sums over devices are added in another order.
        np.testing.assert_allclose(weights(tmp_path / "two")[name], array, rtol=1e-3, atol=1e-5, err_msg=name)


def test_a_run_on_several_devices_resumes(tmp_path: Path) -> None:
    train(changed(("train.device", "cpu:2")), tmp_path / "two")
    resumed = resume(tmp_path / "two", [("train.epochs", 3)])
    assert resumed.state["epoch"] == 3


def test_a_batch_larger_than_the_data_is_one_batch(tmp_path: Path) -> None:
    finished = train(changed(("train.batch_size", 1000), ("train.epochs", 1)), tmp_path / "run")
    assert finished.state["step"] == 1


def test_clipping_the_gradient_changes_the_weights(run: Path, tmp_path: Path) -> None:
    train(
        changed(("train.clip_norm", 0.01), ("optimizer.name", "sgd"), ("optimizer.learning_rate", 1.0)),
        tmp_path / "run",
    )
    free = train(changed(("optimizer.name", "sgd"), ("optimizer.learning_rate", 1.0)), tmp_path / "free")
    assert not same(weights(tmp_path / "run"), weights(free.folder))


def test_nan_loss_is_said_with_its_step_and_keeps_the_last_checkpoint(tmp_path: Path) -> None:
    recipe = changed(("optimizer.name", "sgd"), ("optimizer.learning_rate", 1e30))
    with pytest.raises(DivergedError, match=r"train: step \d+, epoch 1: cross_entropy is (nan|inf).*smaller --lr"):
        train(recipe, tmp_path / "run")
    assert not (tmp_path / "run" / "state.json").exists()
    train(changed(), tmp_path / "good")
    before = weights(tmp_path / "good")
    good = runs.load(tmp_path / "good")
    runs.amend(good, good.recipe.change([("optimizer.learning_rate", 1e30)]))
    with pytest.raises(DivergedError):
        resume(tmp_path / "good", [("train.epochs", 9)])
    assert same(before, weights(tmp_path / "good"))
    assert runs.load(tmp_path / "good").state["epoch"] == 2


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (("data.name", "diabetes"), FitError, "classify with data diabetes: samples carry value; .* task.name=regress"),
        (("data.name", "names"), FitError, "mlp with data names: samples are text; .*pass --set model.name=lstm"),
        (("task.name", "regress"), FitError, "regress with data iris: samples carry label; .* task.name=classify"),
        (("train.epochs", 0), OptionError, "train: epochs=0; expected 1 or more"),
        (("schedule.warmup", 1), OptionError, "schedule cosine: warmup=1.0; expected a share of the run"),
        (("train.device", "tpu"), OptionError, "device='tpu'; expected cpu, cpu:N or gpu:0,1"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_before_anything_is_written(
    change: tuple[str, Any], error: type[Exception], words: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=words):
        train(changed(change), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_an_out_that_exists_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(PathError, match=r"--out: .* exists; expected a new or empty folder"):
        train(changed(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_runs_without_out_are_numbered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert [str(train(changed(("train.epochs", 1))).folder) for _ in range(2)] == ["runs/mlp", "runs/mlp-2"]


def test_resuming_refuses_what_it_cannot_keep(run: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"has finished its 2 epochs.*pass --epochs 12"):
        resume(run)
    with pytest.raises(RequestError, match=r"--resume: optimizer.learning_rate=0.1; expected changes of train.epochs"):
        resume(run, [("optimizer.learning_rate", 0.1)])
    with pytest.raises(RequestError, match=r"recipe cnn with model cnn; expected model mlp"):
        resume(run, [], recipes.read("cnn"))
    with pytest.raises(PathError, match=r"no such folder"):
        resume(tmp_path / "nowhere")
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    (copy / "state.json").unlink()
    with pytest.raises(PathError, match=r"has no checkpoint"):
        resume(copy)


def test_resuming_refuses_altered_states_and_other_data(run: Path, tmp_path: Path) -> None:
    altered = tmp_path / "altered"
    shutil.copytree(run, altered)
    states = altered / "trainer-0.states"
    states.write_bytes(states.read_bytes()[:-1] + b"?")
    with pytest.raises(AlteredError, match=r"trainer-0.states: its checksum differs"):
        resume(altered, [("train.epochs", 3)])
    other = tmp_path / "other"
    shutil.copytree(run, other)
    facts = documents.read(other / "facts.json", 1)
    documents.write(other / "facts.json", {**facts, "labels": ["tulip", *facts["labels"][1:]]})
    with pytest.raises(FitError, match=r"data iris is not what the run was trained on"):
        resume(other, [("train.epochs", 3)])


def test_data_without_samples_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load = assembly.load_data

    def emptied(*arguments: Any) -> Any:
        data = load(*arguments)
        return type(data)(
            data.facts, data.train, type(data.held_out)(data.held_out.inputs[:0], data.held_out.targets[:0])
        )

    monkeypatch.setattr(preparation, "load_data", emptied)
    with pytest.raises(FitError, match=r"data iris: no samples in the held-out part"):
        train(changed(), tmp_path / "run")
