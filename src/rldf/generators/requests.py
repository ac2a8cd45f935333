"""What is asked of a generator, checked where it enters."""

from collections.abc import Sequence

from rldf.errors import GenerationError
from rldf.records.percept import Prompt
from rldf.seeding import MAX_SEED


def check_request(prompts: Sequence[Prompt], *, seeds: Sequence[int]) -> None:
    """Refuses what no generator can draw.

    Args:
        prompts: what to draw.
        seeds: one per prompt, 0 to 2**63 - 1.

    Raises:
        GenerationError: if the numbers differ, or a seed is out of range.
    """
    if len(prompts) != len(seeds):
        raise GenerationError(
            f"there are {len(prompts)} prompts and {len(seeds)} seeds; each picture needs one of both. "
            "Give as many seeds as prompts."
        )
    for seed in seeds:
        if not 0 <= seed <= MAX_SEED:
            raise GenerationError(f"the seed {seed} is out of range; seeds go from 0 to 2**63 - 1. Give another.")
