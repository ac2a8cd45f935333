"""Several processes that train together: what they exchange, and one process, which exchanges nothing.

Gradients are summed once per update, after accumulation. Nothing depends on a wrapped module being called, so weights
cannot drift apart silently, and processes may hold different numbers of pictures.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, TypeVar, final

import numpy as np
import torch
from jaxtyping import Float

from rldf.errors import MissingExtraError

Item = TypeVar("Item")


class Processes(ABC):
    """The processes of one training.

    Attributes:
        rank: number of this process, from 0; the first one writes.
        count: how many there are.
    """

    rank: int
    count: int

    @abstractmethod
    def sum_gradients(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        """Sums the gradients of all processes, in place; a missing one counts as zero."""

    @abstractmethod
    def sum_numbers(self, numbers: Float[np.ndarray, " numbers"]) -> Float[np.ndarray, " numbers"]:
        """Sums numbers over all processes."""

    @abstractmethod
    def gather(self, items: list[Item]) -> list[Item]:
        """Joins the lists of all processes, in order of rank; every process gets all."""


@final
class SingleProcess(Processes):
    """One process alone."""

    rank = 0
    count = 1

    def sum_gradients(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        """Leaves gradients as they are, and makes missing ones zero."""
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)

    def sum_numbers(self, numbers: Float[np.ndarray, " numbers"]) -> Float[np.ndarray, " numbers"]:
        """Gives the numbers back."""
        return numbers

    def gather(self, items: list[Item]) -> list[Item]:
        """Gives the items back."""
        return list(items)


@final
class AcceleratedProcesses(Processes):
    """Processes started by `accelerate launch` or `torchrun`.

    Attributes:
        device: of this process.
    """

    def __init__(self, *, is_on_cpu: bool) -> None:
        """Joins the other processes.

        Args:
            is_on_cpu: True to compute and to exchange on the processor.

        Raises:
            MissingExtraError: if accelerate is not installed.
        """
        try:
            from accelerate import PartialState  # an optional extra
        except ImportError as error:
            raise MissingExtraError(
                "several processes need the package 'accelerate', which is not installed; one process does not. "
                "Install it with: pip install 'rldf[train]'."
            ) from error
        self._state: Any = PartialState(cpu=is_on_cpu)
        self.rank = int(self._state.process_index)
        self.count = int(self._state.num_processes)
        self.device = str(self._state.device)

    def sum_gradients(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        """Sums the gradients of all processes, in one message."""
        from accelerate.utils import reduce  # an optional extra

        held = list(parameters)
        rows = [
            torch.zeros_like(parameter) if parameter.grad is None else parameter.grad.contiguous() for parameter in held
        ]
        summed: Any = reduce(torch.cat([row.flatten() for row in rows]), reduction="sum")
        for parameter, row in zip(held, summed.split([parameter.numel() for parameter in held]), strict=True):
            parameter.grad = row.view_as(parameter).clone()

    def sum_numbers(self, numbers: Float[np.ndarray, " numbers"]) -> Float[np.ndarray, " numbers"]:
        """Sums numbers over all processes, in order of rank and in float64."""
        rows = self.gather([np.asarray(numbers, dtype=np.float64)])
        return np.asarray(np.sum(rows, axis=0))

    def gather(self, items: list[Item]) -> list[Item]:
        """Joins the lists of all processes."""
        from accelerate.utils import gather_object  # an optional extra

        gathered: list[Item] = gather_object(list(items))
        return gathered
