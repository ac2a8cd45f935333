"""The settings a clone is drawn with, wherever it is drawn: batches whole, paths absolute."""

from dataclasses import replace
from pathlib import Path

from rldf.grammar import list_grammars
from rldf.presets.config import ModelConfig, SearchConfig
from rldf.presets.generators import kind_of


def drawing_settings(config: SearchConfig, *, batch_size: int) -> SearchConfig:
    """Makes the settings of a clone of those it was planned with.

    Args:
        config: as they were given.
        batch_size: pictures drawn together.

    Returns:
        The plan's batches whole, and no render cache, which is not for so much. Models, grammar and key file that are
        files or folders here are named by their absolute paths, so that a run from another folder finds them.
    """
    perception, judge, grammar = config.perception, config.judge, config.grammar
    return replace(
        config,
        model=replace(_with_paths(config.model), use_cache=False, max_batch_size=batch_size, use_fixed_batches=True),
        perception=replace(perception, id=_placed(perception.id), detector=_placed(perception.detector)),
        judge=replace(judge, id=_placed(judge.id), detector=_placed(judge.detector)),
        grammar=grammar if grammar.name in list_grammars() else replace(grammar, name=_placed(grammar.name)),
    )


def _with_paths(model: ModelConfig) -> ModelConfig:
    return replace(
        model,
        id=_placed(model.id) if kind_of(model) == "diffusers" else model.id,
        autoencoder=_placed(model.autoencoder),
        adapter=model.adapter if model.adapter == "none" else _placed(model.adapter),
        key_file=_placed(model.key_file),
    )


def _placed(name: str) -> str:
    """The absolute path of what is a file or a folder here; all else, such as a hub id, stays."""
    path = Path(name).expanduser()
    return str(path.resolve()) if name != "" and path.exists() else name
