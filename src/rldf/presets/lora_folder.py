"""Finds the LoRA that a search draws with: in the folder given, or in that of the fine-tuning run given."""

from pathlib import Path

from rldf.errors import ConfigError
from rldf.finetuning.session import RESULT_FOLDER
from rldf.generators.adapters import WEIGHTS_FILE


def find_lora(folder: Path) -> str:
    """Finds the LoRA of a folder.

    Args:
        folder: holds a LoRA, or is the run folder of a finished fine-tuning.

    Returns:
        The folder that holds it, for the setting model.adapter.

    Raises:
        ConfigError: if there is none.
    """
    for place in (folder, folder / RESULT_FOLDER):
        if (place / WEIGHTS_FILE).is_file():
            return str(place)
    if (folder / "denoiser").is_dir():
        raise ConfigError(
            f"the run '{folder}' trained the whole denoiser and has no LoRA; --lora needs one. Fine-tune with "
            "--config adapter.kind=lora, or put its folder 'denoiser' in the place of the model's 'unet' and give "
            "that model by --model."
        )
    raise ConfigError(
        f"'{folder}' holds no LoRA: there is no {WEIGHTS_FILE} in it, nor in a folder '{RESULT_FOLDER}' of it. "
        "`rldf finetune run` leaves one at its end; give its run folder."
    )
