"""Makes the environment known to Gymnasium as `rldf/ImageSearch-v0`.

Gymnasium 1.0 and later load no plugins by themselves. `import rldf` registers the environment where Gymnasium was
imported before; in any other order one line comes before `gymnasium.make`:

```python
import rldf
import gymnasium
rldf.register_envs()
environment = gymnasium.make("rldf/ImageSearch-v0", image="photo.jpg")
```

`gymnasium.make("rldf.envs.gymnasium_ids:rldf/ImageSearch-v0", image="photo.jpg")` does both at once.
"""

from collections.abc import Mapping
from pathlib import Path
from pkgutil import resolve_name

import gymnasium

from rldf.contracts import Feedback
from rldf.envs.semantic_gridworld import SemanticGridworld
from rldf.envs.vector_gridworld import VectorSemanticGridworld
from rldf.errors import ConfigError
from rldf.space import Encoding, EncodingSpace

ENV_ID = "rldf/ImageSearch-v0"
MAX_EPISODE_STEPS = 200  # our choice; gymnasium.make(..., max_episode_steps=) overrides it
PRESET = "rldf.jobs.environment:make_environment"
"""Builds the environment from an image; named by a string, since presets stand above this package."""


def register_envs() -> None:
    """Registers `rldf/ImageSearch-v0`; doing so again changes nothing."""
    if ENV_ID not in gymnasium.registry:
        gymnasium.register(
            ENV_ID,
            entry_point="rldf.envs.registration:make_image_search",
            vector_entry_point="rldf.envs.registration:make_vector_image_search",
            max_episode_steps=MAX_EPISODE_STEPS,
        )


def make_image_search(
    image: str | Path | None = None,
    *,
    feedback: Feedback | None = None,
    space: EncodingSpace | None = None,
    target: Encoding | Mapping[str, str] | None = None,
    start: Encoding | None = None,
    model: str = "embedded",
    seed: int = 0,
    continue_after_goal: bool = False,
    render_mode: str | None = None,
) -> SemanticGridworld:
    """Builds the environment, from all three of feedback, space and target or from an image.

    Args:
        image: path of the picture to search; None takes an example of the preset.
        feedback: draws and rewards; with `space` and `target` it takes the place of image and model.
        space: the grid.
        target: where an episode ends; an encoding, or axis id -> term.
        start: where every episode starts; None draws one.
        model: image model of the preset.
        seed: render seed, 0 or larger.
        continue_after_goal: True lets an episode go on at the target.
        render_mode: "rgb_array" or None.

    Returns:
        The environment; its steps are limited by Gymnasium's `TimeLimit`.
    """
    if feedback is None and space is None and target is None:
        make_environment = resolve_name(PRESET)
        built = make_environment(
            image,
            model=model,
            seed=seed,
            start=start,
            continue_after_goal=continue_after_goal,
            render_mode=render_mode,
        )
        assert isinstance(built, SemanticGridworld)
        return built
    parts = _require_parts(feedback=feedback, space=space, target=target)
    return SemanticGridworld(
        feedback=parts[0],
        space=parts[1],
        target=parts[2],
        start=start,
        render_seed=seed,
        continue_after_goal=continue_after_goal,
        render_mode=render_mode,
    )


def make_vector_image_search(
    image: str | Path | None = None,
    *,
    num_envs: int,
    max_episode_steps: int = MAX_EPISODE_STEPS,
    feedback: Feedback | None = None,
    space: EncodingSpace | None = None,
    target: Encoding | Mapping[str, str] | None = None,
    start: Encoding | None = None,
    model: str = "embedded",
    seed: int = 0,
    continue_after_goal: bool = False,
    render_mode: str | None = None,
) -> VectorSemanticGridworld:
    """Builds many walks that share one feedback; the native form of `gymnasium.make_vec`.

    Args:
        image: path of the picture to search; None takes an example of the preset.
        num_envs: number of walks, at least 1.
        max_episode_steps: steps after which an episode is cut.
        feedback: draws and rewards; with `space` and `target` it takes the place of image and model.
        space: the grid.
        target: where an episode ends; an encoding, or axis id -> term.
        start: where every episode starts; None draws one.
        model: image model of the preset.
        seed: render seed, 0 or larger.
        continue_after_goal: True lets an episode go on at the target.
        render_mode: "rgb_array" or None.

    Returns:
        The environments as one.
    """
    single = make_image_search(image, feedback=feedback, space=space, target=target, model=model, seed=seed)
    return VectorSemanticGridworld(
        num_envs=num_envs,
        feedback=single.feedback,
        space=single.rules.space,
        target=single.rules.target,
        start=start,
        render_seed=seed,
        continue_after_goal=continue_after_goal,
        max_episode_steps=max_episode_steps,
        render_mode=render_mode,
    )


def _require_parts(
    *, feedback: Feedback | None, space: EncodingSpace | None, target: Encoding | Mapping[str, str] | None
) -> tuple[Feedback, EncodingSpace, Encoding]:
    if feedback is None or space is None or target is None:
        parts = {"feedback": feedback, "space": space, "target": target}
        missing = [name for name, part in parts.items() if part is None]
        raise ConfigError(
            f"the environment lacks {', '.join(missing)}; it is built from feedback, space and target together, "
            "or, without any of them, from an image. Give all three or none."
        )
    return feedback, space, target if isinstance(target, Encoding) else space.encode(target)
