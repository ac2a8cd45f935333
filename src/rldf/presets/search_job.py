"""Settings in, the job of one search out: its limits and the rule that chooses what was found."""

from rldf.errors import ConfigError
from rldf.presets.config import SearchConfig
from rldf.search import Budget, InputPicture, SearchJob, SelectionRule


def budget_of(config: SearchConfig) -> Budget:
    """Makes the hard limits of a search, lowered to what its cost limit allows."""
    limits = config.budget
    budget = Budget(
        max_renders=limits.max_renders,
        max_seconds=limits.max_seconds if limits.max_seconds > 0 else None,
        max_steps=limits.max_steps if limits.max_steps > 0 else None,
    )
    if limits.max_cost_usd <= 0:
        return budget
    if config.model.picture_cost_usd <= 0:
        raise ConfigError(
            f"budget.max_cost_usd is {limits.max_cost_usd} but model.picture_cost_usd is "
            f"{config.model.picture_cost_usd}; a cost limit needs the price of a picture. Give it with --config."
        )
    return budget.within_cost(
        max_cost_usd=limits.max_cost_usd,
        picture_cost_usd=config.model.picture_cost_usd,
        other_pictures=2 * config.result.num_test_seeds + config.result.num_new,
    )


def job_of(config: SearchConfig, inputs: tuple[InputPicture, ...]) -> SearchJob:
    """Makes the job of one search as the settings ask for it."""
    return SearchJob(
        inputs=inputs,
        seed=config.seed,
        budget=budget_of(config),
        batch_size=config.search.batch_size,
        start=config.search.start,
        start_terms=config.search.start_terms,
        misread=config.search.misread,
        num_test_seeds=config.result.num_test_seeds,
        num_new=config.result.num_new,
        rule=SelectionRule(
            min_gain=config.result.min_gain,
            num_errors=config.result.num_errors,
            prior_deviation=config.result.prior_deviation,
        ),
    )
