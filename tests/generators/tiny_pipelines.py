"""Tiny untrained pipelines in the formats of diffusers."""

import torch
from diffusers import (
    AutoencoderKL,
    AutoencoderTiny,
    EulerDiscreteScheduler,
    LatentConsistencyModelPipeline,
    LCMScheduler,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
from transformers import (
    CLIPConfig,
    CLIPImageProcessorPil,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    PreTrainedTokenizerFast,
)

from rldf.worlds.text import build_text_encoder, build_tokenizer

SIDE_PX = 16
WIDTH = 32
WORDS = ["a", "photo", "of", "one", "two", "three", "many", "cow", "cows", "car", "cars", "bananas", "and", "no"]
WORDS += ["person", "people", "in", "park", "street", "beach", "farm"]


def build_unet(*, text_width: int = WIDTH, is_distilled: bool = False, is_xl: bool = False) -> UNet2DConditionModel:
    torch.manual_seed(0)
    return UNet2DConditionModel(
        sample_size=8,
        in_channels=4,
        out_channels=4,
        block_out_channels=(WIDTH, WIDTH),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=text_width,
        attention_head_dim=8,
        norm_num_groups=8,
        time_cond_proj_dim=16 if is_distilled else None,
        addition_embed_type="text_time" if is_xl else None,
        addition_time_embed_dim=8 if is_xl else None,
        projection_class_embeddings_input_dim=6 * 8 + WIDTH if is_xl else None,
    )


def build_autoencoder(*, latent_channels: int = 4) -> AutoencoderTiny:
    torch.manual_seed(1)
    return AutoencoderTiny(
        latent_channels=latent_channels,
        encoder_block_out_channels=(WIDTH, WIDTH),
        decoder_block_out_channels=(WIDTH, WIDTH),
        num_encoder_blocks=(1, 1),
        num_decoder_blocks=(1, 1),
    )


def build_kl_autoencoder(*, seed: int = 2) -> AutoencoderKL:
    torch.manual_seed(seed)
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D", "DownEncoderBlock2D"),
        up_block_types=("UpDecoderBlock2D", "UpDecoderBlock2D"),
        block_out_channels=(8, 8),
        norm_num_groups=4,
        latent_channels=4,
        sample_size=SIDE_PX,
    )


def build_words() -> tuple[PreTrainedTokenizerFast, CLIPTextModel]:
    tokenizer = build_tokenizer(WORDS)
    torch.manual_seed(3)
    return tokenizer, build_text_encoder(len(tokenizer), width=WIDTH)


def build_safety_checker(*, flags_all: bool) -> StableDiffusionSafetyChecker:
    layers = {"hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    vision = {**layers, "image_size": 32, "patch_size": 16}
    torch.manual_seed(4)
    checker = StableDiffusionSafetyChecker(CLIPConfig(vision_config=vision, text_config=layers, projection_dim=8))
    checker.concept_embeds_weights.data.fill_(-2.0 if flags_all else 2.0)  # a cosine above it flags the picture
    checker.special_care_embeds_weights.data.fill_(2.0)
    return checker


def build_pipeline(
    *,
    autoencoder: AutoencoderTiny | AutoencoderKL | None = None,
    safety_checker: StableDiffusionSafetyChecker | None = None,
) -> StableDiffusionPipeline:
    tokenizer, text_encoder = build_words()
    processor = CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size=32)
    return StableDiffusionPipeline(
        vae=build_autoencoder() if autoencoder is None else autoencoder,
        text_encoder=text_encoder,
        tokenizer=tokenizer,
        unet=build_unet(),
        scheduler=EulerDiscreteScheduler(timestep_spacing="leading", steps_offset=1),
        safety_checker=safety_checker,
        feature_extractor=None if safety_checker is None else processor,
        requires_safety_checker=safety_checker is not None,
    )


def build_xl_pipeline() -> StableDiffusionXLPipeline:
    tokenizer, text_encoder = build_words()
    torch.manual_seed(5)
    second = CLIPTextModelWithProjection(text_encoder.config)
    return StableDiffusionXLPipeline(
        vae=build_kl_autoencoder(),
        text_encoder=text_encoder,
        text_encoder_2=second,
        tokenizer=tokenizer,
        tokenizer_2=tokenizer,
        unet=build_unet(text_width=2 * WIDTH, is_xl=True),
        scheduler=EulerDiscreteScheduler(timestep_spacing="leading", steps_offset=1),
        add_watermarker=False,
    )


def build_distilled_pipeline() -> LatentConsistencyModelPipeline:
    tokenizer, text_encoder = build_words()
    return LatentConsistencyModelPipeline(
        vae=build_autoencoder(),
        text_encoder=text_encoder,
        tokenizer=tokenizer,
        unet=build_unet(is_distilled=True),
        scheduler=LCMScheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
