"""What importing costs: counted in modules, which does not depend on how busy the machine is."""

import subprocess
import sys

import pytest

HEAVY = {"numpy", "torch", "diffusers", "transformers", "gymnasium", "nltk", "PIL", "jaxtyping", "pandas"}


def loaded_by(statement: str) -> set[str]:
    code = f"import sys; before = set(sys.modules); {statement}; print(*sorted(set(sys.modules) - before))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(ran.stdout.split())


def test_import_rldf__loads_nothing_heavy() -> None:
    loaded = loaded_by("import rldf")
    assert not loaded & HEAVY
    assert len(loaded) <= 40


def test_import_of_the_command_line__loads_nothing_heavy() -> None:
    assert not loaded_by("import rldf.cli.main") & HEAVY


@pytest.mark.parametrize("module", ["space", "records", "grammar", "contracts", "feedback"])
def test_import_of_the_language__loads_no_torch(module: str) -> None:
    assert not loaded_by(f"import rldf.{module}") & {"torch", "diffusers", "transformers", "gymnasium", "PIL"}
