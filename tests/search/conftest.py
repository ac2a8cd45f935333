"""The tiny world of these tests, also run as a program of its own by the test that kills it."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

PATH = Path(__file__).parent / "tiny_world.py"
NAME = "tests.search.tiny_world"


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location(NAME, PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[NAME] = module
    spec.loader.exec_module(module)
    return module


if NAME not in sys.modules:
    _load()
