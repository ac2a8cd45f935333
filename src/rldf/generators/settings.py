"""How a local diffusion model draws: every setting that changes pixels, and the paper's values."""

from dataclasses import dataclass

from rldf.errors import ConfigError, did_you_mean

SCHEDULERS = ("model", "dpm-solver-multistep")
"""Solvers a user can choose: the model's own, or DPM-Solver++ multistep made from the model's noise schedule."""

SIZE_MULTIPLE_PX = 8  # latent diffusion models work on an eighth of the side

NEGATIVE_TERMS = (
    "low quality",
    "low resolution",
    "blurry",
    "out of focus",
    "noise",
    "jpeg artifacts",
    "overexposed",
    "underexposed",
    "deformed",
    "disfigured",
    "bad anatomy",
    "extra limbs",
    "missing limbs",
    "cropped",
    "duplicate",
    "collage",
    "border",
    "text",
    "watermark",
    "signature",
)
"""What pictures are usually steered away from. Our choice: the paper uses such a list but does not print it."""

NEGATIVE_PROMPT = ", ".join(NEGATIVE_TERMS)
"""The negative terms as one text, for `Prompt.negative`; 77 tokens of CLIP hold all of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationSettings:
    """How a diffusion model draws. None stands for the model's own value.

    The model's own value is what its folder's `rldf.json` says, and where it has none, the default of its pipeline.
    Guidance is classifier-free: prediction = uncond + guidance_scale * (cond - uncond), where `uncond` is the
    prediction for the negative text; at 1 or below the negative text is not used and half the evaluations are saved.

    Attributes:
        steps: denoising steps, at least 1.
        guidance_scale: w in uncond + w (cond - uncond), 0 or larger.
        size_px: side of the square pictures, a multiple of 8.
        scheduler: "model" for the model's own solver, or "dpm-solver-multistep".
        autoencoder: hub id or folder of an autoencoder that replaces the model's own; None to keep it.
        adapter: hub id or folder of a LoRA adapter that is added to the weights; "" for none. The embedded model's own
            takes few steps.
        attention_slicing: True to compute attention in slices: less memory, slower.
        max_batch_size: pictures drawn together at most, at least 1. Halved by itself when memory runs out.
        fixed_batches: True to fail when memory runs out, and never draw fewer together than was asked for.
        exact_batches: True to draw every picture in a batch of its own, so that its bits never depend on the
            others; None for True on a CPU, False elsewhere. On a CPU a small model then draws each picture on one
            thread, and as many at once as torch has threads: the bits do not depend on the number of cores either.
        compiled: True to compile the denoiser and the decoder at the first picture of each size of batch; that takes
            a minute or more and pays when thousands of pictures follow.
        safety_checker: True to load the model's safety checker, where it has one. A flagged picture is then an
            error and never a black frame.

    Raises:
        ConfigError: if a value is out of its range.
    """

    steps: int | None = None
    guidance_scale: float | None = None
    size_px: int | None = None
    scheduler: str = "model"
    autoencoder: str | None = None
    adapter: str | None = None
    attention_slicing: bool = False
    max_batch_size: int = 8
    fixed_batches: bool = False
    exact_batches: bool | None = None
    compiled: bool = False
    safety_checker: bool = False

    def __post_init__(self) -> None:
        if self.steps is not None and self.steps < 1:
            raise ConfigError(f"steps is {self.steps}; a picture takes at least 1 denoising step. Give 12 to 50.")
        if self.guidance_scale is not None and not 0.0 <= self.guidance_scale < float("inf"):
            raise ConfigError(
                f"guidance_scale is {self.guidance_scale}; it must be a finite number, 0 or larger. Give 1 to 10."
            )
        if self.size_px is not None and (self.size_px < SIZE_MULTIPLE_PX or self.size_px % SIZE_MULTIPLE_PX):
            raise ConfigError(
                f"size_px is {self.size_px}; it must be a multiple of {SIZE_MULTIPLE_PX} and larger than 0. Give 512."
            )
        if self.scheduler not in SCHEDULERS:
            raise ConfigError(
                f"there is no scheduler {self.scheduler!r}; there are: {', '.join(SCHEDULERS)}."
                f"{did_you_mean(self.scheduler, SCHEDULERS) or ' Choose one of them.'}"
            )
        if self.max_batch_size < 1:
            raise ConfigError(
                f"max_batch_size is {self.max_batch_size}; at least 1 picture is drawn at a time. Give 1 to 64."
            )


PAPER_SETTINGS = GenerationSettings(
    steps=20,
    guidance_scale=7.5,  # the usual value of Stable Diffusion; the paper names none
    size_px=512,
    scheduler="dpm-solver-multistep",
    autoencoder="stabilityai/sd-vae-ft-mse",
    attention_slicing=True,
)
"""The paper's, with float16 on a graphics card and negative prompts. Source: section 4, arXiv 2311.15648."""
