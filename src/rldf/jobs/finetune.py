"""The fine-tuning jobs as functions: run, resume, check, evaluate; the command line only parses and prints."""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from rldf.errors import ConfigError, RecordError
from rldf.finetuning.advantages import require_finite_settings
from rldf.finetuning.attacks import attack_reward, draw_honest, require_two_prompts
from rldf.finetuning.checkpoints import epoch_of, read_checkpoint
from rldf.finetuning.judging import JudgeSettings, choose_prompts, judge_policy
from rldf.finetuning.networks import read_weights
from rldf.finetuning.preflight import Finding, check_policy
from rldf.finetuning.processes import Processes
from rldf.finetuning.session import (
    FinetuneEvent,
    FinetuneFinished,
    FinetuneSession,
    begin_folder,
    last_checkpoint,
    read_finetune_run,
)
from rldf.finetuning.trainer import Trainer
from rldf.finetuning.watching import HEALTHY_FILE, HEALTHY_FOLDER, Watch
from rldf.grammar import load_grammar
from rldf.hub import Announce, say_nothing
from rldf.presets.finetune_build import (
    FinetuneParts,
    build_finetune_parts,
    build_processes,
    build_prompts,
    build_trainer,
)
from rldf.presets.finetune_config import FinetuneConfig, finetune_from_dict
from rldf.records import RunStore, read_json, utc_now, versions
from rldf.records.durable_files import write_file

EVALUATION_FILE = "evaluation.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class FinetunePlan:
    """What a run would do, in numbers.

    Attributes:
        epochs: of the run.
        queries: pictures that are drawn and scored.
        updates: of the weights; of RWR-sparse, at most so many.
        denoiser_evaluations: to draw and to train, those of the base model for train.kl_weight included; a guided one
            counts two. At most so many where train.min_std_share leaves steps out: the noise is the model's to tell.
        sample_pictures: on sheets of the fixed prompts.
    """

    epochs: int
    queries: int
    updates: int
    denoiser_evaluations: int
    sample_pictures: int


def plan_finetune(config: FinetuneConfig) -> FinetunePlan:
    """Counts what a run would do, without loading anything.

    Args:
        config: the settings.

    Returns:
        The plan.

    Raises:
        ConfigError: if the budget is smaller than one epoch, patience has no second reward, or a group one picture.
    """
    train, sampler = config.train, config.sampler
    require_finite_settings(config.advantage, pictures_per_prompt=train.pictures_per_prompt, method=train.method)
    if config.run.patience > 0 and config.reward.second == "":
        raise ConfigError(
            f"run.patience is {config.run.patience} and reward.second is empty; only a second reward can tell that the "
            "first is over-optimised. Set reward.second, or run.patience to 0."
        )
    epochs = config.run.max_queries // train.samples_per_epoch
    if epochs < 1:
        raise ConfigError(
            f"run.max_queries is {config.run.max_queries} and one epoch asks {train.samples_per_epoch}; the budget "
            "must hold at least one epoch. Raise --budget, or lower train.samples_per_epoch."
        )
    queries = epochs * train.samples_per_epoch
    passes = 2 if sampler.guidance_scale > 1 else 1
    trained_steps = max(1, int(train.timestep_share * sampler.num_steps)) if train.is_ddpo else 1
    every = config.run.sample_every
    sheets = 0 if every == 0 else 1 + len({*range(every, epochs + 1, every), epochs})
    base_passes = 1 if train.kl_weight > 0 else 0  # without gradients, to compare with
    per_picture = sampler.num_steps + train.num_passes * trained_steps * (1 + base_passes)
    return FinetunePlan(
        epochs=epochs,
        queries=queries,
        updates=epochs * train.num_passes * (train.samples_per_epoch // train.update_batch_size),
        denoiser_evaluations=passes * (queries * per_picture + sheets * config.run.num_samples * sampler.num_steps),
        sample_pictures=sheets * config.run.num_samples,
    )


def plan_resume(folder: Path) -> tuple[FinetunePlan, int]:
    """Counts what an interrupted run does in all, and its epochs that are kept, without loading anything."""
    _, config = _read_interrupted(folder)
    checkpoint = last_checkpoint(folder)
    return plan_finetune(config), 0 if checkpoint is None else epoch_of(checkpoint)


def num_launched() -> int:
    """How many processes a launcher such as `accelerate launch` started; 1 without one."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def run_finetune(
    config: FinetuneConfig, *, out: Path, force: bool, command: str, announce: Announce
) -> Iterator[FinetuneEvent]:
    """Fine-tunes from the beginning.

    Args:
        config: the settings.
        out: the run folder.
        force: True to remove an older run that lies there.
        command: how it was asked for.
        announce: is given one line before anything is downloaded; of several processes, in the first one.

    Yields:
        What happens; the last event is `FinetuneFinished`, the only one where this is not the first process.
    """
    plan_finetune(config)
    processes = build_processes(num_launched(), config=config)
    parts = build_finetune_parts(config, announce=_heard(announce, processes), processes=processes)
    header = _header(config, parts, command=command, processes=processes)
    trainer = build_trainer(
        config, parts, processes=processes
    )  # refuses what cannot be trained before a folder is made
    store = begin_folder(out, request=header, force=force) if processes.rank == 0 else None
    yield from _events(config, parts, trainer=trainer, store=store, header=header, checkpoint=None)


def resume_finetune(folder: Path, *, announce: Announce) -> Iterator[FinetuneEvent]:
    """Goes on with an interrupted run, to the same weights as without the interruption.

    Args:
        folder: of the run.
        announce: is given one line before anything is downloaded; of several processes, in the first one.

    Yields:
        What happens; the last event is `FinetuneFinished`, the only one where this is not the first process.
    """
    header, config = _read_interrupted(folder)
    processes = build_processes(num_launched(), config=config)
    parts = build_finetune_parts(config, announce=_heard(announce, processes), processes=processes)
    _require_same_model(header, parts, folder=folder)
    trainer = build_trainer(config, parts, processes=processes)
    store = RunStore.reopen(folder) if processes.rank == 0 else None
    yield from _events(config, parts, trainer=trainer, store=store, header=header, checkpoint=last_checkpoint(folder))


def check_finetune(config: FinetuneConfig, *, announce: Announce) -> Iterator[Finding]:
    """Measures the invariants of the method on the model of the settings; what a run would refuse is refused here too.

    Args:
        config: the settings.
        announce: is given one line before anything is downloaded.

    Yields:
        One finding per invariant.
    """
    plan_finetune(config)
    parts = build_finetune_parts(config, announce=announce)
    yield from check_policy(
        parts.policy, train=config.train, prompts=parts.prompts.trained, score=parts.score, seed=config.seed
    )


def evaluate_finetune(
    folder: Path,
    *,
    settings: JudgeSettings,
    second: str | None,
    announce: Announce,
    has_attacks: bool = False,
) -> dict[str, Any]:
    """Judges a run: reward per query, unseen prompts, a second reward, diversity, drift from the base.

    Args:
        folder: of the run.
        settings: how much is drawn.
        second: another second reward than that of the run; None for the run's.
        announce: is given one line before anything is downloaded.
        has_attacks: True to attack the reward too, with words printed on the base model's pictures.

    Returns:
        What was found; it is written to `evaluation.json` as well.

    Raises:
        RecordError: if the run has no checkpoint yet.
    """
    header, epochs, _ = read_finetune_run(folder)
    config = finetune_from_dict(header["config"], place=f"the run '{folder}'")
    if second is not None:
        config = replace(config, reward=replace(config.reward, second=second))
    checkpoint = last_checkpoint(folder)
    if checkpoint is None:
        raise RecordError(
            f"the run '{folder}' has no checkpoint yet; there is nothing to judge. Go on with it: "
            f"rldf finetune run --resume {folder}"
        )
    if has_attacks:
        prompts = build_prompts(config, grammar=load_grammar(config.prompts.grammar))
        require_two_prompts(choose_prompts(prompts.trained, settings, name="trained"))
    parts = build_finetune_parts(config, announce=announce, has_base=True, has_judge=True)
    _require_same_model(header, parts, folder=folder)
    parts.policy.denoiser.load(_result_weights(folder, checkpoint))
    sets = {"trained": parts.prompts.trained, "unseen": parts.prompts.unseen}
    found = dict(
        judge_policy(
            parts.policy,
            prompts={name: texts for name, texts in sets.items() if texts},
            score=parts.score,
            second=parts.second,
            embedder=parts.scorer,
            perception=parts.scorer,
            settings=settings,
        )
    )
    report = {
        "run": str(folder),
        "checkpoint": checkpoint.name,
        "alarm": any(each["alarm"] for each in found.values()),
        "curve": [[line["queries"], line["reward_mean"]] for line in epochs],
        "mean_reward_over_queries": _area(epochs),
        "prompts": found,
        "attacks": _attacks(parts, settings=settings) if has_attacks else None,
        "second_reward": config.reward.second,
        "notes": [*parts.notes, *(f"{name}: {note}." for name, each in found.items() for note in each["notes"])],
        "versions": versions(),
    }
    write_file(folder / EVALUATION_FILE, (json.dumps(report, indent=2, allow_nan=False) + "\n").encode())
    return report


def _read_interrupted(folder: Path) -> tuple[dict[str, Any], FinetuneConfig]:
    """Reads what a run that can go on was asked for, and its settings."""
    header, _, _ = read_finetune_run(folder)
    if (folder / "summary.json").is_file():
        raise RecordError(
            f"the run '{folder}' is finished; only an interrupted one can go on. Judge it with "
            f"`rldf finetune evaluate {folder}`, or start another."
        )
    return header, finetune_from_dict(header["config"], place=f"the run '{folder}'")


def _attacks(parts: FinetuneParts, *, settings: JudgeSettings) -> dict[str, Any]:
    """Attacks the reward on pictures that the base model draws of the trained prompts."""
    prompts = choose_prompts(parts.prompts.trained, settings, name="trained")
    images = draw_honest(parts.policy, prompts, seed=settings.seed)
    return attack_reward(images, prompts, score=parts.score)


def _result_weights(folder: Path, checkpoint: Path) -> dict[str, torch.Tensor]:
    """What a run gave: the weights before the alarm where it stopped early, else those of the last checkpoint."""
    summary = read_json(folder / "summary.json") if (folder / "summary.json").is_file() else {}
    if summary.get("stopped") == "alarm":
        return read_weights(folder / HEALTHY_FOLDER / HEALTHY_FILE)
    tensors, _ = read_checkpoint(checkpoint)
    kind = "average" if any(name.endswith("/average") for name in tensors) else "weight"
    return {name.removesuffix(f"/{kind}"): value for name, value in tensors.items() if name.endswith(f"/{kind}")}


def _events(
    config: FinetuneConfig,
    parts: FinetuneParts,
    *,
    trainer: Trainer,
    store: RunStore | None,
    header: dict[str, Any],
    checkpoint: Path | None,
) -> Iterator[FinetuneEvent]:
    try:
        session = FinetuneSession(
            trainer,
            store=store,
            header=header,
            train=config.train,
            run=config.run,
            watch=_watch(config, parts, store=store),
        )
        for event in session.events(checkpoint=checkpoint):
            if trainer.processes.rank == 0 or isinstance(event, FinetuneFinished):
                yield event
    finally:
        if store is not None:
            store.close()


def _heard(announce: Announce, processes: Processes) -> Announce:
    """Lets the first process alone speak."""
    return announce if processes.rank == 0 else say_nothing


def _watch(config: FinetuneConfig, parts: FinetuneParts, *, store: RunStore | None) -> Watch | None:
    """What draws and scores the sheets; the first process alone does."""
    if store is None or config.run.sample_every == 0:
        return None
    return Watch(
        store,
        run=config.run,
        prompts=parts.prompts.trained,
        seed=config.seed,
        score=parts.score,
        second=parts.second,
    )


def _header(config: FinetuneConfig, parts: FinetuneParts, *, command: str, processes: Processes) -> dict[str, Any]:
    """What `run.json` says."""
    prompts = parts.prompts
    return {
        "kind": "finetune",
        "created": utc_now(),
        "command": command,
        "config": asdict(config),
        "model": parts.model_card,
        "prompts": {"set": prompts.name, "trained": list(prompts.trained), "unseen": list(prompts.unseen)},
        "device": str(parts.policy.device),
        "processes": processes.count,
        "notes": list(parts.notes),
        "versions": versions(),
    }


def _require_same_model(header: dict[str, Any], parts: FinetuneParts, *, folder: Path) -> None:
    if header["model"]["digest"] != parts.model_card["digest"]:
        raise RecordError(
            f"the model of the run '{folder}' has changed: its digest was {header['model']['digest'][:16]} and is "
            f"{parts.model_card['digest'][:16]}; a run keeps its model. Bring the former one back, or start a new run."
        )


def _area(epochs: list[dict[str, Any]]) -> float | None:
    """Mean reward over the run's queries: the area under the curve, divided by its length."""
    if not epochs:
        return None
    before = [0, *(line["queries"] for line in epochs[:-1])]
    total = sum(line["reward_mean"] * (line["queries"] - last) for line, last in zip(epochs, before, strict=True))
    return float(total / epochs[-1]["queries"])
