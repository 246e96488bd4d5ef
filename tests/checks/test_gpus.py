from __future__ import annotations

from pathlib import Path

import pytest

from gluon_ref.checks import gpus
from gluon_ref.checks.children import Ended

from .conftest import bad, failed

Patch = pytest.MonkeyPatch
CPU, GPU = {"CUDA": False}, {"CUDA": True}
SEEN = {"count": 1}


@pytest.fixture(autouse=True)
def none(monkeypatch: Patch, tmp_path: Path) -> None:
    """A machine without GPUs, with the wheel for CPUs."""
    monkeypatch.setattr(gpus, "PROC", str(tmp_path / "proc"))
    monkeypatch.setattr(gpus, "carrier", lambda name: "mxnet")


def said(*rows: str) -> Ended:
    return Ended("".join(row + "\n" for row in rows), "", 0)


@pytest.mark.parametrize(
    ("capability", "works"),
    [
        *[(one, True) for one in [(5, 0), (5, 2), (6, 1), (7, 5), (8, 0), (8, 9)]],
        *[(one, False) for one in [(3, 5), (9, 0), (10, 0), (12, 0)]],
    ],
)
def test_the_wheels_have_code_for_maxwell_to_ada(capability: tuple[int, int], works: bool) -> None:
    assert gpus.usable(capability) is works


def test_no_gpu_is_well(monkeypatch: Patch) -> None:
    (one,) = gpus.check(None, CPU, None)
    assert (one.state, one.found) == ("ok", "none from NVIDIA; training runs on the CPU")


@pytest.mark.parametrize("features", [GPU, {}])
def test_the_wheel_for_gpus_without_one_is_told(monkeypatch: Patch, features: dict[str, bool]) -> None:
    monkeypatch.setattr(gpus, "carrier", lambda name: "mxnet-cu117")
    (one,) = gpus.check(None, features, None)
    assert (one.state, one.found) == ("warning", "none from NVIDIA")
    assert one.command.endswith(" -m pip install --no-deps mxnet==1.9.1")


def test_a_gpu_that_mxnet_computes_on_is_well() -> None:
    first, second = gpus.check(said("Tesla T4, 7.5, 535.161.08"), GPU, SEEN)
    assert not bad([first, second])
    assert (first.name, first.found) == ("gpu 0", "Tesla T4, compute capability 7.5, driver 535.161.08")
    assert second.found == "MXNet sees 1 and computes on the first"


@pytest.mark.parametrize("features", [CPU, GPU, {}])
def test_a_gpu_that_is_too_new_is_told(features: dict[str, bool]) -> None:
    (one,) = gpus.check(said("NVIDIA H100 80GB HBM3, 9.0, 535.161.08"), features, None)
    assert one.state == "warning"
    assert "code for compute capability 5.0 to 8.9 (Maxwell to Ada) only" in one.why
    assert one.command == "gluonref train RECIPE --device cpu"


def test_a_driver_that_is_too_old_is_told() -> None:
    first, _ = gpus.check(said("Tesla V100, 7.0, 418.87.00"), GPU, SEEN)
    assert first.why == "the CUDA 11 in the wheels needs driver 450.80 or later"
    assert first.command == "install a newer driver from https://www.nvidia.com/drivers"


@pytest.mark.parametrize("features", [CPU, {}])
def test_the_wheel_for_cpus_beside_a_gpu_is_told_with_the_other(features: dict[str, bool]) -> None:
    (one,) = gpus.check(said("Tesla T4, 7.5, 535.161.08"), features, None)
    assert (one.state, one.why) == ("warning", "the installed MXNet is built for the CPU and leaves this GPU idle")
    assert " -m pip install --no-deps mxnet-cu117==1.9.1 " in one.command


COMPUTING = [
    (failed("no kernel image is available", "MXNetError"), "MXNetError: no kernel image is available", "nvidia-smi"),
    (None, "MXNet was not asked", "nvidia-smi"),
    ({"count": 0}, "MXNet sees no GPU", "unset CUDA_VISIBLE_DEVICES; nvidia-smi"),
]


@pytest.mark.parametrize(("stage", "told", "command"), COMPUTING)
def test_a_gpu_that_mxnet_does_not_compute_on_is_told(stage: dict | None, told: str, command: str) -> None:
    _, one = gpus.check(said("Tesla T4, 7.5, 535.161.08"), GPU, stage)
    assert (one.name, one.state, one.found, one.command) == ("computing", "warning", told, command)


SILENT = [
    (Ended("NVIDIA-SMI has failed because it couldn't communicate\n", "", 9), "nvidia-smi: NVIDIA-SMI has failed"),
    (Ended('Field "compute_cap" is not a valid field to query.\n', "", 2), 'nvidia-smi: Field "compute_cap" is not'),
    (Ended("", "Permission denied", 127), "nvidia-smi: Permission denied"),
    (Ended("\n", "", 0), "nvidia-smi: no GPU"),
    (Ended("", "", None), "nvidia-smi did not answer and was ended"),
]


@pytest.mark.parametrize(("ended", "told"), SILENT)
def test_a_tool_that_gives_no_answer_is_told(ended: Ended, told: str) -> None:
    (one,) = gpus.check(ended, CPU, None)
    assert one.state == "warning"
    assert one.found.startswith(told)
    assert (one.why, one.command) == ("whether MXNet has code for these GPUs is not known", "nvidia-smi")


def test_without_the_tool_the_driver_is_read(tmp_path: Path) -> None:
    for place, text in [("0000:01", "Model: \t\t NVIDIA A100-SXM4-40GB\nIRQ: 5\n"), ("0000:02", "IRQ: 5\n")]:
        (tmp_path / "proc" / "gpus" / place).mkdir(parents=True)
        (tmp_path / "proc" / "gpus" / place / "information").write_text(text)
    first, second = gpus.check(None, CPU, None)
    assert (first.name, first.found, second.found) == ("gpu 0", "NVIDIA A100-SXM4-40GB", "0000:02")
    assert first.why.startswith("nvidia-smi is missing, so it is not known whether MXNet has code for it")
    assert first.command == "install the package nvidia-utils of your driver's version"


def test_the_tool_is_called_where_it_is(monkeypatch: Patch) -> None:
    monkeypatch.setattr(gpus.shutil, "which", lambda name: f"/bin/{name}")
    assert gpus.command()[0] == "/bin/nvidia-smi"
    monkeypatch.setattr(gpus.shutil, "which", lambda name: None)
    assert gpus.command() == ()
