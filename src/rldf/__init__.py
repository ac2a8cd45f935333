"""rldf: one picture in, its words and new pictures out.

```python
import rldf

run = rldf.search("photo.jpg", budget=48)
run.sentence, run.score, run.folder
```

Names are loaded when they are first used, so `import rldf` takes milliseconds. Where Gymnasium was imported before,
`rldf/ImageSearch-v0` is registered with it; else `rldf.register_envs()` does that.
"""

import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rldf.contracts import (
        Agent,
        Feedback,
        ImageGenerator,
        Perception,
        Proposal,
        Reward,
        Searcher,
        Target,
    )
    from rldf.envs import register_envs
    from rldf.errors import RldfError
    from rldf.feedback import DiffusionFeedback
    from rldf.grammar import Grammar, list_grammars, load_grammar
    from rldf.jobs.api import encode, generate, resume, search
    from rldf.jobs.environment import make_environment
    from rldf.presets.config import SearchConfig
    from rldf.presets.loading import load_preset
    from rldf.records import Percept, RunRecord, StepRecord, read_run
    from rldf.space import Axis, Encoding, EncodingSpace

__version__ = "0.1.0"

_HOMES = {
    "Agent": "rldf.contracts",
    "Axis": "rldf.space",
    "DiffusionFeedback": "rldf.feedback",
    "Encoding": "rldf.space",
    "EncodingSpace": "rldf.space",
    "Feedback": "rldf.contracts",
    "Grammar": "rldf.grammar",
    "ImageGenerator": "rldf.contracts",
    "Percept": "rldf.records",
    "Perception": "rldf.contracts",
    "Proposal": "rldf.contracts",
    "Reward": "rldf.contracts",
    "RldfError": "rldf.errors",
    "RunRecord": "rldf.records",
    "SearchConfig": "rldf.presets.config",
    "Searcher": "rldf.contracts",
    "StepRecord": "rldf.records",
    "Target": "rldf.contracts",
    "encode": "rldf.jobs.api",
    "generate": "rldf.jobs.api",
    "list_grammars": "rldf.grammar",
    "load_grammar": "rldf.grammar",
    "load_preset": "rldf.presets.loading",
    "make_environment": "rldf.jobs.environment",
    "read_run": "rldf.records",
    "register_envs": "rldf.envs",
    "resume": "rldf.jobs.api",
    "search": "rldf.jobs.api",
}
"""Public name: the module that defines it."""

__all__ = [
    "Agent",
    "Axis",
    "DiffusionFeedback",
    "Encoding",
    "EncodingSpace",
    "Feedback",
    "Grammar",
    "ImageGenerator",
    "Percept",
    "Perception",
    "Proposal",
    "Reward",
    "RldfError",
    "RunRecord",
    "SearchConfig",
    "Searcher",
    "StepRecord",
    "Target",
    "__version__",
    "encode",
    "generate",
    "list_grammars",
    "load_grammar",
    "load_preset",
    "make_environment",
    "read_run",
    "register_envs",
    "resume",
    "search",
]


def __getattr__(name: str) -> object:
    """Loads a public name when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module 'rldf' has no attribute {name!r}; its names are: {', '.join(__all__)}")
    if name == "search":  # the package, which can be called: the same before and after its first import
        return import_module("rldf.search")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)


class _SearchPackage(ModuleType):
    """The package `rldf.search`, which is also the function of that name: `rldf.search("photo.jpg")`."""

    def __call__(self, *args: object, **settings: object) -> object:
        return self.__wrapped__(*args, **settings)

    @property
    def __wrapped__(self) -> Callable[..., object]:
        """The function; `help` and `inspect.signature` look here."""
        function: Callable[..., object] = import_module("rldf.jobs.api").search
        return function


class _Root(ModuleType):
    """This package; importing `rldf.search` binds the package here, and it stays callable."""

    def __setattr__(self, name: str, value: object) -> None:
        if name == "search" and isinstance(value, ModuleType):
            value.__class__ = _SearchPackage
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Root

if "gymnasium" in sys.modules:  # gymnasium.make("rldf/ImageSearch-v0") then works at once
    import_module("rldf.envs.gymnasium_ids")
