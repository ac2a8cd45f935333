"""`ablate`: takes a concept out of the grammar, searches an input again, and measures that the concept is gone."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np

from rldf.contracts import Perception
from rldf.errors import ConfigError, RecordError
from rldf.grammar import Grammar
from rldf.hub import Announce, say_nothing
from rldf.jobs.concept_search import Concept, strongest_sentence
from rldf.jobs.generate import noun_axis
from rldf.jobs.rejudging import FinishedRun, open_finished
from rldf.jobs.request import begin_or_reopen
from rldf.jobs.search import plan_search, run_prepared
from rldf.perception.reading import digest_of_file
from rldf.presets.config import SearchConfig
from rldf.presets.search_job import budget_of
from rldf.presets.shelf import SHELF
from rldf.records import Extra, ExtraPicture, Percept, Prompt, write_extra
from rldf.records.durable_files import write_file
from rldf.records.pictures import encode_png, read_png
from rldf.renderer.examples import draw_example
from rldf.renderer.vocabulary import DRAWABLE
from rldf.search import RunFinished, SearchEvent
from rldf.seeding import child_rng, child_seed
from rldf.web import write_report
from rldf.worlds.fidelity import wilson_interval

NUM_PAIRS = 8
MAX_LOOKED_AT = 200  # drawn pictures that are looked at until one shows the concept


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """In how many pictures of some words scorer B sees the concept.

    Attributes:
        sentence: the words; "" for many.
        present: pictures in which B reads a term of the concept.
        class_kept: pictures in which B reads the class it reads in the input; None where that does not apply.
        pictures: looked at.
    """

    sentence: str
    present: int
    class_kept: int | None
    pictures: int

    def as_json(self) -> dict[str, Any]:
        """Writes it with its Wilson interval."""
        low, high = wilson_interval(self.present, self.pictures)
        kept = None if self.class_kept is None else self.class_kept / self.pictures
        return {
            "sentence": self.sentence,
            "presence": self.present / self.pictures,
            "presence_ci95": [low, high],
            "class_kept": kept,
            "pictures": self.pictures,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Ablated:
    """What came of an ablation.

    Attributes:
        folder: holds `before`, `after`, `strongest` and `ablation.json`.
        facts: content of `ablation.json`.
    """

    folder: Path
    facts: Mapping[str, Any]


def ablate(
    concept: str,
    image: str | Path,
    *,
    config: SearchConfig,
    out: str | Path,
    force: bool = False,
    announce: Announce = say_nothing,
) -> Iterator[SearchEvent | Ablated]:
    """Searches an input with and without a concept, and the strongest sentence that is left, on purpose.

    Called again on the same folder it goes on: a finished search is taken as it is, an interrupted one is resumed; a
    search of another picture or with other settings is refused.

    Args:
        concept: what is blocked: "axis=term", a term, or a group of the grammar.
        image: the input.
        config: the settings; its grammar must hold the concept.
        out: folder of all three.
        force: True to search again what lies there.
        announce: is given one line before anything is downloaded.

    Yields:
        What both searches tell, and `Ablated` at the end.
    """
    folder = Path(out)
    whole = SHELF.grammar(config)
    known = find_concept(whole, concept)
    blocked = replace(config, grammar=replace(config.grammar, blocked=(*config.grammar.blocked, concept)))
    for name, settings in (("before", config), ("after", blocked)):
        prepared = begin_or_reopen([image], folder / name, config=settings, force=force)
        for event in run_prepared(prepared, announce=announce):
            if not isinstance(event, RunFinished):
                yield event
    before, after = (open_finished(folder / name, announce=announce) for name in ("before", "after"))
    strongest, num_tried = strongest_sentence(
        known, start=after.run.terms, config=config, blocked=blocked, announce=announce
    )
    count = len(before.seeds)
    chance_seed = child_seed(config.seed, "ablation", digest_of_file(image))
    judge = before.judge  # reads the whole grammar, the concept too
    input_class = before.input_reading.encoding
    presences = {
        "before": _own_presence(before, known, judge=judge, grammar=whole),
        "after": _own_presence(after, known, judge=judge, grammar=whole, like=before.input_reading),
        "strongest": _drawn_presence(
            [strongest] * count, known, config=config, judge=judge, seeds=before.seeds, folder=folder / "strongest"
        ),
        "chance": _drawn_presence(
            _control_sentences(SHELF.grammar(blocked), count=count, seed=chance_seed),
            known,
            config=config,
            judge=judge,
            seeds=[child_seed(chance_seed, "picture", number) for number in range(count)],
            folder=None,
        ),
    }
    facts = {
        "concept": concept,
        "terms": {axis: sorted(terms) for axis, terms in known.terms.items()},
        "input": str(image),
        "input_class": whole.space.terms(input_class)[noun_axis(whole)],
        "tried_for_the_strongest": num_tried,
        **{name: presence.as_json() for name, presence in presences.items()},
        "gone": {name: _is_gone(presences[name], presences["chance"]) for name in ("after", "strongest")},
    }
    write_file(folder / "ablation.json", (json.dumps(facts, indent=1, ensure_ascii=False) + "\n").encode())
    _tell_run(concept, facts, before=before, after=after)
    write_report(after.run.folder)
    yield Ablated(folder=folder, facts=facts)


def plan_ablation(concept: str, config: SearchConfig) -> int:
    """Counts the pictures an ablation draws at most, without loading or drawing anything.

    Args:
        concept: "axis=term", a term, or a group.
        config: the settings; its grammar must hold the concept.

    Returns:
        Pictures of both searches, of the search for the strongest sentence, and of what it is compared with.
    """
    find_concept(SHELF.grammar(config), concept)
    searched, tested = plan_search(config, num_runs=2), config.result.num_test_seeds
    return searched.max_pictures + budget_of(config).max_renders + 2 * tested


def find_concept(grammar: Grammar, concept: str) -> Concept:
    """Finds the terms that blocking a concept takes out of a grammar.

    Args:
        grammar: with the concept.
        concept: "axis=term", a term, or a group.

    Returns:
        The terms.

    Raises:
        ConfigError: if every term of the noun's axis would go, or the grammar has them blocked already.
    """
    left = grammar.block([concept])
    terms: dict[str, frozenset[str]] = {}
    for axis in grammar.space.axes:
        kept = set(left.space.axis(axis.id).terms)
        lost = frozenset(term for term in axis.terms if term not in kept)
        if lost:
            terms[axis.id] = lost
    if not terms:
        raise ConfigError(
            f"blocking '{concept}' takes nothing out of the grammar '{grammar.name}'; it must hold the concept. "
            "Name a term, axis=term or a group; `rldf grammar show` lists them."
        )
    return Concept(name=concept, terms=terms)


def draw_input(concept: str, *, config: SearchConfig, folder: Path, force: bool = False) -> Path:
    """Draws an input that shows a concept, with the renderer of the embedded world.

    Args:
        concept: "axis=term", a term, or a group; the first of its terms is drawn.
        config: the settings; its grammar must hold the concept.
        folder: receives `input.png`.
        force: True to write over another picture of that name.

    Returns:
        The picture.

    Raises:
        ConfigError: if the renderer does not know the concept, or it is never to be seen.
    """
    grammar = SHELF.grammar(config)
    axis, terms = next(iter(find_concept(grammar, concept).terms.items()))
    term = next(term for term in grammar.space.axis(axis).terms if term in terms)
    if term in DRAWABLE.get(axis, ()):
        for number in range(MAX_LOOKED_AT):
            seed = child_seed(config.seed, "ablation", "input", number)
            example = draw_example(grammar, seed=seed, terms={axis: term})
            if axis in example.visible:
                return _write_input(encode_png(example.image), folder / "input.png", force=force)
    raise ConfigError(
        f"the embedded world cannot show '{concept}'; an ablation searches a picture of the concept. Give the picture "
        "as IMAGE."
    )


def _write_input(png: bytes, path: Path, *, force: bool) -> Path:
    """Writes the drawn input, unless another picture lies there."""
    if path.is_file() and path.read_bytes() != png and not force:
        raise RecordError(
            f"'{path}' is another picture than the input that would be drawn; nothing is overwritten. Choose another "
            "--out, give the picture as IMAGE, or give --force."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, png)
    return path


def _is_gone(seen: Presence, chance: Presence) -> bool:
    """Tells whether presence is not above chance by more than two standard errors of the difference."""
    shares = [each.present / each.pictures for each in (seen, chance)]
    error = sqrt(sum(p * (1 - p) / each.pictures for p, each in zip(shares, (seen, chance), strict=True)))
    return shares[0] - shares[1] <= 2 * error


def is_present(percept: Percept, concept: Concept, *, grammar: Grammar) -> bool:
    """Tells whether a scorer reads a term of the concept as the most probable of its axis."""
    read = grammar.space.terms(percept.encoding)
    return any(read[axis] in terms for axis, terms in concept.terms.items())


def _own_presence(
    finished: FinishedRun,
    concept: Concept,
    *,
    judge: Perception,
    grammar: Grammar,
    like: Percept | None = None,
) -> Presence:
    """Looks at the test pictures a run made itself."""
    assert finished.run.summary is not None
    images = np.stack([read_png(finished.run.folder / file) for file in finished.run.summary["images"]["found"]])
    reading = finished.input_reading if like is None else like
    place = [axis.id for axis in grammar.space.axes].index(noun_axis(grammar))
    percepts = judge.perceive(images)
    return Presence(
        sentence=finished.run.summary["sentence"],
        present=sum(is_present(percept, concept, grammar=grammar) for percept in percepts),
        class_kept=sum(p.encoding.indices[place] == reading.encoding.indices[place] for p in percepts),
        pictures=len(percepts),
    )


def _control_sentences(grammar: Grammar, *, count: int, seed: int) -> list[str]:
    """Draws sentences that cannot name the concept: what a scorer reads in their pictures is chance."""
    rng = child_rng(seed, "sentences")
    return [grammar.render(grammar.space.sample(rng)) for _ in range(count)]


def _drawn_presence(
    sentences: list[str],
    concept: Concept,
    *,
    config: SearchConfig,
    judge: Perception,
    seeds: Sequence[int],
    folder: Path | None,
) -> Presence:
    """Draws sentences on seeds that nothing was chosen by, and looks at them."""
    grammar = SHELF.grammar(config)
    generator = SHELF.generator(config.model, announce=say_nothing).image_generator
    percepts: list[Percept] = []
    for first in range(0, len(sentences), config.search.batch_size):
        batch = sentences[first : first + config.search.batch_size]
        prompts = [Prompt(text=text, negative=config.model.negative_prompt) for text in batch]
        images = generator.generate(prompts, seeds=seeds[first : first + len(batch)])
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            for number, image in enumerate(images, start=first):
                write_file(folder / f"{number:02d}.png", encode_png(np.asarray(image)))
        percepts += judge.perceive(images)
    return Presence(
        sentence=sentences[0] if len(set(sentences)) == 1 else "",
        present=sum(is_present(percept, concept, grammar=grammar) for percept in percepts),
        class_kept=None,
        pictures=len(percepts),
    )


def _tell_run(concept: str, facts: Mapping[str, Any], *, before: FinishedRun, after: FinishedRun) -> None:
    """Puts before and after onto the report of the search without the concept."""
    place = after.run.folder / "images"
    assert before.run.summary is not None
    assert after.run.summary is not None
    pairs = zip(before.run.summary["images"]["found"], after.run.summary["images"]["found"], strict=False)
    pictures = []
    for number, (old, new) in enumerate(list(pairs)[:NUM_PAIRS]):
        write_file(place / f"before-{number:02d}.png", (before.run.folder / old).read_bytes())
        pictures.append(ExtraPicture(file=f"images/before-{number:02d}.png", caption="with the concept's words"))
        pictures.append(ExtraPicture(file=new, caption="without them"))
    rows = [
        (label, f"{facts[name]['presence']:.0%} of {facts[name]['pictures']} pictures")
        for name, label in (
            ("before", "concept seen with its words"),
            ("after", "concept seen without them"),
            ("strongest", "with the strongest sentence left"),
            ("chance", "in pictures of other sentences: chance"),
        )
    ]
    write_extra(
        after.run.folder,
        "ablation",
        Extra(
            kind="ablation",
            title=f"Before and after: without {concept}",
            text=f"Above the words found with the whole grammar, “{facts['before']['sentence']}”; below those found "
            f"without {concept}, “{facts['after']['sentence']}”. The model still knows the concept; only the words "
            "are gone. The strongest sentence left, searched on purpose, is "
            f"“{facts['strongest']['sentence']}”.",
            layout="pairs",
            pictures=tuple(pictures),
            facts=(*rows, ("class kept", f"{facts['after']['class_kept']:.0%}")),
        ),
    )
