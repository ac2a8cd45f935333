"""The evidence beside fidelity: shared errors, diversity, memorisation, locality, retrieval, and the facts."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rldf.contracts import ImageEmbedder, ImageGenerator, Perception
from rldf.generators.embedded import embedded_folder
from rldf.grammar import Grammar
from rldf.perception.embedded import HeadsPerception
from rldf.records.percept import Percept
from rldf.space import EncodingSpace
from rldf.worlds.card_facts import Stopwatch, glyph_licence, hardware_line, weight_sizes
from rldf.worlds.diversity import Diversity, measure_diversity
from rldf.worlds.edits import EditLocality, SemanticLocality, measure_edits, measure_semantic_locality
from rldf.worlds.memorisation import Memorisation, measure_memorisation
from rldf.worlds.misreadings import Confusion, SharedErrors, compare_errors, find_confusions
from rldf.worlds.recipe import world_mixture
from rldf.worlds.retrieval import Retrieval, TextMatcher, load_text_matcher, measure_retrieval
from rldf.worlds.trials import Trials


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruments:
    """What the evidence is measured with.

    Attributes:
        scorer_a: the scorer that guides searches.
        embedder: scorer B; its features say how alike pictures are.
        matcher: scorer A's two towers.
        weights: folder of the world's weights.
        num_training: training pictures among which the nearest one is looked for, 1 or more.
        device: where the models run.
    """

    scorer_a: Perception
    embedder: ImageEmbedder
    matcher: TextMatcher
    weights: Path
    num_training: int = 500
    device: str = "cpu"


def load_instruments(
    world: Path | None, *, space: EncodingSpace, num_training: int, device: str, announce: Callable[[str], None]
) -> Instruments:
    """Loads what measures a world.

    Args:
        world: its folder; None for the one that ships with the package.
        space: the space that is read into.
        num_training: training pictures among which the nearest one is looked for, 1 or more.
        device: where the models run.
        announce: is given one line before anything is downloaded, which this never needs.

    Returns:
        Both scorers, and the folder of the weights.
    """
    weights = embedded_folder().parent if world is None else world
    return Instruments(
        scorer_a=HeadsPerception(weights / "scorer-a", space, device=device),
        embedder=HeadsPerception(weights / "scorer-b", space, device=device),
        matcher=load_text_matcher(weights / "scorer-a", announce=announce, device=device),
        weights=weights,
        num_training=num_training,
        device=device,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What was measured beside fidelity; all but the retrieval on generated pictures.

    Attributes:
        confusions: axis id to which terms scorer B reads as which.
        kappa: whether scorers A and B err on the same pictures.
        diversity: of the pictures of one encoding.
        memorisation: distances to the nearest training picture.
        semantic_locality: axis id to whether neighbours on it look alike.
        edit_locality: axis id to what a change of its term changes.
        retrieval: of drawn pictures by their sentences, by scorer A.
        sizes_mb: part to the size of its weights, in millions of bytes.
        seconds: part of the measuring to how long it took.
        hardware: what it ran on.
        glyph_licence: source and licence of the glyphs.
    """

    confusions: Mapping[str, Sequence[Confusion]]
    kappa: SharedErrors
    diversity: Diversity
    memorisation: Memorisation
    semantic_locality: Mapping[str, SemanticLocality]
    edit_locality: Mapping[str, EditLocality]
    retrieval: Retrieval
    sizes_mb: Mapping[str, float]
    seconds: Mapping[str, float]
    hardware: str
    glyph_licence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceSizes:
    """How many pictures each measure takes.

    Attributes:
        encodings: of diversity, each drawn eight times.
        edits: of each axis.
        pictures_per_term: of semantic locality.
        retrieved: pictures that sentences choose from.
    """

    encodings: int
    edits: int
    pictures_per_term: int
    retrieved: int


def evidence_sizes(num_encodings: int) -> EvidenceSizes:
    """Chooses how many pictures each measure takes, so that a small card stays quick; our choice.

    Args:
        num_encodings: of the card, 1 or more.

    Returns:
        The sizes, which stop growing at 500 encodings.

    Example:
        >>> evidence_sizes(500)
        EvidenceSizes(encodings=20, edits=25, pictures_per_term=8, retrieved=100)
    """
    return EvidenceSizes(
        encodings=min(20, max(2, num_encodings // 25)),
        edits=min(25, max(2, num_encodings // 20)),
        pictures_per_term=min(8, max(1, num_encodings // 60)),
        retrieved=min(100, max(10, num_encodings)),
    )


def measure_evidence(
    percepts: Sequence[Percept],
    trials: Trials,
    *,
    grammar: Grammar,
    image_generator: ImageGenerator,
    judge: Perception,
    instruments: Instruments,
    seed: int,
    watch: Stopwatch,
    announce: Callable[[str], None],
) -> Evidence:
    """Measures everything but fidelity.

    Args:
        percepts: what the judge read in the generated pictures, a percept per trial.
        trials: the pictures of the card.
        grammar: of the trials.
        image_generator: what is measured.
        judge: scorer B.
        instruments: the other scorers, and where the weights are.
        seed: of the card.
        watch: takes the times; its seconds go on the card.
        announce: is told what is being measured.

    Returns:
        The evidence.
    """
    size_px, sizes = trials.drawn.shape[1], evidence_sizes(trials.num_random)
    with _part("shared errors", watch=watch, announce=announce):
        kappa = compare_errors(instruments.scorer_a.perceive(trials.generated), percepts, trials)
    with _part("diversity", watch=watch, announce=announce):
        diversity = measure_diversity(
            grammar=grammar,
            image_generator=image_generator,
            embedder=instruments.embedder,
            num_encodings=sizes.encodings,
            seed=seed,
            size_px=size_px,
        )
    with _part("memorisation", watch=watch, announce=announce):
        memorisation = _measure_memorisation(trials, num_training=instruments.num_training)
    with _part("edit locality", watch=watch, announce=announce):
        edits = measure_edits(
            percepts,
            trials,
            grammar=grammar,
            image_generator=image_generator,
            judge=judge,
            most=sizes.edits,
            seed=seed,
        )
    with _part("semantic locality", watch=watch, announce=announce):
        locality = measure_semantic_locality(
            grammar=grammar,
            image_generator=image_generator,
            embedder=instruments.embedder,
            pictures_per_term=sizes.pictures_per_term,
            seed=seed,
        )
    with _part("retrieval", watch=watch, announce=announce):
        retrieval = measure_retrieval(
            grammar=grammar, matcher=instruments.matcher, seed=seed, num_pictures=sizes.retrieved, size_px=size_px
        )
    return Evidence(
        confusions=find_confusions(percepts, trials),
        kappa=kappa,
        diversity=diversity,
        memorisation=memorisation,
        semantic_locality=locality,
        edit_locality=edits,
        retrieval=retrieval,
        sizes_mb=weight_sizes(instruments.weights),
        seconds=dict(watch.seconds),
        hardware=hardware_line(instruments.device),
        glyph_licence=glyph_licence(),
    )


@contextmanager
def _part(name: str, *, watch: Stopwatch, announce: Callable[[str], None]) -> Iterator[None]:
    """Announces a part of the measuring and takes its time."""
    announce(f"measuring {name} ...")
    with watch.time(name):
        yield


def _measure_memorisation(trials: Trials, *, num_training: int) -> Memorisation:
    """Compares the random pictures, generated and drawn, with those of the training."""
    return measure_memorisation(
        generated=trials.generated[: trials.num_random],
        drawn=trials.drawn[: trials.num_random],
        mixture=world_mixture("full"),
        num_training=num_training,
        size_px=trials.drawn.shape[1],
    )
