"""TensorBoard's files, where they are asked for; `epochs.jsonl` holds the same numbers without any extra."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, final

from rldf.errors import MissingExtraError

NUMBERS = ("reward_mean", "reward_std", "reward_min", "reward_max", "gradient_norm", "first_deviation")
LISTS = ("losses", "approx_kl", "clip_fraction", "divergence")


@final
class MetricBoard:
    """Writes the numbers of each epoch for TensorBoard, against reward queries; does nothing without a folder."""

    def __init__(self, run: Path | None) -> None:
        """Opens the board.

        Args:
            run: the run folder; None for no board.

        Raises:
            MissingExtraError: if tensorboard is not installed.
        """
        self._writer: Any = None
        if run is None:
            return
        try:
            from torch.utils.tensorboard import SummaryWriter  # an optional extra
        except ImportError as error:
            raise MissingExtraError(
                "run.use_tensorboard needs the package 'tensorboard', which is not installed; epochs.jsonl needs none. "
                "Install it with: pip install 'rldf[train]'."
            ) from error
        self._writer = SummaryWriter(str(run / "tensorboard"))

    def write(self, line: Mapping[str, Any]) -> None:
        """Writes one epoch.

        Args:
            line: of `epochs.jsonl`.
        """
        if self._writer is None:
            return
        means = {name: sum(line[name]) / len(line[name]) for name in LISTS if line[name]}
        for name, value in {**{name: line[name] for name in NUMBERS}, **means}.items():
            if value is not None:
                self._writer.add_scalar(name, value, global_step=line["queries"])

    def close(self) -> None:
        """Closes the board's file."""
        if self._writer is not None:
            self._writer.close()
