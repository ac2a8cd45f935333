"""Settings of fine-tuning: what is sampled, how it is weighed, how the weights move. Light: no torch."""

from dataclasses import dataclass, field
from math import inf
from typing import Literal

from rldf.errors import ConfigError

Method = Literal["ddpo-is", "ddpo-sf", "rwr", "rwr-sparse"]
SamplerKind = Literal["ddim", "ddpm"]
Spacing = Literal["leading", "trailing"]
PosteriorVariance = Literal["small", "large"]
Precision = Literal["float32", "float16", "bfloat16"]
AdapterKind = Literal["lora", "full"]
ClipUnit = Literal["dimension", "transition"]
NormaliserKind = Literal["prompt", "group", "batch"]
WeightScope = Literal["prompt", "batch"]

NO_DENSITY = {
    "dpm-solver-multistep": "DPM-Solver follows an ordinary differential equation and adds no noise",
    "euler": "Euler's method follows an ordinary differential equation and adds no noise",
    "pndm": "PNDM follows an ordinary differential equation and adds no noise",
    "unipc": "UniPC follows an ordinary differential equation and adds no noise",
    "heun": "Heun's method follows an ordinary differential equation and adds no noise",
    "lcm": "the last step of consistency sampling adds no noise",
    "flow-match": "flow matching follows an ordinary differential equation and adds no noise",
}
"""Samplers that cannot be trained by log-probabilities, and why."""
_REFUSED = {name: f"{reason}, so its steps have no density" for name, reason in NO_DENSITY.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplerSettings:
    """How pictures are drawn while training: a chain of Gaussian steps.

    Attributes:
        kind: "ddim" with noise, or "ddpm", ancestral sampling. Paper: DDIM.
        num_steps: denoising steps T, 2 to 1000. Paper: 50.
        eta: share of DDIM's noise, above 0, to 1; 0 has no density. Paper: 1.
        variance: of "ddpm": that of the posterior, which equals DDIM's at eta 1, or "large", the forward step's.
        spacing: which of the model's timesteps are used. Paper: leading, offset 1.
        guidance_scale: w in uncond + w (cond - uncond); at 1 or below the conditional prediction alone. Paper: 5.
        has_guided_training: True to train the guided prediction that was sampled; False for the ablation, which
            trains the conditional prediction. Paper: True.
        storage_dtype: number format trajectories are kept in; log-probabilities are those of the values as stored.
        batch_size: pictures that go through the denoiser together, in sampling and in training, at least 1.
    """

    kind: SamplerKind = field(default="ddim", metadata={"refused": _REFUSED})
    num_steps: int = 50
    eta: float = 1.0
    variance: PosteriorVariance = "small"
    spacing: Spacing = "leading"
    guidance_scale: float = 5.0
    has_guided_training: bool = True
    storage_dtype: Precision = "float32"
    batch_size: int = 8

    def __post_init__(self) -> None:
        _require("sampler.num_steps", self.num_steps, low=2, high=1000)
        if self.eta == 0:
            raise ConfigError(
                "sampler.eta is 0; such a step adds no noise, so it has no density and no log-probability. "
                "Give a number above 0, to 1."
            )
        _require("sampler.eta", self.eta, low=1e-6, high=1.0)
        _require("sampler.guidance_scale", self.guidance_scale, low=0.0, high=1e6)
        _require("sampler.batch_size", self.batch_size, low=1, high=4096)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvantageSettings:
    """How rewards become advantages, for DDPO, or weights, for RWR.

    Attributes:
        kind: "prompt" keeps running statistics per prompt (paper); "group" compares the pictures of one prompt of
            one epoch; "batch" compares all pictures of an epoch.
        buffer_size: rewards kept per prompt, at least 1. Source: the authors' code, 16 for JPEG, else 32.
        min_count: rewards of a prompt below which the epoch's statistics are taken. Source: the authors' code, 16.
        max_advantage: advantages are clipped to this, above 0. Source: the authors' code, 5.
        weight_scope: of RWR: weights are made among the pictures of one prompt (paper), or of the whole epoch.
        inverse_temperature: beta of RWR, 0 or larger. Paper: 0.2.
        kept_share: share of a prompt's best pictures that RWR-sparse keeps, above 0, to 1. Paper: 0.1.
    """

    kind: NormaliserKind = "prompt"
    buffer_size: int = 32
    min_count: int = 16
    max_advantage: float = 5.0
    weight_scope: WeightScope = "prompt"
    inverse_temperature: float = 0.2
    kept_share: float = 0.1

    def __post_init__(self) -> None:
        _require("advantage.buffer_size", self.buffer_size, low=1, high=inf)
        _require("advantage.min_count", self.min_count, low=1, high=inf)
        _require("advantage.max_advantage", self.max_advantage, low=1e-6, high=inf)
        _require("advantage.inverse_temperature", self.inverse_temperature, low=0.0, high=inf)
        _require("advantage.kept_share", self.kept_share, low=1e-9, high=1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSettings:
    """How the weights move.

    Attributes:
        method: "ddpo-is", "ddpo-sf", "rwr" or "rwr-sparse". "ddpo-sf" takes one update an epoch, of all its pictures.
        samples_per_epoch: pictures scored before the weights move, at least 1. Paper: 256; RWR 10,000.
        pictures_per_prompt: pictures of each drawn prompt, at least 1; larger for "group" advantages and RWR.
        update_batch_size: pictures behind one update. Paper: 64 (IS), 256 (SF), 128 (RWR).
        num_passes: passes over an epoch's pictures, at least 1. Paper: 1; RWR 5; RWR-sparse 50.
        timestep_share: share of the denoising steps that are trained, above 0, to 1. Paper: 1.
        min_std_share: of DDPO: steps whose standard deviation is below this share of the largest one are drawn but not
            trained, 0 to 1. The gradient of a log-probability grows with 1 / std, so with few steps the last ones,
            which hardly change the picture, outweigh all others. Paper: 0, every step is trained.
        learning_rate: of AdamW, above 0. Paper: 1e-5 for all weights, 3e-4 for LoRA.
        weight_decay: of AdamW, 0 or larger. Paper: 1e-4.
        adam_beta1, adam_beta2, adam_epsilon: of AdamW. Paper: 0.9, 0.999, 1e-8.
        max_gradient_norm: gradients are clipped to this norm, above 0. Paper: 1.
        clip_range: of IS: how far the ratio may leave 1, above 0. Paper: 1e-4.
        clip_unit: "dimension": the range is that of the ratio per latent dimension, as in the authors' code;
            "transition": it is that of the whole transition's log-ratio, divided by the number of dimensions, so
            that a value means the same at every resolution (the paper's 1e-4 at 512 px is 1.64).
        kl_weight: weight of the divergence from the base model in the loss, 0 or larger; 0 is the paper's.
        ema_decay: of the moving average of the weights, 0 to 1 excluded; 0 for none.
        precision: number format the denoiser computes in; trained weights are kept in float32. Frozen weights in half
            precision (model.dtype) imply theirs.
        use_gradient_checkpointing: True to compute activations twice: less memory, slower.
    """

    method: Method = "ddpo-is"
    samples_per_epoch: int = 256
    pictures_per_prompt: int = 1
    update_batch_size: int = 64
    num_passes: int = 1
    timestep_share: float = 1.0
    min_std_share: float = 0.0
    learning_rate: float = 3e-4
    weight_decay: float = 1e-4
    adam_beta1: float = 0.9
    adam_beta2: float = 0.999
    adam_epsilon: float = 1e-8
    max_gradient_norm: float = 1.0
    clip_range: float = 1e-4
    clip_unit: ClipUnit = "dimension"
    kl_weight: float = 0.0
    ema_decay: float = 0.0
    precision: Precision = "float32"
    use_gradient_checkpointing: bool = False

    def __post_init__(self) -> None:
        limits = {
            "samples_per_epoch": (1, inf),
            "pictures_per_prompt": (1, inf),
            "update_batch_size": (1, inf),
            "num_passes": (1, inf),
            "timestep_share": (1e-9, 1.0),
            "min_std_share": (0.0, 1.0),
            "learning_rate": (1e-12, inf),
            "weight_decay": (0.0, inf),
            "adam_beta1": (0.0, 0.999999),
            "adam_beta2": (0.0, 0.999999),
            "adam_epsilon": (1e-20, 1.0),
            "max_gradient_norm": (1e-12, inf),
            "clip_range": (1e-12, inf),
            "kl_weight": (0.0, inf),
            "ema_decay": (0.0, 0.999999),
        }
        for name, (low, high) in limits.items():
            _require(f"train.{name}", getattr(self, name), low=low, high=high)
        if self.samples_per_epoch % self.pictures_per_prompt:
            raise ConfigError(
                f"train.samples_per_epoch is {self.samples_per_epoch} and train.pictures_per_prompt "
                f"{self.pictures_per_prompt}; the first must be a multiple of the second. Change one of them."
            )
        if self.samples_per_epoch % self.update_batch_size:
            raise ConfigError(
                f"train.samples_per_epoch is {self.samples_per_epoch} and train.update_batch_size "
                f"{self.update_batch_size}; the first must be a multiple of the second. Change one of them."
            )
        if self.method == "ddpo-sf" and (self.update_batch_size, self.num_passes) != (self.samples_per_epoch, 1):
            raise ConfigError(
                f"train.method is 'ddpo-sf', train.num_passes {self.num_passes} and train.update_batch_size "
                f"{self.update_batch_size} of {self.samples_per_epoch} pictures; the score function holds for the "
                "policy that drew them, so an epoch may have one update. Set train.num_passes to 1 and "
                f"train.update_batch_size to {self.samples_per_epoch}, or train.method to ddpo-is."
            )

    @property
    def is_ddpo(self) -> bool:
        """True for the methods that train the denoising steps that were sampled."""
        return self.method in {"ddpo-is", "ddpo-sf"}

    def clip_per_dimension(self, num_dimensions: int) -> float:
        """How far the ratio per latent dimension may leave 1.

        Args:
            num_dimensions: numbers in one latent.

        Returns:
            The clip range of the ratio whose logarithm is a mean over dimensions.

        Example:
            >>> round(TrainSettings(clip_range=1.64, clip_unit="transition").clip_per_dimension(16_384), 6)
            0.0001
        """
        return self.clip_range if self.clip_unit == "dimension" else self.clip_range / num_dimensions


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterSettings:
    """Which weights move.

    Attributes:
        kind: "lora" for low-rank adapters on attention, "full" for the whole denoiser. Paper: full.
        rank: of LoRA's matrices, at least 1. Source: TRL's DDPO, 4.
        alpha: LoRA's scale is alpha / rank, above 0. Source: TRL's DDPO, 4.
        targets: names of the layers LoRA adapts. Source: TRL's DDPO.
    """

    kind: AdapterKind = "lora"
    rank: int = 4
    alpha: int = 4
    targets: tuple[str, ...] = ("to_q", "to_k", "to_v", "to_out.0")

    def __post_init__(self) -> None:
        _require("adapter.rank", self.rank, low=1, high=4096)
        _require("adapter.alpha", self.alpha, low=1, high=1_000_000)
        if not self.targets:
            raise ConfigError("adapter.targets is empty; LoRA needs at least one layer name, such as 'to_q'. Name one.")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings:
    """Limits and output of a run.

    Attributes:
        max_queries: reward queries, that is pictures scored while training: a hard limit. Paper: 50,000.
        max_seconds: after which no further epoch begins; 0 for no limit.
        checkpoint_every: epochs between checkpoints, at least 1.
        kept_checkpoints: newest checkpoints that are kept, at least 1.
        sample_every: epochs between sheets of the fixed prompts; 0 for none.
        num_samples: pictures on such a sheet, at least 1.
        use_watch: True to score the sheets too, by the reward and by the second one. They are counted apart from the
            queries, since nothing is trained on them, and they show while training goes on whether it still helps.
        patience: sheets in a row with the alarm - the reward above, the second one below that of the base, each by
            more than two standard errors - after which the run stops and keeps the weights of the last sheet without
            it; 0 never to stop early. It needs use_watch.
        use_tensorboard: True to write TensorBoard's files too; it needs the package tensorboard.
    """

    max_queries: int = 1024
    max_seconds: float = 0.0
    checkpoint_every: int = 1
    kept_checkpoints: int = 2
    sample_every: int = 5
    num_samples: int = 8
    use_watch: bool = False
    patience: int = 0
    use_tensorboard: bool = False

    def __post_init__(self) -> None:
        _require("run.max_queries", self.max_queries, low=1, high=inf)
        _require("run.max_seconds", self.max_seconds, low=0, high=inf)
        _require("run.checkpoint_every", self.checkpoint_every, low=1, high=inf)
        _require("run.kept_checkpoints", self.kept_checkpoints, low=1, high=inf)
        _require("run.sample_every", self.sample_every, low=0, high=inf)
        _require("run.num_samples", self.num_samples, low=1, high=1024)
        _require("run.patience", self.patience, low=0, high=inf)
        if self.patience > 0 and not (self.use_watch and self.sample_every > 0):
            raise ConfigError(
                f"run.patience is {self.patience}, run.use_watch {str(self.use_watch).lower()} and run.sample_every "
                f"{self.sample_every}; a run can stop early only where its sheets are drawn and scored. Set "
                "run.use_watch to true and run.sample_every above 0, or run.patience to 0."
            )


def _require(name: str, value: float, *, low: float, high: float) -> None:
    if not low <= value <= high:
        allowed = f"{low:g} or larger" if high == inf else f"from {low:g} to {high:g}"
        raise ConfigError(f"the setting {name} is {value:g}; it must be {allowed}. Change it with --config {name}=...")
