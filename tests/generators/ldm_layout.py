"""Writes a tiny Stable Diffusion as one file, with the names that checkpoints of one file use."""

import re
from pathlib import Path

import torch
from diffusers import StableDiffusionPipeline
from safetensors.torch import save_file

RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
UNET_RULES = [  # for two blocks of one layer each
    (r"^time_embedding\.linear_1", "time_embed.0"),
    (r"^time_embedding\.linear_2", "time_embed.2"),
    (r"^conv_in", "input_blocks.0.0"),
    (r"^conv_norm_out", "out.0"),
    (r"^conv_out", "out.2"),
    (r"^down_blocks\.0\.resnets\.0", "input_blocks.1.0"),
    (r"^down_blocks\.0\.downsamplers\.0\.conv", "input_blocks.2.0.op"),
    (r"^down_blocks\.1\.resnets\.0", "input_blocks.3.0"),
    (r"^down_blocks\.1\.attentions\.0", "input_blocks.3.1"),
    (r"^mid_block\.resnets\.0", "middle_block.0"),
    (r"^mid_block\.attentions\.0", "middle_block.1"),
    (r"^mid_block\.resnets\.1", "middle_block.2"),
    (r"^up_blocks\.0\.resnets\.0", "output_blocks.0.0"),
    (r"^up_blocks\.0\.attentions\.0", "output_blocks.0.1"),
    (r"^up_blocks\.0\.resnets\.1", "output_blocks.1.0"),
    (r"^up_blocks\.0\.attentions\.1", "output_blocks.1.1"),
    (r"^up_blocks\.0\.upsamplers\.0\.conv", "output_blocks.1.2.conv"),
    (r"^up_blocks\.1\.resnets\.0", "output_blocks.2.0"),
    (r"^up_blocks\.1\.resnets\.1", "output_blocks.3.0"),
]
AUTOENCODER_RULES = [
    (r"^encoder\.down_blocks\.(\d)\.resnets\.(\d)", r"encoder.down.\1.block.\2"),
    (r"^encoder\.down_blocks\.(\d)\.downsamplers\.0", r"encoder.down.\1.downsample"),
    (r"^decoder\.up_blocks\.0\.", "decoder.up.1."),
    (r"^decoder\.up_blocks\.1\.", "decoder.up_0."),
    (r"^decoder\.up_0\.", "decoder.up.0."),
    (r"\.resnets\.(\d)\.", r".block.\1."),
    (r"\.upsamplers\.0\.", ".upsample."),
    (r"mid_block\.attentions\.0", "mid.attn_1"),
    (r"mid_block\.block\.0", "mid.block_1"),
    (r"mid_block\.block\.1", "mid.block_2"),
    (r"conv_norm_out", "norm_out"),
    (r"conv_shortcut", "nin_shortcut"),
    (r"attn_1\.group_norm", "attn_1.norm"),
    (r"attn_1\.to_q", "attn_1.q"),
    (r"attn_1\.to_k", "attn_1.k"),
    (r"attn_1\.to_v", "attn_1.v"),
    (r"attn_1\.to_out\.0", "attn_1.proj_out"),
]


def save_as_one_file(pipeline: StableDiffusionPipeline, path: Path) -> None:
    tensors: dict[str, torch.Tensor] = {}
    for name, tensor in pipeline.unet.state_dict().items():
        renamed = _rename(name, UNET_RULES)
        if ".resnets." in name:
            renamed = re.sub(r"\.(norm1|conv1|time_emb_proj|norm2|conv2|conv_shortcut)\.", _resnet_name, renamed)
        tensors[f"model.diffusion_model.{renamed}"] = tensor
    for name, tensor in pipeline.vae.state_dict().items():
        renamed = _rename(name, AUTOENCODER_RULES)
        is_projection = ".attn_1." in renamed and renamed.endswith("weight") and ".norm." not in renamed
        tensors[f"first_stage_model.{renamed}"] = tensor[:, :, None, None] if is_projection else tensor
    for name, tensor in pipeline.text_encoder.state_dict().items():
        full = name if name.startswith("text_model.") else f"text_model.{name}"
        tensors[f"cond_stage_model.transformer.{full}"] = tensor
    save_file({name: tensor.contiguous().clone() for name, tensor in tensors.items()}, path)


def _rename(name: str, rules: list[tuple[str, str]]) -> str:
    for pattern, replacement in rules:
        name = re.sub(pattern, replacement, name)
    return name


def _resnet_name(match: re.Match[str]) -> str:
    return f".{RESNET[match[1]]}."
