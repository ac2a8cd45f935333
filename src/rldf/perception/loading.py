"""Loading of transformers models: safetensors only, every weight present, nothing printed."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import torch
from transformers import AutoImageProcessor, BaseImageProcessor, PreTrainedModel
from transformers.utils import logging as transformers_logging

from rldf.errors import ModelUnavailableError, first_line
from rldf.hub import require_safetensors

_hide_bars: Callable[[], None] = transformers_logging.disable_progress_bar
_show_bars: Callable[[], None] = transformers_logging.enable_progress_bar


def load_weights(
    from_pretrained: Callable[..., object], folder: Path, *, device: str, dtype: torch.dtype = torch.float32
) -> PreTrainedModel:
    """Loads a model for reading: on its device, in evaluation mode, without gradients.

    Args:
        from_pretrained: that method of a transformers model class.
        folder: a local model folder with safetensors weights.
        device: where it runs, such as "cpu" or "cuda:0".
        dtype: number format of its weights.

    Returns:
        The model.

    Raises:
        ModelUnavailableError: if the folder cannot be loaded, or lacks weights of that kind of model.
    """
    require_safetensors(folder)
    try:
        with quiet_transformers():
            loaded = from_pretrained(
                folder, use_safetensors=True, local_files_only=True, dtype=dtype, output_loading_info=True
            )
    except Exception as error:  # transformers raises many kinds for a damaged folder
        raise ModelUnavailableError(
            f"the model in '{folder}' cannot be loaded: {first_line(error)}. It must be a folder written by "
            "save_pretrained for this kind of model. Check the folder, or copy it again."
        ) from error
    model, report = cast(tuple[PreTrainedModel, dict[str, set[str]]], loaded)
    missing = sorted(report["missing_keys"])
    if missing:
        raise ModelUnavailableError(
            f"the model in '{folder}' lacks {len(missing)} weights, such as '{missing[0]}'; all weights of a "
            f"{type(model).__name__} are needed. Give a model of that kind."
        )
    for weight in model.parameters():
        weight.requires_grad = False
    module: torch.nn.Module = model
    module.to(torch.device(device))
    return model


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Keeps transformers from printing progress bars and advice while it loads."""
    verbosity = transformers_logging.get_verbosity()
    shows_bars = transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity(logging.ERROR)
    _hide_bars()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(verbosity)
        if shows_bars:
            _show_bars()


def load_image_processor(folder: Path) -> BaseImageProcessor:
    """Loads the image processor of a model folder in its Pillow form.

    Args:
        folder: a local model folder with preprocessor_config.json.

    Returns:
        The processor.

    Raises:
        ModelUnavailableError: if the folder has none.
    """
    load: Callable[..., BaseImageProcessor] = AutoImageProcessor.from_pretrained
    try:
        with quiet_transformers():
            return load(folder, backend="pil", local_files_only=True)
    except Exception as error:  # transformers raises many kinds for a damaged folder
        raise ModelUnavailableError(
            f"the image processor in '{folder}' cannot be loaded: {first_line(error)}. A model folder for perception "
            "needs preprocessor_config.json. Copy the folder again."
        ) from error
