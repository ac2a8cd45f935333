"""Draws with any text-to-image pipeline of diffusers, one seed per picture."""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any, final

import diffusers
import numpy as np
import torch
import transformers

from rldf.arrays import ImageBatch
from rldf.contracts import ImageGenerator
from rldf.errors import ConfigError, GenerationError, MissingExtraError
from rldf.generators.cpu_workers import check_not_stopped, one_thread, run_in_order
from rldf.generators.pipeline_layout import arrange, describe_layout, find_denoiser, takes_one_thread, twin
from rldf.generators.pipeline_loading import LoadedPipeline, load_pipeline
from rldf.generators.pixels import PendingPixels, require_unflagged
from rldf.generators.prompt_embeddings import PromptEmbeddings
from rldf.generators.requests import check_request
from rldf.generators.settings import GenerationSettings
from rldf.hub import Announce
from rldf.records.percept import Prompt


@final
class DiffusersGenerator(ImageGenerator):
    """Draws pictures with a diffusers pipeline.

    Every picture has a seed of its own, drawn on the CPU, so a seed means the same noise on every device, in any
    batch and at any place in it. (torch reads the last 32 bits of a seed.) Whether the *bits* of a picture depend on
    the other pictures of its batch is the setting `exact_batches`; where they do, they differ by rounding alone.

    Attributes:
        settings: how it draws, with the model's own values filled in.
        digest: hub commit, or SHA-256 of weights and configuration.
        batch_size: pictures drawn together at present; halved when memory ran out.
        denoiser_evaluations: evaluations of the denoiser so far; a guided step of one picture counts two.
    """

    def __init__(self, loaded: LoadedPipeline, *, device: torch.device) -> None:
        """Takes over a loaded pipeline.

        Args:
            loaded: the pipeline, already on its device or set up to go there part by part.
            device: where it runs.
        """
        self._pipeline: Any = loaded.pipeline
        self._device = device
        self._parameters = inspect.signature(type(loaded.pipeline).__call__).parameters
        self._embeddings = PromptEmbeddings(loaded.pipeline, device=device, parameter_names=frozenset(self._parameters))
        self._name = loaded.name
        self.digest = loaded.digest
        self.settings = loaded.settings
        steps, guidance_scale = loaded.settings.steps, loaded.settings.guidance_scale
        self._steps = int(self._own_default("num_inference_steps") if steps is None else steps)
        self._guidance_scale = float(self._own_default("guidance_scale") if guidance_scale is None else guidance_scale)
        is_exact = loaded.settings.exact_batches
        self._is_exact = device.type == "cpu" if is_exact is None else is_exact
        self.batch_size = 1 if self._is_exact else loaded.settings.max_batch_size
        self.denoiser_evaluations = 0
        self._counting = Lock()
        self._denoiser: Any = find_denoiser(self._pipeline)
        self._has_workers = self._is_exact and device.type == "cpu" and takes_one_thread(self._denoiser)
        self._denoiser.register_forward_pre_hook(self._count, with_kwargs=True)
        if loaded.settings.attention_slicing:
            self._pipeline.enable_attention_slicing()
        arrange(self._pipeline, device=device, is_compiled=loaded.settings.compiled)

    @property
    def identity(self) -> str:
        """Model, digest of its weights and every setting that changes pixels, as one line."""
        batches = "exact" if self._is_exact else f"up to {self.settings.max_batch_size}"
        parts: dict[str, object] = {
            "pipeline": type(self._pipeline).__name__,
            "model": self._name,
            "digest": self.digest,
            "autoencoder": self.settings.autoencoder or "own",
            "scheduler": type(self._pipeline.scheduler).__name__,
            "steps": self._steps,
            "guidance_scale": self._guidance_scale,
            "size_px": self.settings.size_px or "own",
            "attention_slicing": self.settings.attention_slicing,
            "dtype": str(self._denoiser.dtype).removeprefix("torch."),
            "device": self._device.type,
            "batches": batches,
        }
        if self.settings.compiled:
            parts["compiled"] = True
        return "diffusers " + " ".join(f"{name}={value}" for name, value in parts.items())

    @property
    def pipeline(self) -> diffusers.DiffusionPipeline:
        """The pipeline it draws with, for those who need its insides."""
        pipeline: diffusers.DiffusionPipeline = self._pipeline
        return pipeline

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        return self._device

    @property
    def num_steps(self) -> int:
        """Denoising steps of one picture."""
        return self._steps

    @property
    def guidance_scale(self) -> float:
        """Strength of the guidance; 1 or less for none."""
        return self._guidance_scale

    @property
    def numerics(self) -> str:
        """What else decides the last bit: versions, processor, threads. No setting, so not in the identity.

        The render cache keeps it in its keys, so that a run never depends on what another set-up left there.
        """
        is_cuda = self._device.type == "cuda"
        processor = torch.cuda.get_device_name(self._device) if is_cuda else torch.backends.cpu.get_cpu_capability()
        return (
            f"torch={torch.__version__} diffusers={diffusers.__version__} transformers={transformers.__version__} "
            f"processor={processor} threads={1 if self._has_workers else torch.get_num_threads()} "
            f"layout={describe_layout(self._device, dtype=self._denoiser.dtype)}"
        )

    @property
    def evaluations_per_picture(self) -> int:
        """Evaluations of the denoiser that one picture takes: steps, twice where guided."""
        order = int(getattr(self._pipeline.scheduler, "order", 1))
        passes = self._steps * order - (order - 1)  # a second-order solver skips the correction of its last step
        return int(passes * (2 if self._is_guided else 1))

    def generate(self, prompts: Sequence[Prompt], *, seeds: Sequence[int]) -> ImageBatch:
        """Draws one picture per prompt and seed.

        Args:
            prompts: what to draw.
            seeds: one per prompt, 0 to 2**63 - 1; equal seeds give equal pictures.

        Returns:
            The pictures in the order of the prompts, RGB, 0 to 255. A `GenerationError` tells where seeds do not fit,
            memory runs out at a single picture, pixels are not numbers, or the safety checker flags a picture.
        """
        check_request(prompts, seeds=seeds)
        if not prompts:
            side = self.settings.size_px or 0
            return np.zeros((0, side, side, 3), dtype=np.uint8)
        if self._has_workers:
            return self._draw_apart(prompts, seeds=seeds)
        return np.concatenate(list(self._draw_batches(prompts, seeds=seeds)))

    def generate_batches(self, prompts: Sequence[Prompt], *, seeds: Sequence[int]) -> Iterator[ImageBatch]:
        """Draws like `generate`, and gives the pictures batch by batch, the next one already begun on a CUDA card.

        Args:
            prompts: what to draw.
            seeds: one per prompt, 0 to 2**63 - 1.

        Yields:
            Pictures in the order of the prompts, at most `max_batch_size` at a time.
        """
        check_request(prompts, seeds=seeds)
        if not self._has_workers:
            yield from self._draw_batches(prompts, seeds=seeds)
            return
        for start in range(0, len(prompts), self.settings.max_batch_size):
            batch = slice(start, start + self.settings.max_batch_size)
            yield self._draw_apart(prompts[batch], seeds=seeds[batch])

    def _draw_apart(self, prompts: Sequence[Prompt], *, seeds: Sequence[int]) -> ImageBatch:
        """Draws each picture alone, on one thread of the processor, and several at once."""
        with one_thread():
            arguments = [self._embeddings.arguments_for([prompt], is_guided=self._is_guided) for prompt in prompts]
        num_workers = 1 if self.settings.compiled else min(torch.get_num_threads(), len(prompts))
        pipelines = [self._pipeline] if num_workers == 1 else [twin(self._pipeline) for _ in range(num_workers)]

        def draw_with(pipeline: object, number: int) -> ImageBatch:
            only = slice(number, number + 1)
            with self._memory_named():
                return self._draw(pipeline, arguments[number], prompts=prompts[only], seeds=seeds[only]).fetch()

        return np.concatenate(run_in_order([partial(draw_with, each) for each in pipelines], count=len(prompts)))

    def _draw_batches(self, prompts: Sequence[Prompt], *, seeds: Sequence[int]) -> Iterator[ImageBatch]:
        """Draws joint batches; each is handed out when the next has been begun."""
        begun: PendingPixels | None = None
        num_begun = 0
        while num_begun < len(prompts):
            batch = slice(num_begun, num_begun + self.batch_size)
            drawn = self._draw_or_shrink(prompts[batch], seeds=seeds[batch])
            if drawn is None:
                continue
            num_begun += len(prompts[batch])
            if begun is not None:
                yield begun.fetch()
            begun = drawn
        if begun is not None:
            yield begun.fetch()

    def _draw_or_shrink(self, prompts: Sequence[Prompt], *, seeds: Sequence[int]) -> PendingPixels | None:
        """Draws a batch; where memory runs out, halves the batch size for good and gives None, unless it is fixed."""
        try:
            with self._memory_named():
                arguments = self._embeddings.arguments_for(prompts, is_guided=self._is_guided)
                return self._draw(self._pipeline, arguments, prompts=prompts, seeds=seeds)
        except GenerationError as error:
            if len(prompts) == 1 or not _is_out_of_memory(error.__cause__):
                raise
            if self.settings.fixed_batches:
                raise GenerationError(
                    f"memory ran out on '{self._device}' at {len(prompts)} pictures drawn together; the batches are "
                    "fixed, and each must fit. Plan with a smaller --batch-size, or with --low-memory."
                ) from error.__cause__
        self.batch_size = (len(prompts) + 1) // 2
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
        return None

    def _draw(
        self, pipeline: object, arguments: Mapping[str, object], *, prompts: Sequence[Prompt], seeds: Sequence[int]
    ) -> PendingPixels:
        """Draws one batch with the arguments that say what."""
        sampling: dict[str, object] = {"num_inference_steps": self._steps}
        sampling["generator"] = [torch.Generator("cpu").manual_seed(seed) for seed in seeds]
        if "guidance_scale" in self._parameters:
            sampling["guidance_scale"] = self._guidance_scale
        if self.settings.size_px is not None:
            sampling["height"] = sampling["width"] = self.settings.size_px
        call: Any = pipeline
        output = call(**arguments, **sampling, output_type="pt")
        require_unflagged(output, prompts=prompts, seeds=seeds)
        return PendingPixels(output.images)

    @contextmanager
    def _memory_named(self) -> Iterator[None]:
        """Turns running out of memory into a `GenerationError`; it stays its cause."""
        try:
            yield
        except (torch.OutOfMemoryError, RuntimeError) as error:
            if not _is_out_of_memory(error):
                raise
            raise GenerationError(
                f"memory ran out on '{self._device}' at a single picture of {self.settings.size_px or 'its own'} "
                "px; at least one must fit. Use --low-memory, a smaller size, float16, or another device."
            ) from error

    @property
    def _is_guided(self) -> bool:
        """True where the pipeline predicts twice, as it decides itself."""
        config = self._denoiser.config
        return self._guidance_scale > 1 and getattr(config, "time_cond_proj_dim", None) is None

    def _own_default(self, parameter: str) -> float:
        """What the pipeline's call does by itself; 0 for what it does not do."""
        default = self._parameters[parameter].default if parameter in self._parameters else 0.0
        return float(default)

    def _count(self, module: torch.nn.Module, inputs: tuple[Any, ...], named: dict[str, Any]) -> None:
        """Counts one evaluation per row of the batch that goes into the denoiser."""
        del module
        check_not_stopped()
        batch: torch.Tensor = inputs[0] if inputs else named["sample" if "sample" in named else "hidden_states"]
        with self._counting:
            self.denoiser_evaluations += len(batch)


def load_diffusers_generator(
    model: str | Path,
    *,
    device: torch.device | str,
    dtype: torch.dtype,
    settings: GenerationSettings,
    low_memory: bool,
    announce: Announce,
    revision: str | None = None,
) -> DiffusersGenerator:
    """Loads a text-to-image model: safetensors only, and nothing is downloaded unannounced.

    Args:
        model: hub id, folder written by `save_pretrained`, or one .safetensors checkpoint.
        device: where it runs, such as "cpu" or "cuda".
        dtype: number format of its weights; the paper's is float16, on a graphics card.
        settings: how it draws.
        low_memory: True to keep each part on the card only while it works; on a CPU there is nothing to gain.
        announce: is given one line, size and place, before anything is downloaded.
        revision: branch, tag or commit on the hub; None for the main branch.

    Returns:
        The generator. A `ModelUnavailableError` tells where there is no such model or it cannot be loaded safely, a
        `ConfigError` where the device is not there or cannot compute in that dtype.

    Raises:
        MissingExtraError: if low memory is asked for and accelerate is not installed.
    """
    place = torch.device(device)
    offloads = low_memory and place.type != "cpu"
    if offloads and find_spec("accelerate") is None:
        raise MissingExtraError(
            "low memory needs the package 'accelerate', which is not installed; it moves parts between memories. "
            "Install it with: pip install 'rldf[train]'."
        )
    _require_device(place, dtype=dtype)
    loaded = load_pipeline(model, dtype=dtype, settings=settings, announce=announce, revision=revision)
    pipeline: Any = loaded.pipeline
    if offloads:
        pipeline.enable_model_cpu_offload(device=place)
    else:
        pipeline.to(place)
    return DiffusersGenerator(loaded, device=place)


def _require_device(device: torch.device, *, dtype: torch.dtype) -> None:
    if device.type == "cpu":
        if dtype == torch.float16:
            raise ConfigError(
                "dtype float16 is for graphics cards; a cpu computes in float32 or bfloat16. Use --dtype float32."
            )
        return
    is_present = torch.cuda.is_available() if device.type == "cuda" else torch.backends.mps.is_available()
    if not is_present or device.type not in {"cuda", "mps"}:
        raise ConfigError(
            f"the device '{device}' is not present here; cpu always is, cuda and mps where the machine and the build "
            "of torch have them. Use --device cpu."
        )


def _is_out_of_memory(error: BaseException | None) -> bool:
    """Tells running out of memory from other failures; only CUDA has an error class for it."""
    if isinstance(error, torch.OutOfMemoryError):
        return True
    message = str(error)
    return "out of memory" in message or "can't allocate memory" in message
