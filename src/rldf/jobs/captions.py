"""Captions against search: what a captioner says of the input, drawn and judged beside the words found."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rldf.hub import Announce, say_nothing
from rldf.jobs.rejudging import FinishedRun, Judged, judge_sentence, open_finished, paired_interval, picture_scores
from rldf.jobs.transfer import own_scores
from rldf.presets.generators import choose_device
from rldf.presets.shelf import SHELF
from rldf.records import Extra, ExtraPicture, Prompt, write_extra
from rldf.records.durable_files import write_file
from rldf.rewards.caption_models import TransformersCaptioner
from rldf.search import RunSeeds
from rldf.search.wish import read_inputs
from rldf.web import write_report

NUM_PAIRS = 8
NUM_CAPTIONS = 4  # our choice: descriptions that share the renders


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionComparison:
    """A caption and the words found, judged alike.

    Attributes:
        caption: the best of what the captioner says of the input.
        facts: content of `caption.json`.
    """

    caption: str
    facts: dict[str, Any]


def compare_caption(
    run_folder: str | Path, captioner: str | Path, *, announce: Announce = say_nothing
) -> CaptionComparison:
    """Compares what a captioner says of a run's input with the words found, at equal renders.

    The captioner describes the input in several ways. They share as many renders as the search used, on its search
    seeds, and scorer A chooses among them as it guided the search. Then the best is drawn on the run's test seeds, as
    often as the words found, and scorer B judges both.

    Args:
        run_folder: a finished run.
        captioner: folder or hub id of an image-to-text model.
        announce: is given one line before anything is downloaded.

    Returns:
        Both scores and their paired difference.
    """
    finished = open_finished(run_folder, announce=announce)
    run, summary = finished.run, finished.run.summary
    assert summary is not None
    device = choose_device(finished.config.model.device)
    describe = TransformersCaptioner(captioner, announce=announce, device=device)
    each = max(1, NUM_CAPTIONS // len(finished.inputs))
    said = [describe.describe_variously(picture.image, count=each) for picture in finished.inputs]
    captions = list(dict.fromkeys(caption for row in said for caption in row))
    rewards = _try_captions(finished, captions, renders=summary["budget"]["renders"], announce=announce)
    caption = captions[int(np.argmax(rewards))]
    model = finished.config.model
    drawn = judge_sentence(
        finished,
        caption,
        generator=SHELF.generator(model, announce=announce).image_generator,
        negative=model.negative_prompt,
        prefix="captions/caption",
    )
    gain, low, high = paired_interval(own_scores(finished, "found"), drawn.scores, seed=finished.config.seed)
    facts = {
        "run": str(run.folder),
        "captioner": str(captioner),
        "caption": drawn.as_json(),
        "tried": dict(zip(captions, rewards, strict=True)),
        "renders": summary["budget"]["renders"],
        "found": {"sentence": summary["sentence"], "score": summary["score"], "score_ci95": summary["score_ci95"]},
        "gain_of_search": gain,
        "gain_of_search_ci95": [low, high],
        "pictures_each": len(finished.seeds),
    }
    write_file(
        run.folder / "captions" / "caption.json", (json.dumps(facts, indent=1, ensure_ascii=False) + "\n").encode()
    )
    _tell_run(finished, drawn, facts)
    write_report(run.folder)
    return CaptionComparison(caption=caption, facts=facts)


def _try_captions(finished: FinishedRun, captions: Sequence[str], *, renders: int, announce: Announce) -> list[float]:
    """Draws each caption equally often on search seeds; how well scorer A reads in them what it reads in the input."""
    config = finished.config
    perception = SHELF.perception(config, announce=announce)[0]
    wish = read_inputs(perception, finished.inputs)
    generator = SHELF.generator(config.model, announce=announce).image_generator
    seeds = RunSeeds(root=config.seed).first("search", max(1, renders // len(captions)))
    rewards = []
    for caption in captions:
        prompts = [Prompt(text=caption, negative=config.model.negative_prompt)] * len(seeds)
        readings = perception.perceive(generator.generate(prompts, seeds=seeds))
        rewards.append(float(np.mean(picture_scores(readings, wish))))
    return rewards


def _tell_run(finished: FinishedRun, drawn: Judged, facts: Mapping[str, Any]) -> None:
    """Puts the caption onto the run's report."""
    summary = finished.run.summary
    assert summary is not None
    low, high = facts["gain_of_search_ci95"]
    pairs = list(zip(drawn.files, summary["images"]["found"], strict=False))[:NUM_PAIRS]
    write_extra(
        finished.run.folder,
        "caption",
        Extra(
            kind="caption",
            title="A caption against the words found",
            text=f"A captioner says of your picture: “{drawn.sentence}”. Above its pictures, below those of the words "
            "found.",
            layout="pairs",
            pictures=tuple(
                ExtraPicture(file=file, caption=what)
                for pair in pairs
                for file, what in zip(pair, ("caption", "found"), strict=True)
            ),
            facts=(
                ("score of the caption", f"{drawn.judgement.score:.2f}"),
                ("score of the words found", f"{summary['score']:.2f}"),
                ("difference", f"{facts['gain_of_search']:+.2f} ({low:+.2f} to {high:+.2f})"),
            ),
        ),
    )
