"""Which weights move: LoRA through PEFT, or the whole denoiser; with the base model kept as a reference."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, final

import diffusers
import torch
from diffusers import UNet2DConditionModel
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from rldf.errors import ConfigError, MissingExtraError, RecordError
from rldf.finetuning.settings import AdapterSettings
from rldf.seeding import child_seed


@final
class TrainableDenoiser:
    """The denoiser, of which some weights are trained, always in evaluation mode: dropout would change the policy.

    Attributes:
        unet: the denoiser with what is trained in it.
        settings: which weights move.
    """

    def __init__(self, unet: UNet2DConditionModel, settings: AdapterSettings, *, seed: int, has_base: bool) -> None:
        """Freezes the denoiser and makes what is trained.

        Args:
            unet: changed in place.
            settings: which weights move.
            seed: root seed; LoRA's first values come from it.
            has_base: True to keep the base model for comparison; LoRA has it for nothing.
        """
        self.unet: Any = unet
        self.settings = settings
        self.unet.requires_grad_(requires_grad=False)
        self.unet.eval()
        self._base: Any = None
        if settings.kind == "lora":
            _add_lora(self.unet, settings, seed=seed)
        else:
            self.unet.float()  # weights that move are kept in float32, whatever it computes in
            self._base = copy.deepcopy(self.unet) if has_base else None
            self.unet.requires_grad_(requires_grad=True)

    @property
    def frozen_dtype(self) -> torch.dtype | None:
        """Number format of the weights that do not move; None where all of them move."""
        return next((weight.dtype for weight in self.unet.parameters() if not weight.requires_grad), None)

    @property
    def has_base(self) -> bool:
        """True where the base model is there to compare with."""
        return self.settings.kind == "lora" or self._base is not None

    @property
    def trained(self) -> dict[str, torch.nn.Parameter]:
        """Name to parameter, for all that is trained, in a fixed order."""
        return {name: weight for name, weight in self.unet.named_parameters() if weight.requires_grad}

    @contextmanager
    def base(self) -> Iterator[Any]:
        """Gives the denoiser as it was before training, for as long as the block lasts.

        Yields:
            The base denoiser, not to be trained.

        Raises:
            ConfigError: if the whole denoiser is trained and no base was kept.
        """
        if self.settings.kind == "lora":
            self.unet.disable_adapters()
            try:
                yield self.unet
            finally:
                self.unet.enable_adapters()
            return
        if self._base is None:
            raise ConfigError(
                "adapter.kind is 'full' and no base model was kept; comparing with the base needs one. "
                "Set train.kl_weight above 0, or adapter.kind to 'lora'."
            )
        yield self._base

    @contextmanager
    def holding(self, weights: dict[str, torch.Tensor]) -> Iterator[None]:
        """Puts other values in the place of what is trained, for as long as the block lasts.

        Args:
            weights: name to value, for every trained parameter.
        """
        kept = {name: weight.detach().clone() for name, weight in self.trained.items()}
        self.load(weights)
        try:
            yield
        finally:
            self.load(kept)

    def load(self, weights: dict[str, torch.Tensor]) -> None:
        """Sets what is trained.

        Args:
            weights: name to value, for every trained parameter.

        Raises:
            ConfigError: if the names differ.
        """
        trained = self.trained
        if set(weights) != set(trained):
            missing = sorted(set(trained) ^ set(weights))[:3]
            raise ConfigError(
                f"the stored weights do not fit the model: {', '.join(missing)} differ; the names must be the same. "
                "Use the model and the adapter the run was begun with."
            )
        with torch.no_grad():
            for name, weight in trained.items():
                weight.copy_(weights[name].to(weight))

    def save(self, folder: Path) -> Path:
        """Writes what was trained in the form that diffusers loads.

        Args:
            folder: made if missing; LoRA weights go there for `load_lora_weights`, else the denoiser for
                `UNet2DConditionModel.from_pretrained`.

        Returns:
            The folder.
        """
        folder.mkdir(parents=True, exist_ok=True)
        if self.settings.kind == "full":
            with _writing(folder):
                self.unet.save_pretrained(folder, safe_serialization=True)
            return folder
        from peft.utils import get_peft_model_state_dict  # an optional extra

        layers = get_peft_model_state_dict(self.unet)  # PEFT's own names: diffusers' older ones lack convolutions
        pipeline: Any = diffusers.StableDiffusionPipeline
        with _writing(folder):
            pipeline.save_lora_weights(
                folder,
                unet_lora_layers={name: weight.float().contiguous() for name, weight in layers.items()},
                unet_lora_adapter_metadata=self.unet.peft_config["default"].to_dict(),
                safe_serialization=True,
            )
        return folder


def write_weights(weights: dict[str, torch.Tensor], path: Path) -> None:
    """Writes named tensors as one safetensors file; a full disk gives a `RecordError`."""
    with _writing(path):
        save_file({name: weight.detach().cpu().contiguous() for name, weight in weights.items()}, path)


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """Reads named tensors from one safetensors file."""
    weights: dict[str, torch.Tensor] = load_file(path)
    return weights


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Says clearly that weights cannot be written; safetensors tells a full disk in a class of its own."""
    try:
        yield
    except (OSError, SafetensorError) as error:
        raise RecordError(
            f"the weights '{path}' cannot be written: {error}; the former checkpoint is whole. Free space, then go on "
            "with `rldf finetune run --resume`."
        ) from error


def _add_lora(unet: Any, settings: AdapterSettings, *, seed: int) -> None:  # noqa: ANN401 - diffusers is untyped
    """Adds low-rank matrices, in float32; one of each pair is zero, so the policy is the base's at first."""
    try:
        from peft import LoraConfig  # an optional extra
    except ImportError as error:
        raise MissingExtraError(
            "LoRA needs the package 'peft', which is not installed; adapter.kind 'full' does not need it. "
            "Install it with: pip install 'rldf[train]'."
        ) from error
    named = {name for name, module in unet.named_modules() if isinstance(module, torch.nn.Linear | torch.nn.Conv2d)}
    if not any(name.endswith(f".{target}") for name in named for target in settings.targets):
        raise ConfigError(
            f"adapter.targets is {', '.join(settings.targets)}, and no layer of the denoiser is named so; its layers "
            f"end in names such as {', '.join(sorted({name.rpartition('.')[2] for name in named})[:6])}. Name others."
        )
    config = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        init_lora_weights="gaussian",
        target_modules=list(settings.targets),
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(child_seed(seed, "finetune", "lora"))
        unet.add_adapter(config)
    for weight in unet.parameters():
        if weight.requires_grad:
            weight.data = weight.data.float()
    unet.eval()
