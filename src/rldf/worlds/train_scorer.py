"""The two scorers and the loss they are trained with: A, a small CLIP, guides; B, a ResNet, only judges."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, final

import torch
from jaxtyping import Float, Int64
from torch import nn
from torch.nn.functional import avg_pool2d, cross_entropy, interpolate, normalize
from transformers import (
    CLIPConfig,
    CLIPModel,
    PreTrainedTokenizerFast,
    ResNetConfig,
    ResNetModel,
)

from rldf.worlds.codec import PatchCodec
from rldf.worlds.source import UNSEEN, PictureBatch
from rldf.worlds.stage import Loss
from rldf.worlds.text import END_ID, MAX_TOKENS, tokenize

ScorerName = Literal["a", "b"]
IMAGE_SIZE_PX = 96  # our choice: a mouth is two pixels wide
CLIP_FEATURES = 128
PIXEL_MEAN, PIXEL_STD = 0.5, 0.25  # our choice, the same for every channel


def build_clip(vocabulary_size: int) -> CLIPModel:
    """Builds an untrained scorer A: a small CLIP of 96 px and 12 px patches, 128 features."""
    text = {
        "vocab_size": vocabulary_size,
        "hidden_size": 128,
        "intermediate_size": 512,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "max_position_embeddings": MAX_TOKENS,
        "pad_token_id": 0,
        "bos_token_id": 1,
        "eos_token_id": END_ID,
    }
    vision = {
        "image_size": IMAGE_SIZE_PX,
        "patch_size": 12,
        "hidden_size": 192,
        "intermediate_size": 768,
        "num_hidden_layers": 5,
        "num_attention_heads": 6,
    }
    return CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=CLIP_FEATURES))


@dataclass(frozen=True, slots=True, kw_only=True)
class ResNetShape:
    """Sizes of scorer B, a ResNet of basic layers.

    Attributes:
        channels: of its four stages; the last are its features.
        depths: layers of each stage.
    """

    channels: tuple[int, ...] = (48, 96, 160, 192)
    depths: tuple[int, ...] = (1, 2, 2, 1)


def build_resnet(shape: ResNetShape) -> ResNetModel:
    """Builds an untrained scorer B."""
    return ResNetModel(
        ResNetConfig(
            embedding_size=shape.channels[0],
            hidden_sizes=list(shape.channels),
            depths=list(shape.depths),
            layer_type="basic",
        )
    )


@final
class Scorer(nn.Module):
    """A backbone and one linear head per axis on its features.

    Attributes:
        name: "a" or "b".
        axes: axis id to its terms.
        backbone: the CLIP or the ResNet.
        heads: for each axis a linear layer over its terms.
    """

    def __init__(
        self,
        name: ScorerName,
        *,
        vocabulary_size: int,
        axes: Mapping[str, tuple[str, ...]],
        shape: ResNetShape | None = None,
    ) -> None:
        super().__init__()
        shape = ResNetShape() if shape is None else shape
        self.name = name
        self.axes = dict(axes)
        self.backbone = build_clip(vocabulary_size) if name == "a" else build_resnet(shape)
        num_features = CLIP_FEATURES if name == "a" else shape.channels[-1]
        self.heads = nn.ModuleDict({axis: nn.Linear(num_features, len(terms)) for axis, terms in axes.items()})

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
    side = (IMAGE_SIZE_PX, IMAGE_SIZE_PX)
    return (interpolate(images, size=side, mode="bilinear", antialias=True) - PIXEL_MEAN) / PIXEL_STD


def degrade(
    images: Float[torch.Tensor, "batch 3 height width"], *, codec: PatchCodec, rng: torch.Generator
) -> Float[torch.Tensor, "batch 3 height width"]:
    """Spoils pictures of 0 to 1 the way a small generator does, so that scorers read its pictures too.

    Half go through the codec with noise on their latents, a third are blurred; all shift in brightness and contrast.
    None of it changes what a picture shows.

    Args:
        images: to spoil.
        codec: codes and decodes.
        rng: draws what is done to each picture.

    Returns:
        As many pictures of 0 to 1.
    """
    batch = len(images)
    place = rng.device
    latents = codec.encode((images * 255).round().to(torch.uint8).permute(0, 2, 3, 1))
    strength = 0.5 * torch.rand(batch, 1, 1, 1, generator=rng, device=place)
    noisy = latents + strength * torch.randn(latents.shape, generator=rng, device=place)
    coded = codec.decode(noisy).permute(0, 3, 1, 2).float() / 255

    def chosen(share: float) -> torch.Tensor:
        return torch.rand(batch, 1, 1, 1, generator=rng, device=place) < share

    images = torch.where(chosen(0.5), coded, images)
    blurred = interpolate(avg_pool2d(images, 2), scale_factor=2, mode="bilinear")
    images = torch.where(chosen(0.33), blurred, images)
    contrast = 0.85 + 0.3 * torch.rand(batch, 1, 1, 1, generator=rng, device=place)
    brightness = 0.16 * torch.rand(batch, 3, 1, 1, generator=rng, device=place) - 0.08
    return ((images - 0.5) * contrast + 0.5 + brightness).clamp(0, 1)


def scorer_loss(scorer: Scorer, *, tokenizer: PreTrainedTokenizerFast, codec: PatchCodec) -> Loss:
    """Makes the loss: the cross-entropy of every axis that can be told, and for A also CLIP's contrastive loss.

    Args:
        scorer: computes the readings.
        tokenizer: of the world; only A reads sentences.
        codec: spoils pictures the way the generator does.

    Returns:
        The loss of a batch.
    """

    def loss(batch: PictureBatch, rng: torch.Generator) -> torch.Tensor:
        images = batch.images.permute(0, 3, 1, 2).float() / 255
        readings = scorer(prepare(degrade(images, codec=codec, rng=rng)))
        total = _reading_loss(readings, batch.seen, axes=scorer.axes)
        if isinstance(scorer.backbone, CLIPModel):
            tokens = tokenize(tokenizer, batch.sentences).to(rng.device)
            total = total + _contrastive_loss(scorer.backbone, readings["features"], tokens)
        return total

    return loss


def _reading_loss(
    readings: Mapping[str, torch.Tensor],
    seen: Int64[torch.Tensor, "batch axes"],
    *,
    axes: Mapping[str, tuple[str, ...]],
) -> Float[torch.Tensor, ""]:
    """Sums the cross-entropy of what each picture shows and takes the mean over pictures."""
    # so an axis weighs as much as it is visible; with a mean per axis the few pictures of a rare one drown the rest
    losses = [
        cross_entropy(readings[axis].float(), seen[:, k], ignore_index=UNSEEN, reduction="sum")
        for k, axis in enumerate(axes)
    ]
    return torch.stack(losses).sum() / len(seen)


def _contrastive_loss(clip: CLIPModel, image_features: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
    """CLIP's symmetric loss; pictures of one sentence share the credit."""
    text_output = clip.text_model(input_ids=tokens)
    text = normalize(clip.text_projection(text_output.pooler_output), dim=-1)
    logits = clip.logit_scale.exp().clamp(max=100) * normalize(image_features, dim=-1) @ text.T
    same = (tokens[:, None] == tokens[None]).all(-1).float()
    wanted = same / same.sum(-1, keepdim=True)
    return (cross_entropy(logits, wanted) + cross_entropy(logits.T, wanted)) / 2
