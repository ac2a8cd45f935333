"""The README's program and the examples run."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
PICTURES = sorted((ROOT / "examples").glob("*.png"))
MAX_LINES = 60


SHORT = """\
from rldf.presets.config import ResultConfig, SearchConfig

SHORT = SearchConfig(result=ResultConfig(num_test_seeds=2, num_new=1))
"""


def run_program(text: str, *, folder: Path) -> str:
    """Runs a program in a folder of its own, its searches cut short, and returns what it printed."""
    program = folder / "program.py"
    program.write_text(SHORT + re.sub(r"budget=\d+", "budget=3, config=SHORT", text), encoding="utf-8")
    for picture in PICTURES:
        shutil.copy(picture, folder)
    ran = subprocess.run([sys.executable, program], cwd=folder, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_readme__program_runs_as_it_is_but_for_the_budget(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", readme, flags=re.DOTALL)
    assert len(blocks) == 1
    assert len(blocks[0].splitlines()) <= 12
    printed = run_program(blocks[0].replace("examples/", ""), folder=tmp_path)
    assert printed.startswith("a photo of ")
    assert "new picture:" in printed


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example__is_short_and_runs(example: Path, tmp_path: Path) -> None:
    text = example.read_text(encoding="utf-8")
    assert len(text.splitlines()) < MAX_LINES
    assert run_program(text, folder=tmp_path).strip()


def test_examples__hold_at_least_three_pictures() -> None:
    assert len(PICTURES) >= 3


def test_readme__names_commands_that_exist() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^make (\w+)", readme, flags=re.MULTILINE))
    assert targets == {"demo", "test"}
    assert all(re.search(rf"^{target}:", makefile, flags=re.MULTILINE) for target in targets)
