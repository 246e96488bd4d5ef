"""The command's group: every file of a command is in it, and is read when it is asked for."""

from __future__ import annotations

from pathlib import Path

import gluon_ref_cli
import pytest
from gluon_ref_cli.main import COMMANDS, main

from .children import alone
from .conftest import Call

FILES = sorted(path.stem for path in Path(gluon_ref_cli.__file__).parent.glob("*.py"))
SHARED = ("__init__", "main", "values")


def test_every_file_of_a_command_is_in_the_group() -> None:
    assert sorted(name.replace("-", "_") for name in COMMANDS) == [name for name in FILES if name not in SHARED]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_called_as_the_group_calls_it(name: str) -> None:
    assert main.commands[name].name == name


def test_help_names_each_command_with_a_sentence(call: Call) -> None:
    lines = call("--help").stdout.partition("Commands:\n")[2].splitlines()
    assert [line.split()[0] for line in lines] == sorted(COMMANDS)
    assert all(len(line.split()) > 3 for line in lines)


def test_help_imports_the_commands_and_nothing_that_they_stand_on() -> None:
    found = alone("--help").modules
    assert {f"gluon_ref_cli.{name.replace('-', '_')}" for name in COMMANDS} <= found
    assert not {"gluon_ref.catalog", "gluon_ref.recipe", "gluon_ref.backend", "mxnet", "numpy", "sklearn"} & found


def test_a_command_imports_no_other() -> None:
    found = {name for name in alone("inspect", "--help").modules if name.startswith("gluon_ref_cli.")}
    assert found == {"gluon_ref_cli.main", "gluon_ref_cli.values", "gluon_ref_cli.inspect"}


def test_an_unknown_command_is_refused(call: Call) -> None:
    result = call("evalute")
    assert result.exit_code == 2
    assert "No such command 'evalute'" in result.stderr
