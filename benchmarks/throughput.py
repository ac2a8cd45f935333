"""Measures pictures a second at the size of Stable Diffusion 1.4: our generator beside the plain diffusers loop.

    python benchmarks/throughput.py --json throughput.json                  # on a CUDA card: full size, float16
    python benchmarks/throughput.py --compile --batches 1 16                # and compiled, for two sizes of batch
    python benchmarks/throughput.py --scale 0.1 --json throughput.json      # on a processor: a tenth of the width

The weights are random: speed does not depend on them. The plain loop is what a user would write, one call a prompt:
`pipe(prompt, num_inference_steps=20, guidance_scale=7.5).images[0].save(path)`. Both sides take the same folder,
number format, solver, steps and guidance, encode the text, decode the picture and write a JPEG. The bound counts the
evaluations of the denoiser alone, as our generator makes them. Everything is measured in turn, round after round;
ratios are taken within a round, and the median over the rounds is reported.
"""

# ruff: noqa: T201

import argparse
import gc
import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median
from time import monotonic, perf_counter
from typing import Any

import diffusers
import torch
import transformers
from diffusers import (
    AutoencoderKL,
    AutoPipelineForText2Image,
    DPMSolverMultistepScheduler,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import CLIPTextConfig, CLIPTextModel, PreTrainedTokenizerFast

from rldf.errors import GenerationError
from rldf.generators.cpu_workers import run_in_order
from rldf.generators.diffusers_local import DiffusersGenerator
from rldf.generators.pipeline_layout import find_denoiser, takes_one_thread
from rldf.generators.pipeline_loading import load_pipeline
from rldf.generators.saving import PictureSaver
from rldf.generators.settings import GenerationSettings
from rldf.records.percept import Prompt

# Shapes: the config.json files of unet, vae, text_encoder and scheduler in CompVis/stable-diffusion-v1-4 (hub).
UNET: dict[str, Any] = {
    "in_channels": 4,
    "out_channels": 4,
    "down_block_types": ("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
    "up_block_types": ("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3,
    "layers_per_block": 2,
    "attention_head_dim": 8,  # in this model's configuration it is the number of heads
}
UNET_CHANNELS = (320, 640, 1280, 1280)
AUTOENCODER: dict[str, Any] = {
    "in_channels": 3,
    "out_channels": 3,
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "layers_per_block": 2,
    "latent_channels": 4,
    "scaling_factor": 0.18215,
}
AUTOENCODER_CHANNELS = (128, 256, 512, 512)
TEXT_ENCODER: dict[str, Any] = {
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "vocab_size": 49408,
    "max_position_embeddings": 77,
}
TEXT_WIDTH = 768
SCHEDULER = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000,
    "steps_offset": 1,
}
COUNTS = ("one", "two", "three", "many")
THINGS = ("cows", "cars", "apples", "boats", "chairs", "guitars", "dogs", "lemons")
PROMPTS = [Prompt(text=f"a photo of {count} {thing} in a park") for count in COUNTS for thing in THINGS]
JPEG_QUALITY = 95


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """What is built and how it draws.

    Attributes:
        scale: of every network's width, as a share of its weights.
        unet_channels: of the denoiser's four levels.
        autoencoder_channels: of the autoencoder's.
        text_width: of the text encoder.
        size_px: side of the pictures.
        steps: of the solver.
    """

    scale: float
    unet_channels: tuple[int, ...]
    autoencoder_channels: tuple[int, ...]
    text_width: int
    size_px: int
    steps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One thing that is measured.

    Attributes:
        name: such as "ours-8".
        num_pictures: drawn in a round.
        draw: draws them, and gives the seconds it took.
    """

    name: str
    num_pictures: int
    draw: Callable[[], float]


def choose_size(scale: float, *, size_px: int, steps: int) -> Size:
    """Makes the size: width goes with the root of the scale, in whole groups of 32 channels."""

    def narrower(channels: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(max(32, round(each * scale**0.5 / 32) * 32) for each in channels)

    text_width = TEXT_WIDTH if scale == 1 else max(96, round(TEXT_WIDTH * scale**0.5 / 96) * 96)
    return Size(
        scale=scale,
        unet_channels=narrower(UNET_CHANNELS),
        autoencoder_channels=narrower(AUTOENCODER_CHANNELS),
        text_width=text_width,
        size_px=size_px or (512 if scale == 1 else 128),
        steps=steps or (20 if scale == 1 else 4),
    )


def build_tokenizer() -> PreTrainedTokenizerFast:
    """Builds a tokenizer of the prompts' words that pads to 77 tokens, as CLIP's does."""
    special = ["<pad>", "<start>", "<end>", "<unknown>"]
    words = sorted({word for prompt in PROMPTS for word in prompt.text.split()})
    tokenizer = Tokenizer(models.WordLevel({w: i for i, w in enumerate(special + words)}, unk_token="<unknown>"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<start> $A <end>", special_tokens=[("<start>", 1), ("<end>", 2)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        bos_token="<start>",
        eos_token="<end>",
        unk_token="<unknown>",
        model_max_length=77,
    )


def build_folder(folder: Path, *, size: Size, dtype: torch.dtype) -> int:
    """Writes the pipeline with random weights, safetensors; the number of the denoiser's weights."""
    torch.manual_seed(0)
    unet = UNet2DConditionModel(
        **UNET,
        sample_size=size.size_px // 8,
        block_out_channels=size.unet_channels,
        cross_attention_dim=size.text_width,
    )
    autoencoder: Any = AutoencoderKL(
        **AUTOENCODER, sample_size=size.size_px, block_out_channels=size.autoencoder_channels
    )
    text: Any = CLIPTextModel(
        CLIPTextConfig(
            **TEXT_ENCODER,
            hidden_size=size.text_width,
            intermediate_size=4 * size.text_width,
            projection_dim=size.text_width,
            bos_token_id=1,
            eos_token_id=2,
            pad_token_id=0,
        )
    )
    StableDiffusionPipeline(
        unet=unet.to(dtype),
        vae=autoencoder.to(dtype),
        text_encoder=text.to(dtype),
        tokenizer=build_tokenizer(),
        scheduler=DPMSolverMultistepScheduler(**SCHEDULER),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder)
    return sum(weights.numel() for weights in unet.parameters())


def wait_for(device: torch.device) -> None:
    """Waits until a card is done; a processor is."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def plain_loop(
    pipe: StableDiffusionPipeline, *, count: int, size: Size, guidance: float, folder: Path, device: torch.device
) -> float:
    """Does what a user would write, picture by picture; the seconds."""
    call: Any = pipe
    began = perf_counter()
    for number in range(count):
        prompt = PROMPTS[number % len(PROMPTS)].text
        picture = call(prompt, num_inference_steps=size.steps, guidance_scale=guidance).images[0]
        picture.save(folder / f"plain-{number}.jpg", quality=JPEG_QUALITY)
    wait_for(device)
    return perf_counter() - began


def our_way(generator: DiffusersGenerator, *, count: int, batch: int, folder: Path, num_threads: int) -> float:
    """Draws with our generator and writes in the background; the seconds until all is on disk."""
    prompts = [PROMPTS[number % len(PROMPTS)] for number in range(count)]
    if "batches=exact" not in generator.identity:
        generator.batch_size = batch
    began = perf_counter()
    with PictureSaver(num_threads=num_threads, quality=JPEG_QUALITY) as saver:
        number = 0
        for images in generator.generate_batches(prompts, seeds=list(range(count))):
            for image in images:
                saver.save(image, folder / f"ours-{number}.jpg")
                number += 1
    seconds = perf_counter() - began
    if generator.batch_size < batch and "batches=exact" not in generator.identity:
        raise RuntimeError(f"memory ran out: a batch of {batch} became {generator.batch_size}; leave that size out")
    return seconds


def denoiser_alone(
    generator: DiffusersGenerator, denoiser: torch.nn.Module, *, count: int, batch: int, size: Size
) -> float:
    """Evaluates our denoiser as often as that many guided pictures take, batch by batch; the seconds."""
    weights = next(denoiser.parameters())
    device = weights.device
    has_workers = device.type == "cpu" and takes_one_thread(denoiser)
    rows = 2 * (1 if has_workers else batch)  # guidance doubles a batch
    side = size.size_px // 8
    shape = (rows, 4, side, side)
    latents = torch.randn(shape, device=device, dtype=weights.dtype)
    words = torch.randn((rows, 77, size.text_width), device=device, dtype=weights.dtype)
    moment = torch.tensor(500, device=device)

    @torch.no_grad()
    def steps(number: int) -> None:
        del number
        for _ in range(generator.evaluations_per_picture // 2):
            denoiser(latents, moment, encoder_hidden_states=words, return_dict=False)

    began = perf_counter()
    if has_workers:
        run_in_order([steps] * min(torch.get_num_threads(), batch), count=count)
    else:
        for number in range(count // batch):
            steps(number)
    wait_for(device)
    return perf_counter() - began


def load_ours(
    folder: Path, *, size: Size, args: argparse.Namespace, is_compiled: bool
) -> tuple[DiffusersGenerator, StableDiffusionPipeline]:
    """Loads the folder through our code: the generator, and the pipeline inside it."""
    settings = GenerationSettings(
        steps=size.steps,
        guidance_scale=args.guidance,
        size_px=size.size_px,
        max_batch_size=max(args.batches),
        compiled=is_compiled,
    )
    loaded = load_pipeline(folder, dtype=args.dtype, settings=settings, announce=print, revision=None)
    pipeline: Any = loaded.pipeline
    pipeline.to(args.device)
    return DiffusersGenerator(loaded, device=args.device), pipeline


def load_plain(folder: Path, *, args: argparse.Namespace, is_compiled: bool) -> StableDiffusionPipeline:
    """Loads the folder as a user would."""
    pipe: Any = AutoPipelineForText2Image.from_pretrained(folder, dtype=args.dtype).to(args.device)
    pipe.set_progress_bar_config(disable=True)
    if is_compiled:
        pipe.unet = torch.compile(pipe.unet)
    loaded: StableDiffusionPipeline = pipe
    return loaded


def contenders(folder: Path, *, size: Size, args: argparse.Namespace, is_compiled: bool) -> Iterator[Contender]:
    """Makes what is measured in one mode: the plain loop, and for each size of batch our way and its bound."""
    mode = "compiled" if is_compiled else "eager"
    on_card = args.device.type == "cuda"
    pipe = load_plain(folder, args=args, is_compiled=is_compiled)
    num_plain = 4 if on_card else 2
    plain = partial(plain_loop, pipe, size=size, guidance=args.guidance, folder=folder, device=args.device)
    yield Contender(name=f"{mode} plain", num_pictures=num_plain, draw=partial(plain, count=num_plain))
    generator, pipeline = load_ours(folder, size=size, args=args, is_compiled=is_compiled)
    for batch in args.batches:
        count = max(4, 2 * batch) if on_card else max(2, batch)  # two batches: one is saved, the next drawn

        ours = partial(our_way, generator, batch=batch, count=count, folder=folder, num_threads=args.savers)
        bound = partial(denoiser_alone, generator, find_denoiser(pipeline), batch=batch, size=size)
        yield Contender(name=f"{mode} ours {batch}", num_pictures=count, draw=ours)
        yield Contender(name=f"{mode} bound {batch}", num_pictures=count, draw=partial(bound, count=count))


def measure(
    folder: Path, *, size: Size, args: argparse.Namespace, is_compiled: bool, seconds: float
) -> tuple[list[dict[str, float]], dict[str, str]]:
    """Measures one mode in turn until the rounds or the seconds are used up; pictures a second, and what failed."""
    began = monotonic()
    failed: dict[str, str] = {}
    ready: list[Contender] = []
    for each in contenders(folder, size=size, args=args, is_compiled=is_compiled):
        if monotonic() - began > seconds / 2 and ready:
            failed[each.name] = "no time left to warm it up; give more --minutes or fewer --batches"
            continue
        try:
            print(f"warming up: {each.name}: {each.draw():.1f} s", flush=True)
            ready.append(each)
        except (RuntimeError, GenerationError) as error:  # memory, most of all; the other sizes go on
            failed[each.name] = str(error).splitlines()[0][:300]
            print(f"left out: {each.name}: {failed[each.name]}", flush=True)
    rows: list[dict[str, float]] = []
    longest = 0.0
    while len(rows) < args.rounds and (not rows or monotonic() - began + longest < seconds):
        start = monotonic()
        turn = ready if len(rows) % 2 == 0 else ready[::-1]  # what else the machine does must not favour one
        rows.append({each.name: each.num_pictures / each.draw() for each in turn})
        longest = max(longest, monotonic() - start)
        print(f"round {len(rows)}: " + ", ".join(f"{k} {v:.3f}/s" for k, v in rows[-1].items()), flush=True)
    return rows, failed


def summarise(rows: list[dict[str, float]], *, mode: str, batches: list[int]) -> list[dict[str, Any]]:
    """Sums up one mode: pictures a second, ratio to the plain loop, share of the denoiser's bound."""
    names = set(rows[0])
    table: list[dict[str, Any]] = []
    if f"{mode} plain" in names:
        table.append({"mode": mode, "what": "plain loop", "batch": 1, **spread(rows, f"{mode} plain")})
    for batch in batches:
        ours, bound = f"{mode} ours {batch}", f"{mode} bound {batch}"
        if ours not in names:
            continue
        line: dict[str, Any] = {"mode": mode, "what": "ours", "batch": batch, **spread(rows, ours)}
        if f"{mode} plain" in names:
            ratios = [row[ours] / row[f"{mode} plain"] for row in rows]
            line |= {"times_plain": median(ratios), "times_plain_range": [min(ratios), max(ratios)]}
        if bound in names:
            line["bound_pictures_per_s"] = median(row[bound] for row in rows)
            line["share_of_bound"] = median(row[ours] / row[bound] for row in rows)
        table.append(line)
    return table


def spread(rows: list[dict[str, float]], name: str) -> dict[str, Any]:
    """Median and range over the rounds."""
    rates = [row[name] for row in rows]
    return {"pictures_per_s": median(rates), "range": [min(rates), max(rates)], "rounds": len(rates)}


def show(table: list[dict[str, Any]]) -> None:
    """Prints the table."""
    print("\nmode      what        batch  pictures/s  times plain  share of the denoiser's bound")
    for line in table:
        times = f"{line['times_plain']:.2f}" if "times_plain" in line else "-"
        share = f"{100 * line['share_of_bound']:.0f} %" if "share_of_bound" in line else "-"
        rate = f"{line['pictures_per_s']:10.3f}"
        print(f"{line['mode']:9} {line['what']:11} {line['batch']:5}  {rate}  {times:>11}  {share}")


def read_arguments() -> argparse.Namespace:
    """Reads the command line; device, number format and size follow from the machine unless given."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    card = torch.cuda.is_available()
    parser.add_argument("--device", default="cuda" if card else "cpu")
    parser.add_argument("--dtype", choices=("float16", "bfloat16", "float32"), default="", help="float16 on a card")
    parser.add_argument("--scale", type=float, default=0, help="share of the weights; 0: all on a card, else 0.1")
    parser.add_argument("--size-px", type=int, default=0, help="side; 0: 512 at full scale, else 128")
    parser.add_argument("--steps", type=int, default=0, help="0: 20 at full scale, else 4")
    parser.add_argument("--guidance", type=float, default=7.5)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8, 16, 32])
    parser.add_argument("--compile", action="store_true", help="measure compiled too; that takes minutes more")
    parser.add_argument("--rounds", type=int, default=5, help="at most")
    parser.add_argument("--minutes", type=float, default=7.0, help="for all modes together, after building")
    parser.add_argument("--savers", type=int, default=2, help="threads that write JPEG")
    parser.add_argument("--json", type=Path, default=None, help="file for the numbers")
    args = parser.parse_args()
    args.device = torch.device(args.device)
    on_card = args.device.type == "cuda"
    args.dtype = getattr(torch, args.dtype or ("float16" if on_card else "float32"))
    args.scale = args.scale or (1.0 if on_card else 0.1)
    return args


def main() -> None:
    """Builds the pipeline, measures, and prints the table."""
    args = read_arguments()
    for library in (diffusers.utils.logging, transformers.utils.logging):
        library.set_verbosity_error()
        library.disable_progress_bar()
    size = choose_size(args.scale, size_px=args.size_px, steps=args.steps)
    device = torch.cuda.get_device_name(args.device) if args.device.type == "cuda" else "processor"
    result: dict[str, Any] = {
        "device": device,
        "threads": torch.get_num_threads(),
        "dtype": str(args.dtype).removeprefix("torch."),
        "size": asdict(size),
        "guidance_scale": args.guidance,
        "versions": {each.__name__: each.__version__ for each in (torch, diffusers, transformers)},
        "table": [],
        "rounds": [],
        "failed": {},
    }
    with tempfile.TemporaryDirectory(prefix="rldf-throughput-") as temporary:
        folder = Path(temporary)
        result["denoiser_weights"] = build_folder(folder, size=size, dtype=args.dtype)
        print(f"{device}, {result['dtype']}, {result['threads']} threads; {size}")
        modes = ["eager", "compiled"] if args.compile else ["eager"]
        for mode in modes:
            seconds = 60 * args.minutes * (1 if len(modes) == 1 else {"eager": 0.4, "compiled": 0.6}[mode])
            rows, failed = measure(folder, size=size, args=args, is_compiled=mode == "compiled", seconds=seconds)
            result["table"] += summarise(rows, mode=mode, batches=args.batches)
            result["rounds"] += rows
            result["failed"] |= failed
            if args.json is not None:  # after each mode, so that a run that is cut off leaves what it has
                args.json.write_text(json.dumps(result, indent=2) + "\n")
            gc.collect()
            if args.device.type == "cuda":
                torch.cuda.empty_cache()
    show(result["table"])


if __name__ == "__main__":
    main()
