"""Joins image model and scorer to the gradient of the reward with respect to relaxed terms."""

from collections.abc import Sequence
from typing import final

import numpy as np
import torch

from rldf.errors import ConfigError
from rldf.generators.diffusers_local import DiffusersGenerator
from rldf.generators.relaxed_drawing import RelaxedDrawing
from rldf.gradient.relaxed import Shares, TermGradient
from rldf.perception.embedded import HeadsPerception
from rldf.records import Percept, Prompt
from rldf.search import SearchParts
from rldf.space import Encoding

NUM_STEPS_BACK = 2  # of the denoising steps; our choice


@final
class WhiteBoxGradient:
    """The gradient of the agreement with a target, through scorer A and the last denoising steps, to the terms.

    The prompt embedding of a mixture is that of the present sentence, plus the shares of what changing one term alone
    would change in it: exact where one axis is mixed, the first order where several are.

    Attributes:
        charge: what was spent so far, in renders.
        num_gradients: gradients so far.
        encoder_calls: sentences embedded so far.
    """

    def __init__(self, parts: SearchParts, *, wish: Percept, seed: int, num_steps_back: int = NUM_STEPS_BACK) -> None:
        """Prepares a target.

        Args:
            parts: of a search, without a render cache; its generator is Stable Diffusion, its scorer one with heads.
            wish: what scorer A reads in the target.
            seed: draws every picture.
            num_steps_back: last denoising steps that the gradient goes through.

        Raises:
            ConfigError: if the parts are of another kind.
        """
        if not isinstance(parts.image_generator, DiffusersGenerator) or not isinstance(
            parts.perception, HeadsPerception
        ):
            raise ConfigError(
                f"the white-box gradient needs a local image model without a cache and a scorer with heads, and these "
                f"are {type(parts.image_generator).__name__} and {type(parts.perception).__name__}. Set "
                "model.use_cache to false and perception.kind to 'embedded'."
            )
        self._parts = parts
        self._perception = parts.perception
        self._drawing = RelaxedDrawing(parts.image_generator, num_steps_back=num_steps_back)
        self._wish = wish
        self._seed = seed
        self._sentences: dict[str, torch.Tensor] = {}
        self.charge = 0.0
        self.num_gradients = 0

    @property
    def encoder_calls(self) -> int:
        """Sentences embedded so far."""
        return len(self._sentences)

    def __call__(self, here: Encoding, shares: Shares) -> TermGradient:
        """Draws a mixture around an encoding and differentiates.

        Args:
            here: the present encoding.
            shares: for each axis, how much of each term.

        Returns:
            For each axis one number per term; zeros on axes of which scorer A is unsure in the target are left to what
            the others say.
        """
        mixed = [torch.tensor(np.asarray(row, dtype=np.float32), requires_grad=True) for row in shares]
        self.charge += self._drawing.cost
        self.num_gradients += 1
        with torch.enable_grad():
            reward = self.reward_of(here, mixed)
        gradients = torch.autograd.grad(reward, mixed)
        return tuple(np.asarray(part.double().cpu().numpy()) for part in gradients)

    def reward_of(self, here: Encoding, shares: Sequence[torch.Tensor]) -> torch.Tensor:
        """Draws a mixture and rewards it; uncounted.

        Args:
            here: the present encoding.
            shares: for each axis one number per term; may want gradients.

        Returns:
            Agreement with the target, 0 to 1, as one number.
        """
        mixture = self._mixture(here, shares)
        return self._reward(self._drawing.draw(mixture, seed=self._seed, negative=self._parts.negative_prompt))

    def _mixture(self, here: Encoding, shares: Sequence[torch.Tensor]) -> torch.Tensor:
        base = self._embed(here)
        mixture = base
        for place, row in enumerate(shares):
            others = [
                self._embed(Encoding((*here.indices[:place], term, *here.indices[place + 1 :]))) - base
                for term in range(len(row))
            ]
            mixture = mixture + torch.einsum("t,t...->...", row.to(base), torch.stack(others))
        return mixture

    def _embed(self, encoding: Encoding) -> torch.Tensor:
        text = self._parts.grammar.render(encoding)
        if text not in self._sentences:
            self._sentences[text] = self._drawing.embed(Prompt(text=text))
        return self._sentences[text]

    def _reward(self, picture: torch.Tensor) -> torch.Tensor:
        """Mean probability of the target's terms on the axes that are sure, as the agreement reward counts it."""
        wish = self._wish
        probabilities = self._perception.differentiable_probabilities(picture)
        counted = [
            row[index]
            for axis, row, index in zip(self._perception.space.axes, probabilities, wish.encoding.indices, strict=True)
            if axis.id not in wish.unsure_axes
        ]
        return torch.stack(counted).mean()
