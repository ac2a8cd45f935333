"""Settings of a search: frozen dataclasses, one section each. `presets/loading.py` reads them from TOML.

Each field states its unit, range and source; "our choice" marks values that come from no paper. Where a field names a
part, "plugin:NAME" names one of an installed package (`presets/plugins.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from rldf.errors import ConfigError

GeneratorKind = Literal["auto", "embedded", "diffusers", "images-api"]
PerceptionKind = Literal["auto", "embedded", "clip", "classifier-detector", "captioner"]
JudgeKind = Literal["auto", "embedded", "clip", "classifier-detector", "captioner", "same"]
RewardName = Literal["agreement", "multi-semantic", "partial-semantic", "clip", "random"]
Realism = Literal["off", "penalise", "terminate"]
SearcherName = Literal[
    "factored",
    "q-learning",
    "sarsa",
    "random",
    "random-walk",
    "expected-sarsa",
    "double-q",
    "dyna-q",
    "hill-climb",
    "hill-climb-first",
    "annealing",
    "genetic",
    "ucb",
    "thompson",
    "best-first",
    "planning",
    "gradient",
    "gradient-guarded",
    "spsa",
    "spsa-guarded",
    "percept-rerank",
    "exhaustive",
    "hill-climb+confirm",
    "annealing+confirm",
    "genetic+confirm",
    "ucb+confirm",
    "thompson+confirm",
    "best-first+confirm",
    "planning+confirm",
    "gradient-guarded+confirm",
    "spsa-guarded+confirm",
    "percept-rerank+confirm",
    "tpe",
    "gp",
    "cma-es",
    "ppo",
    "dqn",
]
StepSize = Literal["constant", "robbins-monro"]
Start = Literal["percept", "random", "given"]
SchedulerName = Literal["model", "dpm-solver-multistep"]
Device = Literal["auto", "cpu", "cuda", "mps"]
Dtype = Literal["auto", "float32", "float16", "bfloat16"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """The text-to-image model.

    Attributes:
        id: "embedded", a hub id, a local folder, that of a world of `rldf world train`, a .safetensors file, or the
            address of an images endpoint.
        kind: what the id is; "auto" tells by its form.
        name: model name an images endpoint is asked for, such as "dall-e-2".
        revision: branch, tag or commit on the hub; "" for the main branch.
        device: "auto" takes the best one present.
        dtype: "auto" takes float16 on a graphics card, else float32.
        steps: denoising steps, at least 1; 0 for the model's own. Paper: 20 (section 4).
        guidance_scale: classifier-free guidance, 0 or larger; negative for the model's own. Paper: 7.5.
        size_px: side of a picture in pixels; 0 for the model's own. Paper: 512.
        negative_prompt: what pictures are steered away from; "" for nothing.
        scheduler: "model" for the model's own solver. Paper: DPM-Solver++ multistep.
        autoencoder: hub id or folder of another autoencoder; "" for the model's own. Paper: stabilityai/sd-vae-ft-mse.
        adapter: hub id or folder of a LoRA adapter; "" for the model's own (the embedded model's draws in few steps),
            "none" for none.
        use_attention_slicing: True to compute attention in slices: less memory, slower. Paper: True.
        max_batch_size: pictures drawn together on a card, at least 1; 0 for 8. More pay for thousands of small ones.
        use_fixed_batches: True to fail where memory runs out, instead of drawing fewer pictures together from then on.
        use_low_memory: True to keep parts off the card while they are not used.
        is_compiled: True to compile the model at its first picture: a minute or more, which pays over thousands.
        use_safety_checker: True to load the model's own safety checker, if it has one; a flagged picture is an error.
        use_cache: True to keep pictures in the render cache.
        picture_cost_usd: price of one picture in US dollars, 0 or larger.
        max_cost_usd: what one process may spend at an endpoint, calls that broke off included; 0 for no limit.
        max_images: pictures one process may ask an endpoint for, calls that broke off included; 0 for no limit.
        key_file: file with the endpoint's key; "" to take it from OPENAI_API_KEY.
    """

    id: str = "embedded"
    kind: GeneratorKind = "auto"
    name: str = "dall-e-2"
    revision: str = ""
    device: Device = "auto"
    dtype: Dtype = "auto"
    steps: int = 0
    guidance_scale: float = -1.0
    size_px: int = 0
    negative_prompt: str = ""
    scheduler: SchedulerName = "model"
    autoencoder: str = ""
    adapter: str = ""
    use_attention_slicing: bool = False
    max_batch_size: int = 0
    use_fixed_batches: bool = False
    use_low_memory: bool = False
    is_compiled: bool = False
    use_safety_checker: bool = False
    use_cache: bool = True
    picture_cost_usd: float = 0.0
    max_cost_usd: float = 0.0
    max_images: int = 0
    key_file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PerceptionConfig:
    """Scorer A, which guides the search.

    Attributes:
        kind: "auto" takes the own scorer of the embedded model or of another world, else zero-shot CLIP.
        id: hub id or folder of the model, or of the classifier where there are two; "" for the kind's default.
        detector: hub id or folder of the detector beside a classifier.
    """

    kind: PerceptionKind | str = "auto"
    id: str = ""
    detector: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeConfig:
    """Scorer B, which only judges.

    Attributes:
        kind: "auto" takes the own scorer B of the embedded model or of another world, else scorer A itself, which is
            then said; "same" is always scorer A itself.
        id: hub id or folder of the model; "" for the kind's default.
        detector: hub id or folder of the detector beside a classifier.
    """

    kind: JudgeKind | str = "auto"
    id: str = ""
    detector: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrammarConfig:
    """The grammar, and what is held fixed in it.

    Attributes:
        name: a shipped grammar, or the path of a grammar file.
        blocked: terms it must not use: "axis=term", a term or a group of the grammar file.
        locked: axis id to the term it is held at.
    """

    name: str = "base"
    blocked: tuple[str, ...] = ()
    locked: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RewardConfig:
    """What the search is rewarded for.

    Attributes:
        name: "agreement" (ours); "multi-semantic", "partial-semantic", "clip", rewards 1 to 3 of the paper; or
            "random" for one of these three, drawn per run.
        realism: what happens to unrealistic pictures: nothing, a penalty, or the end of the episode.
    """

    name: RewardName | str = "agreement"
    realism: Realism = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSettings:
    """How encodings are searched.

    Attributes:
        searcher: "factored" (ours, default), agents of the paper ("q-learning", "sarsa", "random-walk"), "random", or
            one of the others of docs/methods/searchers.md.
        start: at the percept of the input, anywhere, or at `start_terms`.
        start_terms: axis id to term, where the start is given; axes left out start at the percept.
        batch_size: pictures drawn at once, at least 1; 8 is our choice.
        discount: of agents, 0 to 1. Paper, Algorithm 1: 0.9.
        step_size: of agents: constant, or decreasing as Robbins and Monro ask.
        learning_rate: of agents with constant step size, above 0, to 1; 0.1 is our choice.
        epsilon: share of random moves of agents at the beginning, 0 to 1; our choice.
        final_epsilon: share of random moves at the end, 0 to 1; our choice.
        max_episode_moves: moves of one episode of an agent, at least 1; our choice.
        misread: axis id to term: what perception is made to read in the input, for experiments.
        learn_from: folders of finished runs whose pictures the searcher is told first, rewarded for this input.
    """

    searcher: SearcherName | str = "factored"
    start: Start = "percept"
    start_terms: Mapping[str, str] = field(default_factory=dict)
    batch_size: int = 8
    discount: float = 0.9
    step_size: StepSize = "constant"
    learning_rate: float = 0.1
    epsilon: float = 1.0
    final_epsilon: float = 0.1
    max_episode_moves: int = 100
    misread: Mapping[str, str] = field(default_factory=dict)
    learn_from: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetConfig:
    """Hard limits.

    Attributes:
        max_renders: distinct pictures of search and validation together, at least 1.
        max_seconds: after which no further batch begins; 0 for no limit.
        max_steps: tries, pictures asked for again included; 0 for 100 times max_renders.
        max_cost_usd: of all pictures of the run, in US dollars; 0 for no limit.
    """

    max_renders: int = 48
    max_seconds: float = 0.0
    max_steps: int = 0
    max_cost_usd: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultConfig:
    """What is made of what was found.

    Attributes:
        num_test_seeds: pictures of each encoding that scorer B judges, at least 2.
        num_new: further pictures of what was found, 0 or more.
        min_gain: a found encoding must gain more than this over the start, in spreads of the search's rewards; our
            choice.
        num_errors: and more than this many standard errors; our choice.
        prior_deviation: deviation of a paired difference expected beforehand, in the same spreads; our choice.
    """

    num_test_seeds: int = 16
    num_new: int = 8
    min_gain: float = 0.05
    num_errors: float = 2.0
    prior_deviation: float = 0.35


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchConfig:
    """Everything that fixes a search.

    Attributes:
        seed: root seed, 0 or larger; every other seed is derived from it.
        model, perception, judge, grammar, reward, search, budget, result: one section each.
    """

    seed: int = 0
    model: ModelConfig = field(default_factory=ModelConfig)
    perception: PerceptionConfig = field(default_factory=PerceptionConfig)
    judge: JudgeConfig = field(default_factory=JudgeConfig)
    grammar: GrammarConfig = field(default_factory=GrammarConfig)
    reward: RewardConfig = field(default_factory=RewardConfig)
    search: SearchSettings = field(default_factory=SearchSettings)
    budget: BudgetConfig = field(default_factory=BudgetConfig)
    result: ResultConfig = field(default_factory=ResultConfig)

    def __post_init__(self) -> None:
        for name, value, low, high in _ranges(self):
            if not low <= value <= high:
                allowed = f"{low:g} or larger" if high == float("inf") else f"from {low:g} to {high:g}"
                raise ConfigError(
                    f"the setting {name} is {value:g}; it must be {allowed}. Change it with --config {name}=..."
                )
        if self.search.start != "given" and self.search.start_terms:
            raise ConfigError(
                f"search.start_terms is {dict(self.search.start_terms)} but search.start is '{self.search.start}'; "
                "terms are given for a given start only. Set search.start to 'given', or leave the terms out."
            )


_UNLIMITED = float("inf")
_LIMITS: dict[str, tuple[float, float]] = {
    "seed": (0.0, _UNLIMITED),
    "model.steps": (0.0, 1000.0),
    "model.size_px": (0.0, 4096.0),
    "model.max_batch_size": (0.0, 4096.0),
    "model.picture_cost_usd": (0.0, _UNLIMITED),
    "model.max_cost_usd": (0.0, _UNLIMITED),
    "model.max_images": (0.0, _UNLIMITED),
    "search.batch_size": (1.0, 1024.0),
    "search.discount": (0.0, 1.0),
    "search.learning_rate": (0.0, 1.0),
    "search.epsilon": (0.0, 1.0),
    "search.final_epsilon": (0.0, 1.0),
    "search.max_episode_moves": (1.0, _UNLIMITED),
    "budget.max_renders": (1.0, _UNLIMITED),
    "budget.max_seconds": (0.0, _UNLIMITED),
    "budget.max_steps": (0.0, _UNLIMITED),
    "budget.max_cost_usd": (0.0, _UNLIMITED),
    "result.num_test_seeds": (2.0, 10_000.0),
    "result.num_new": (0.0, 100_000.0),
    "result.min_gain": (0.0, 10.0),
    "result.num_errors": (0.0, 10.0),
    "result.prior_deviation": (0.0, 10.0),
}


def _ranges(config: SearchConfig) -> list[tuple[str, float, float, float]]:
    """Every number with its limits: dotted name, value, lowest, highest."""
    rows: list[tuple[str, float, float, float]] = []
    for name, (low, high) in _LIMITS.items():
        section, _, key = name.rpartition(".")
        value = getattr(getattr(config, section) if section else config, key)
        rows.append((name, float(value), low, high))
    return rows
