"""Parts from outside: installed packages name them by entry points of the group `rldf.parts`.

A package adds a searcher, a reward or a perception with one line of its own `pyproject.toml`:

```toml
[project.entry-points."rldf.parts"]
"searcher.annealing" = "my_package.annealing:AnnealingSearcher"
```

and settings name it as `search.searcher = "plugin:annealing"`. A searcher is called with `space`, `start` and `seed`; a
reward and a perception with `space`. Nothing is loaded unless a setting names it.
"""

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any, Literal

from rldf.errors import ConfigError, did_you_mean

GROUP = "rldf.parts"
PREFIX = "plugin:"
PartKind = Literal["searcher", "reward", "perception"]


def find_part(kind: PartKind, name: str) -> Callable[..., Any]:
    """Loads a part that an installed package names.

    Args:
        kind: what it is.
        name: how settings name it, such as "plugin:annealing".

    Returns:
        What makes the part.

    Raises:
        ConfigError: if no installed package names such a part, or it cannot be loaded.
    """
    plain = name.removeprefix(PREFIX)
    found = {entry.name.removeprefix(f"{kind}."): entry for entry in entry_points(group=GROUP) if _is(kind, entry.name)}
    if plain not in found:
        raise ConfigError(
            f"there is no {kind} '{name}'. Installed packages offer: {', '.join(sorted(found)) or 'none'}; they are "
            f"named by entry points of the group '{GROUP}'.{did_you_mean(plain, found)} Install its package."
        )
    try:
        make: Callable[..., Any] = found[plain].load()
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"the {kind} '{name}' cannot be loaded from {found[plain].value}: {error}. Install its package again."
        ) from error
    return make


def _is(kind: PartKind, name: str) -> bool:
    return name.startswith(f"{kind}.")
