"""Errors in one line, exit statuses, and nothing but results on stdout."""

import os
import shlex
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from rldf.cli.main import commands
from rldf.cli.manners import explain, fail, print_json, say, well_behaved
from rldf.cli.options import read_pairs
from rldf.errors import ConfigError


def app_that(action: str) -> typer.Typer:
    """An app with two commands, one of which does what the action says."""
    app = typer.Typer(pretty_exceptions_enable=False)

    @app.command()
    def other() -> None:
        """Does nothing."""

    @app.command()
    @well_behaved
    def act(*, debug: bool = False) -> None:
        """Acts."""
        del debug
        match action:
            case "config":
                raise ConfigError("the setting x is 3;\nit must be 2. Change it.")
            case "interrupt":
                raise KeyboardInterrupt("interrupted; 'runs/a' keeps it. Go on with: rldf runs resume runs/a")
            case "file":
                raise PermissionError(13, "Permission denied", "/locked")
            case "memory":
                raise MemoryError
            case "bug":
                raise ZeroDivisionError("a bug")

    return app


@pytest.mark.parametrize(
    ("action", "status", "message"),
    [
        ("config", 1, "error: the setting x is 3; it must be 2. Change it.\n"),
        ("interrupt", 130, "error: interrupted; 'runs/a' keeps it. Go on with: rldf runs resume runs/a\n"),
        ("file", 1, "error: '/locked': Permission denied. Check that the path exists and may be read or written.\n"),
        ("memory", 1, "error: there is not enough memory. Give --low-memory, or a smaller model or budget.\n"),
    ],
)
def test_error__is_one_line_on_stderr_with_its_status(action: str, status: int, message: str) -> None:
    result = CliRunner().invoke(app_that(action), ["act"])
    assert (result.exit_code, result.stderr, result.stdout) == (status, message, "")


def test_error__with_debug_shows_the_traceback() -> None:
    result = CliRunner().invoke(app_that("config"), ["act", "--debug"])
    assert result.exit_code == 1
    assert "Traceback" in result.stderr
    assert "ConfigError" in result.stderr


def test_bug__is_not_hidden() -> None:
    result = CliRunner().invoke(app_that("bug"), ["act"])
    assert isinstance(result.exception, ZeroDivisionError)


def test_fail__ends_with_the_given_status(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended:
        fail("a\n  b", status=2)
    assert ended.value.exit_code == 2
    assert capsys.readouterr().err == "error: a b\n"


def test_explain__keeps_the_words_of_our_own_errors() -> None:
    assert explain(ConfigError("exactly this")) == "exactly this"


def test_print_json__refuses_numbers_that_are_none() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        print_json({"score": float("nan")})


def test_say__writes_to_stderr_only(capsys: pytest.CaptureFixture[str]) -> None:
    say("hello")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "hello\n")


def test_read_pairs__reads_the_last_of_each_name() -> None:
    assert read_pairs(["a=1", " b = x=y ", "a=2"], option="--set") == {"a": "2", "b": "x=y"}
    assert read_pairs(None, option="--set") == {}


@pytest.mark.parametrize("pair", ["scene", "=park", "scene=", ""])
def test_read_pairs__refuses_what_is_no_pair(pair: str) -> None:
    with pytest.raises(
        typer.BadParameter, match=r"--lock is '.*'; it has the form name=value, such as --lock count=two"
    ):
        read_pairs([pair], option="--lock")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["serch"], "No such command 'serch'. Did you mean 'search'"),
        (["search"], "Missing argument 'IMAGE"),
        (["search", "a.png", "--budget", "0"], "'--budget'"),
        (["search", "a.png", "--start", "warm"], "'--start'"),
        (["world", "draw", "--out", "a.png", "--seed", "-1"], "'--seed'"),
        (["world", "draw", "--out", "a.png", "--set", "scene"], "--set is 'scene'; it has the form name=value"),
        (["world", "draw", "--out", "a.jpg"], "pictures are written as PNG"),
        (["runs", "show"], "Missing argument 'RUN'"),
        (["doctor", "--nonsense"], "No such option: --nonsense"),
    ],
)
def test_wrong_usage__has_status_2_and_says_what_is_wrong(arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(commands, arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("arguments", [["--help"], ["search", "--help"], ["runs", "-h"]])
def test_help__has_an_example_and_status_0(arguments: list[str]) -> None:
    result = CliRunner().invoke(commands, arguments)
    assert result.exit_code == 0
    assert "Usage: " in result.stdout


def test_program__passes_its_exit_status_to_the_shell() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "rldf.cli.main", "presets", "show", "nonsense", "--json"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "80"},
    )
    assert ran.returncode == 1
    assert ran.stdout == ""
    assert ran.stderr.startswith("error: there is no preset 'nonsense'.")
    assert ran.stderr.count("\n") == 1


def test_clone__without_its_extra__names_what_to_install() -> None:
    program = "import sys; sys.modules['pyarrow'] = None; from rldf.cli.main import app; app()"
    ran = subprocess.run(
        [sys.executable, "-c", program, "clone", "status", "nowhere"], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 1
    assert ran.stderr.startswith("error: data sets need the package 'pyarrow'")
    assert "pip install 'rldf[datasets]'" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


def test_module__is_the_command() -> None:
    ran = subprocess.run([sys.executable, "-m", "rldf", "--help"], capture_output=True, text=True, check=False)
    assert ran.returncode == 0
    assert "Usage: " in ran.stdout


def test_output_nobody_reads_any_more__ends_without_a_word() -> None:
    command = f"{shlex.quote(sys.executable)} -m rldf grammar show full | true"
    result = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=True, timeout=120)
    assert result.stderr == ""
