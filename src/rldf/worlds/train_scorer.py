"""Trains the two scorers on drawn pictures: A, a small CLIP, guides; B, a ResNet, only judges."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, final

import torch
from jaxtyping import Float
from torch import nn
from torch.nn.functional import avg_pool2d, cross_entropy, interpolate, normalize
from transformers import (
    CLIPConfig,
    CLIPModel,
    PreTrainedTokenizerFast,
    ResNetConfig,
    ResNetModel,
)

from rldf.grammar import Grammar
from rldf.seeding import child_seed
from rldf.worlds.codec import PatchCodec
from rldf.worlds.pictures import DrawnBatch, DrawnSplit, drawn_batches
from rldf.worlds.text import MAX_TOKENS, tokenize

ScorerName = Literal["a", "b"]
SCORER_NAMES: tuple[ScorerName, ...] = ("a", "b")
IMAGE_SIZE_PX = 64
FEATURES = {"a": 64, "b": 128}
PIXEL_MEAN, PIXEL_STD = 0.5, 0.25  # our choice, the same for every channel


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorerTraining:
    """Settings of a scorer's training; every number is our choice.

    Attributes:
        num_pictures: drawn pictures seen in all; each is new.
        batch_size: pictures an update.
        learning_rate: highest rate of the one-cycle schedule.
        seed: root seed of the world; A and B draw different splits from it.
        num_workers: processes that draw ahead.
        size_px: side of the drawn pictures.
    """

    num_pictures: int = 48_000
    batch_size: int = 64
    learning_rate: float = 1e-3
    seed: int = 0
    num_workers: int = 1
    size_px: int = 128


def build_clip(vocabulary_size: int) -> CLIPModel:
    """Builds an untrained scorer A: a small CLIP of 64 px and 8 px patches, 64 features."""
    text = {
        "vocab_size": vocabulary_size,
        "hidden_size": 128,
        "intermediate_size": 512,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "max_position_embeddings": MAX_TOKENS,
        "pad_token_id": 0,
        "bos_token_id": 1,
        "eos_token_id": 2,
    }
    vision = {
        "image_size": IMAGE_SIZE_PX,
        "patch_size": 8,
        "hidden_size": 192,
        "intermediate_size": 768,
        "num_hidden_layers": 5,
        "num_attention_heads": 6,
    }
    return CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=FEATURES["a"]))


def build_resnet() -> ResNetModel:
    """Builds an untrained scorer B: a ResNet of basic layers, 128 features."""
    return ResNetModel(
        ResNetConfig(
            embedding_size=48, hidden_sizes=[48, 96, 128, FEATURES["b"]], depths=[1, 2, 2, 1], layer_type="basic"
        )
    )


@final
class Scorer(nn.Module):
    """A backbone and one linear head per axis on its features.

    Attributes:
        name: "a" or "b".
        backbone: the CLIP or the ResNet.
        heads: axis id to a linear layer over its terms.
    """

    def __init__(self, name: ScorerName, *, axes: Mapping[str, int], vocabulary_size: int) -> None:
        super().__init__()
        self.name = name
        self.backbone = build_clip(vocabulary_size) if name == "a" else build_resnet()
        self.heads = nn.ModuleDict({axis: nn.Linear(FEATURES[name], terms) for axis, terms in axes.items()})

    def features(self, pixels: Float[torch.Tensor, "batch 3 side side"]) -> Float[torch.Tensor, "batch features"]:
        """Embeds prepared pictures; not normalised."""
        if isinstance(self.backbone, CLIPModel):
            pooled = self.backbone.vision_model(pixel_values=pixels).pooler_output
            projected: torch.Tensor = self.backbone.visual_projection(pooled)
            return projected
        flat: torch.Tensor = self.backbone(pixels).pooler_output.flatten(1)
        return flat

    def forward(self, pixels: Float[torch.Tensor, "batch 3 side side"]) -> dict[str, torch.Tensor]:
        """Reads prepared pictures: logits per axis, and the features under "features"."""
        features = self.features(pixels)
        return {axis: head(features) for axis, head in self.heads.items()} | {"features": features}


def prepare(images: Float[torch.Tensor, "batch 3 height width"]) -> Float[torch.Tensor, "batch 3 side side"]:
    """Shrinks pictures of 0 to 1 to the scorers' size and normalises them."""
    factor = images.shape[-1] // IMAGE_SIZE_PX
    return (avg_pool2d(images, factor) - PIXEL_MEAN) / PIXEL_STD


def degrade(
    images: Float[torch.Tensor, "batch 3 height width"], *, codec: PatchCodec, rng: torch.Generator
) -> Float[torch.Tensor, "batch 3 height width"]:
    """Spoils pictures of 0 to 1 the way a small generator does, so that scorers read its pictures too.

    Half go through the codec with noise on their latents, a third are blurred; all are mirrored at random and shift in
    brightness and contrast. None of it changes what a picture shows.

    Args:
        images: to spoil.
        codec: codes and decodes.
        rng: draws what is done to each picture.

    Returns:
        As many pictures of 0 to 1.
    """
    batch = len(images)
    pixels = ((images * 255).round().to(torch.uint8)).permute(0, 2, 3, 1).numpy()
    latents = codec.encode(pixels)
    strength = 0.5 * torch.rand(batch, 1, 1, 1, generator=rng)
    noisy = latents + strength * torch.randn(latents.shape, generator=rng)
    coded = torch.from_numpy(codec.decode(noisy)).permute(0, 3, 1, 2).float() / 255

    def chosen(share: float) -> torch.Tensor:
        return torch.rand(batch, 1, 1, 1, generator=rng) < share

    images = torch.where(chosen(0.5), coded, images)
    blurred = interpolate(avg_pool2d(images, 2), scale_factor=2, mode="bilinear")
    images = torch.where(chosen(0.33), blurred, images)
    images = torch.where(chosen(0.5), images.flip(-1), images)
    contrast = 0.85 + 0.3 * torch.rand(batch, 1, 1, 1, generator=rng)
    brightness = 0.16 * torch.rand(batch, 3, 1, 1, generator=rng) - 0.08
    return ((images - 0.5) * contrast + 0.5 + brightness).clamp(0, 1)


def train_scorer(
    scorer: Scorer,
    *,
    grammar: Grammar,
    tokenizer: PreTrainedTokenizerFast,
    codec: PatchCodec,
    settings: ScorerTraining,
) -> Iterator[tuple[int, float]]:
    """Trains a scorer to the end.

    Args:
        scorer: changed in place.
        grammar: draws encodings and spells their sentences.
        tokenizer: of the world; only A reads sentences.
        codec: spoils pictures the way the generator does.
        settings: see `ScorerTraining`.

    Yields:
        Pictures seen and loss, after every update.
    """
    split = f"scorer-{scorer.name}"
    pictures = DrawnSplit(
        grammar, seed=settings.seed, split=split, start=0, stop=settings.num_pictures, size_px=settings.size_px
    )
    optimiser = torch.optim.AdamW(scorer.parameters(), lr=settings.learning_rate, weight_decay=0.05)
    updates = max(2, settings.num_pictures // settings.batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=settings.learning_rate, total_steps=updates + 1, pct_start=0.1
    )
    rng = torch.Generator().manual_seed(child_seed(settings.seed, split, "spoil"))
    scorer.train()
    for update, batch in enumerate(
        drawn_batches(pictures, batch_size=settings.batch_size, num_workers=settings.num_workers), start=1
    ):
        images = torch.from_numpy(batch.images).permute(0, 3, 1, 2).float() / 255
        readings = scorer(prepare(degrade(images, codec=codec, rng=rng)))
        loss = _reading_loss(readings, batch, grammar=grammar)
        if isinstance(scorer.backbone, CLIPModel):
            tokens = tokenize(tokenizer, batch.sentences)
            loss = loss + _contrastive_loss(scorer.backbone, readings["features"], tokens)
        loss.backward()
        nn.utils.clip_grad_norm_(scorer.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        schedule.step()
        yield update * settings.batch_size, float(loss.detach())
    scorer.eval()


def _reading_loss(readings: Mapping[str, torch.Tensor], batch: DrawnBatch, *, grammar: Grammar) -> torch.Tensor:
    truth = torch.tensor([encoding.indices for encoding in batch.encodings])
    losses = [cross_entropy(readings[axis.id], truth[:, k]) for k, axis in enumerate(grammar.space.axes)]
    return torch.stack(losses).sum()


def _contrastive_loss(clip: CLIPModel, image_features: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
    """CLIP's symmetric loss; pictures of one sentence share the credit."""
    text_output = clip.text_model(input_ids=tokens)
    text = normalize(clip.text_projection(text_output.pooler_output), dim=-1)
    logits = clip.logit_scale.exp().clamp(max=100) * normalize(image_features, dim=-1) @ text.T
    same = (tokens[:, None] == tokens[None]).all(-1).float()
    wanted = same / same.sum(-1, keepdim=True)
    return (cross_entropy(logits, wanted) + cross_entropy(logits.T, wanted)) / 2
