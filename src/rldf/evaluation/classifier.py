"""Trains a ResNet-18 from scratch on pictures and tests it on others: what a synthetic set is worth."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Float32, Int64, UInt8
from PIL import Image as PillowImage
from torch.nn import functional
from transformers import ResNetConfig, ResNetForImageClassification

from rldf.arrays import ImageBatch
from rldf.errors import ConfigError
from rldf.evaluation.checkpoints import TrainingState, load_state, save_state
from rldf.evaluation.recipe import TrainingRecipe
from rldf.seeding import child_rng, child_seed

CHANNEL_MEAN = (0.485, 0.456, 0.406)  # of ImageNet; usual for every picture
CHANNEL_STD = (0.229, 0.224, 0.225)
_TEST_BATCH = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledPictures:
    """Pictures of one size with the numbers of their classes.

    Attributes:
        images: RGB, 0 to 255; may lie on disk.
        labels: class of each.
        class_names: in order of the numbers.
    """

    images: ImageBatch
    labels: Int64[np.ndarray, " batch"]
    class_names: tuple[str, ...]

    def joined(self, other: "LabelledPictures") -> "LabelledPictures":
        """Puts these pictures and others together.

        Args:
            other: of the same classes and size.

        Returns:
            All of them, these first.

        Raises:
            ConfigError: if the classes differ.
        """
        if self.class_names != other.class_names:
            raise ConfigError(
                f"the classes differ ({len(self.class_names)} and {len(other.class_names)}); mixed sets have the same. "
                "Give folders with classes of the same names."
            )
        return LabelledPictures(
            images=np.concatenate([self.images, other.images]),
            labels=np.concatenate([self.labels, other.labels]),
            class_names=self.class_names,
        )

    @property
    def digest(self) -> str:
        """SHA-256 of pictures, labels and class names."""
        digest = sha256("\0".join(self.class_names).encode())
        digest.update(np.ascontiguousarray(self.labels).tobytes())
        for image in self.images:
            digest.update(np.ascontiguousarray(image).tobytes())
        return digest.hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifierScore:
    """What a classifier got right.

    Attributes:
        top1: share of the test pictures whose class came first, 0 to 1.
        top5: share whose class was among the first five; None below six classes.
        per_class: class name to top-1 share; classes without a test picture are left out.
        num_train: training pictures.
        num_test: test pictures.
        num_parameters: of the network.
        recipe: how it was trained.
    """

    top1: float
    top5: float | None
    per_class: dict[str, float]
    num_train: int
    num_test: int
    num_parameters: int
    recipe: TrainingRecipe


OnEpoch = Callable[[int, float], None]
"""Is told the number of finished epochs and the loss of the last."""


def build_network(num_classes: int, *, seed: int) -> torch.nn.Module:
    """Builds a ResNet-18 with random weights: basic layers, 2-2-2-2 of 64-128-256-512 channels."""
    config = ResNetConfig(
        embedding_size=64,
        hidden_sizes=[64, 128, 256, 512],
        depths=[2, 2, 2, 2],
        layer_type="basic",
    )
    config.num_labels = num_classes
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(child_seed(seed, "classifier", "weights"))
        network: torch.nn.Module = ResNetForImageClassification(config)
    return network


def train_and_test(
    train: LabelledPictures,
    test: LabelledPictures,
    *,
    recipe: TrainingRecipe,
    device: str = "cpu",
    checkpoint: Path | None = None,
    on_epoch: OnEpoch | None = None,
) -> ClassifierScore:
    """Trains on one set and tests on another.

    Interrupted, the same call with the same checkpoint goes on to the same end: every epoch's order and crops are
    derived from seed and epoch alone. A checkpoint that is damaged, or of another recipe or other pictures, is a
    `RecordError`.

    Args:
        train: training pictures; any size, all alike.
        test: test pictures of the same classes.
        recipe: how.
        device: where.
        checkpoint: file of the state after each epoch; None to keep none.
        on_epoch: is told of each epoch.

    Returns:
        What it got right.

    Raises:
        ConfigError: if the classes differ, a set is empty, or the loss of an epoch is no finite number.
    """
    if train.class_names != test.class_names or len(train.class_names) < 2:
        raise ConfigError(
            f"the training set has {len(train.class_names)} classes and the test set {len(test.class_names)}; both "
            "need the same, at least two. Give folders with classes of the same names."
        )
    if len(train.labels) < 2 or len(test.labels) == 0:
        raise ConfigError(
            f"there are {len(train.labels)} training and {len(test.labels)} test pictures; 2 and 1 are needed. "
            "Give more."
        )
    training = _Training(train, recipe=recipe, device=device, checkpoint=checkpoint)
    training.run(on_epoch)
    return _score(training.network, train=train, test=test, recipe=recipe, device=device)


@final
class _Training:
    """One training: network, optimiser, and where they stand."""

    def __init__(
        self, pictures: LabelledPictures, *, recipe: TrainingRecipe, device: str, checkpoint: Path | None
    ) -> None:
        self._pictures = pictures
        self._recipe = recipe
        self._device = device
        self._checkpoint = checkpoint
        self.network = build_network(len(pictures.class_names), seed=recipe.seed).to(device)
        decayed = [weight for weight in self.network.parameters() if weight.ndim > 1]
        others = [weight for weight in self.network.parameters() if weight.ndim <= 1]
        self._optimizer = torch.optim.SGD(
            [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": others, "weight_decay": 0.0}],
            lr=recipe.learning_rate,
            momentum=recipe.momentum,
            nesterov=True,
        )
        self._about = {"recipe": asdict(recipe), "pictures": "" if checkpoint is None else pictures.digest}
        self._losses: tuple[float, ...] = ()

    def run(self, on_epoch: OnEpoch | None) -> None:
        """Trains what is left."""
        first = self._resume()
        for epoch in range(first, self._recipe.epochs):
            self._losses = (*self._losses, _finite(self._train_epoch(epoch), epoch=epoch))
            if self._checkpoint is not None:
                state = TrainingState(epoch=epoch + 1, tensors=self._tensors(), losses=self._losses)
                save_state(self._checkpoint, state, about=self._about)
            if on_epoch is not None:
                on_epoch(epoch + 1, self._losses[-1])

    def _train_epoch(self, epoch: int) -> float:
        recipe, pictures = self._recipe, self._pictures
        rng = child_rng(recipe.seed, "classifier", "epoch", epoch)
        order = rng.permutation(len(pictures.labels))
        size = min(recipe.batch_size, len(order))
        num_steps = max(1, len(order) // size)  # a rest too small for batch statistics is left to another epoch
        self.network.train()
        losses = []
        for step in range(num_steps):
            self._set_rate(epoch * num_steps + step, total=recipe.epochs * num_steps, size=size)
            chosen = np.sort(order[step * size : (step + 1) * size])
            pixels = _prepare(augment(pictures.images[chosen], recipe=recipe, rng=rng), self._device)
            labels = torch.from_numpy(pictures.labels[chosen]).to(self._device)
            logits = self.network(pixel_values=pixels).logits
            loss = functional.cross_entropy(logits, labels, label_smoothing=recipe.label_smoothing)
            self._optimizer.zero_grad()
            loss.backward()
            self._optimizer.step()
            losses.append(float(loss.detach()))
        return float(np.mean(losses))

    def _set_rate(self, step: int, *, total: int, size: int) -> None:
        peak = self._recipe.learning_rate * size / 256
        warmup = max(1, round(self._recipe.warmup_share * total))
        rising = (step + 1) / warmup
        falling = 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, total - warmup)))
        for group in self._optimizer.param_groups:
            group["lr"] = peak * (rising if step < warmup else falling)

    def _tensors(self) -> dict[str, torch.Tensor]:
        momenta = {
            f"momentum.{position}": self._optimizer.state[weight]["momentum_buffer"]
            for position, weight in enumerate(self._weights())
        }
        return {**{f"network.{name}": tensor for name, tensor in self.network.state_dict().items()}, **momenta}

    def _weights(self) -> list[Any]:
        return [weight for group in self._optimizer.param_groups for weight in group["params"]]

    def _resume(self) -> int:
        """Takes up a stored state, unless it went astray; tells how many epochs it had."""
        state = None if self._checkpoint is None else load_state(self._checkpoint, about=self._about)
        if state is None or not math.isfinite(state.losses[-1]):
            return 0
        prefix = "network."
        weights = {name[len(prefix) :]: row for name, row in state.tensors.items() if name.startswith(prefix)}
        self.network.load_state_dict(weights)
        for position, weight in enumerate(self._weights()):
            self._optimizer.state[weight]["momentum_buffer"] = state.tensors[f"momentum.{position}"].to(self._device)
        self._losses = state.losses
        return state.epoch


def _finite(loss: float, *, epoch: int) -> float:
    """The loss itself; one that is no number ends the training before its weights are kept."""
    if not math.isfinite(loss):
        raise ConfigError(
            f"the training loss of epoch {epoch + 1} is {loss}; it must be a finite number, and such weights are worth "
            "nothing. Lower the recipe's learning_rate, and train again."
        )
    return loss


def augment(
    images: ImageBatch, *, recipe: TrainingRecipe, rng: np.random.Generator
) -> UInt8[np.ndarray, "batch size size 3"]:
    """Crops each picture by chance, brings it to the size of the network, and mirrors half of them.

    Args:
        images: RGB, 0 to 255.
        recipe: says how much a crop keeps.
        rng: source of all chance.

    Returns:
        Pictures of the recipe's size.
    """
    height, width = images.shape[1:3]
    shares = rng.uniform(recipe.min_crop, 1.0, size=len(images)) ** 0.5
    mirrored = rng.random(len(images)) < 0.5
    crops = []
    for image, share, is_mirrored in zip(images, shares, mirrored, strict=True):
        tall, wide = max(1, round(height * share)), max(1, round(width * share))
        top, left = int(rng.integers(height - tall + 1)), int(rng.integers(width - wide + 1))
        crop = _resized(image[top : top + tall, left : left + wide], recipe.size_px)
        crops.append(crop[:, ::-1] if is_mirrored else crop)
    return np.stack(crops)


def _score(
    network: torch.nn.Module,
    *,
    train: LabelledPictures,
    test: LabelledPictures,
    recipe: TrainingRecipe,
    device: str,
) -> ClassifierScore:
    ranks = np.concatenate(
        [
            _ranks(network, test, rows=slice(start, start + _TEST_BATCH), size_px=recipe.size_px, device=device)
            for start in range(0, len(test.labels), _TEST_BATCH)
        ]
    )
    present = sorted(set(test.labels.tolist()))
    return ClassifierScore(
        top1=float((ranks == 0).mean()),
        top5=float((ranks < 5).mean()) if len(test.class_names) > 5 else None,
        per_class={test.class_names[label]: float((ranks[test.labels == label] == 0).mean()) for label in present},
        num_train=len(train.labels),
        num_test=len(test.labels),
        num_parameters=sum(weight.numel() for weight in network.parameters()),
        recipe=recipe,
    )


def _ranks(
    network: torch.nn.Module, test: LabelledPictures, *, rows: slice, size_px: int, device: str
) -> Int64[np.ndarray, " rows"]:
    """The rank of the right class, for each picture."""
    images = np.stack([_resized(image, size_px) for image in test.images[rows]])
    network.eval()
    with torch.inference_mode():
        logits = network(pixel_values=_prepare(images, device)).logits.cpu().numpy()
    return ranks_of(logits, test.labels[rows])


def ranks_of(
    logits: Float32[np.ndarray, "rows classes"], labels: Int64[np.ndarray, " rows"]
) -> Int64[np.ndarray, " rows"]:
    """Counts the other classes that are not clearly less likely than the right one: a tie is no success, NaN neither.

    Args:
        logits: one per class; larger is likelier.
        labels: right classes.

    Returns:
        From 0, where the right class alone comes first, to the number of classes less one.
    """
    own = logits[np.arange(len(logits)), labels][:, None]
    return np.asarray((~(logits < own)).sum(axis=1) - 1, dtype=np.int64)


def _resized(image: np.ndarray, size_px: int) -> np.ndarray:
    picture = PillowImage.fromarray(np.ascontiguousarray(image))
    return np.asarray(picture.resize((size_px, size_px), PillowImage.Resampling.BILINEAR))


def _prepare(images: ImageBatch, device: str) -> torch.Tensor:
    pixels: Float32[np.ndarray, "batch height width 3"] = images.astype(np.float32) / np.float32(255)
    scaled = (pixels - np.array(CHANNEL_MEAN, np.float32)) / np.array(CHANNEL_STD, np.float32)
    return torch.from_numpy(np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))).to(device)
