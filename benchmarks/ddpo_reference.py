"""DDPO and RWR beside TRL 0.23.1, the last release that had DDPO, on a tiny pipeline; it needs no GPU and no weights.

    python benchmarks/ddpo_reference.py equivalence
    python benchmarks/ddpo_reference.py speed --rounds 5 --processes 2
    python benchmarks/ddpo_reference.py learning --seeds 5
    python benchmarks/ddpo_reference.py table

TRL gets an environment of its own (about 1.5 GB) under --folder, made when it is first needed. `equivalence` draws
trajectories with TRL, moves the weights by known amounts, and compares log-probabilities, losses, gradients and
advantages; the exit status is 0 where all are within the limits. `speed` trains one epoch here and one there in turn.
`learning` trains every method on every seed: redness after at most 1,600 reward queries; each (method, seed) is a file,
so a run that was stopped goes on; `table` reads them.
"""

# ruff: noqa: T201

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import mean, median
from time import perf_counter, process_time
from typing import Any

import numpy as np
import torch
from ddpo_verdict import cell_path, print_table
from diffusers import StableDiffusionPipeline
from safetensors.torch import load_file
from transformers import CLIPTokenizer

from rldf.arrays import ImageBatch
from rldf.finetuning.advantages import PromptNormaliser
from rldf.finetuning.losses import importance_sampling_loss
from rldf.finetuning.policy import DiffusionPolicy
from rldf.finetuning.processes import AcceleratedProcesses, Processes, SingleProcess
from rldf.finetuning.rollout import roll_out
from rldf.finetuning.settings import AdapterSettings, AdvantageSettings, SamplerSettings, TrainSettings
from rldf.finetuning.trainer import Trainer
from rldf.records import versions
from rldf.records.durable_files import write_file
from rldf.seeding import child_seed

PACKAGES = (
    "trl==0.23.1",
    "diffusers==0.35.2",
    "transformers==4.57.6",
    "accelerate==1.11.0",
    "peft==0.17.1",
    "huggingface_hub==0.36.2",
)
PROMPTS = ("cat", "dog", "horse", "monkey")
SAMPLING = SamplerSettings(num_steps=10, guidance_scale=2.0, batch_size=16)
LEARNING_BATCH = 32  # pictures drawn and trained at once where no seconds are compared; changes nothing but rounding
DDPO = TrainSettings(samples_per_epoch=64, update_batch_size=32, learning_rate=3e-4)
RWR = replace(DDPO, samples_per_epoch=400, update_batch_size=16)
TRAINS = {
    "ddpo-is": DDPO,
    "ddpo-sf": replace(DDPO, method="ddpo-sf", update_batch_size=64),
    "rwr": replace(RWR, method="rwr", num_passes=5),
    "rwr-sparse": replace(RWR, method="rwr-sparse", num_passes=50),
}
"""Of RWR: 4 x 400 pictures instead of 10 x 10,000, the paper's passes over them, batches of 16 instead of 128."""
INVERSE_TEMPERATURE = 100.0  # our choice: redness has a deviation of about 0.01, so the best weigh a few times the mean
ADVANTAGE = AdvantageSettings(inverse_temperature=INVERSE_TEMPERATURE)
NUM_FINAL = 64
LIMITS = {"log_probs": 1e-6, "losses": 1e-6, "approx_kl": 1e-6, "advantages": 1e-6, "gradient": 1e-5}
"""Largest differences that count as equal: absolute, and of the gradient the norm of the difference, relative."""
ROUNDINGS = ("rounding_of_trl", "gradient_rounding_of_trl")
WANTED_RATIO = 2 / 3  # of our seconds to the reference's


def main() -> None:
    """Does one of the jobs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("job", choices=["equivalence", "speed", "learning", "table", "serve"])
    parser.add_argument("--folder", type=Path, default=Path("ddpo-reference"), help="environment and results")
    parser.add_argument("--python", default=sys.executable, help="makes the environment; 3.11 was tried")
    parser.add_argument("--index-torch", default="torch>=2.6,<2.14", help="which torch goes into the environment")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--methods", nargs="+", default=["trl", *TRAINS])
    parser.add_argument("--queries", type=int, default=1600)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--processes", type=int, default=1, help="of 'speed': cores that each side has")
    given = parser.parse_args()
    folder = given.folder.resolve()
    if given.job == "table":
        print_table(folder, methods=given.methods, queries=given.queries)
        return
    if given.job == "serve":
        serve(folder / "pipeline")
        return
    python = make_environment(folder, python=given.python, torch_wanted=given.index_torch)
    pipeline = make_pipeline(folder, python=python)
    if given.job == "equivalence":
        sys.exit(0 if compare(folder, python=python, pipeline=pipeline) else 1)
    if given.job == "speed":
        measure_speed(folder, python=python, pipeline=pipeline, rounds=given.rounds, processes=given.processes)
        return
    for seed in range(given.seeds):
        for method in given.methods:
            learn(method, folder=folder, python=python, pipeline=pipeline, seed=seed, queries=given.queries)
    print_table(folder, methods=given.methods, queries=given.queries)


def make_environment(folder: Path, *, python: str, torch_wanted: str) -> Path:
    """Makes the virtual environment with TRL, unless it is there."""
    place = folder / "environment"
    if not (place / "complete").is_file():
        print(f"making {place} with {', '.join(PACKAGES)}", file=sys.stderr)
        subprocess.run([python, "-m", "venv", "--clear", str(place)], check=True)
        pip = [str(place / "bin" / "python"), "-m", "pip", "install", "--quiet", *PACKAGES, torch_wanted]
        subprocess.run(pip, check=True)
        (place / "complete").touch()
    return place / "bin" / "python"


def make_pipeline(folder: Path, *, python: Path) -> Path:
    """Makes the tiny pipeline, unless it is there."""
    pipeline = folder / "pipeline"
    if not (pipeline / "model_index.json").is_file():
        told = json.loads(_call(python, "pipeline", "--pipeline", str(pipeline)))
        assert told["denoiser_weights"] == 253_364, told
    return pipeline


def compare(folder: Path, *, python: Path, pipeline: Path) -> bool:
    """Replays TRL's trajectories and prints by how much ours differs; True where all is within the limits."""
    file = folder / "replayed.safetensors"
    told = json.loads(_call(python, "replay", "--pipeline", str(pipeline), "--out", str(file)))
    theirs = load_file(file)
    policy = _policy(pipeline, seed=0)
    rows = {}
    for number, move in enumerate(told["moves"]):
        policy.denoiser.load({name: theirs[f"{number}/weight/{name}"] for name in policy.denoiser.trained})
        rows[f"weights moved by {move:g}"] = _differences(policy, theirs, number, prompts=told["prompts"])
    rows["advantages"] = {"advantages": _advantage_difference(told["normalised"])}
    worst = {name: max(row[name] for row in rows.values() if name in row) for name in (*LIMITS, *ROUNDINGS)}
    is_equal = all(worst[name] <= limit for name, limit in LIMITS.items())
    for label, row in rows.items():
        print(f"{label:<28}" + ", ".join(f"{name} {value:.2e}" for name, value in row.items()))
    found = [f"{name} {worst[name]:.1e} (at most {limit:g})" for name, limit in LIMITS.items()]
    print(f"largest differences: {', '.join(found)}: {'equal' if is_equal else 'NOT EQUAL'}")
    print(
        "log-probabilities and gradients are compared with the reference's step in float64, on the same numbers; its "
        f"rounding to float32 alone costs {worst['rounding_of_trl']:.1e} of a log-probability and "
        f"{worst['gradient_rounding_of_trl']:.1e} of the gradient's norm"
    )
    report = {"rows": rows, "worst": worst, "limits": LIMITS, "is_equal": is_equal}
    _write(folder / "equivalence.json", {**report, "theirs": told["versions"], "ours": versions()})
    return is_equal


def _differences(
    policy: DiffusionPolicy, theirs: dict[str, torch.Tensor], number: int, *, prompts: list[str]
) -> dict[str, float]:
    """Compares one replay with TRL's, of the same weights.

    Returns:
        Largest absolute differences; of the gradient the norm of the difference, relative. "log_probs" and "gradient"
        are compared with TRL's step run in float64 on the same numbers: in float32 it takes a difference of two numbers
        near 1 for the variance of the last step. "rounding_of_trl" and "gradient_rounding_of_trl" are what that costs.
    """
    latents, advantages = theirs["latents"], theirs["advantages"]
    policy.denoiser.unet.zero_grad()
    found = []
    for step in range(len(policy.sampler)):
        mean_now = policy.mean(latents[:, step], prompts, step=step)
        log_probs = policy.sampler.log_prob(latents[:, step + 1], mean_now, step=step)
        loss = importance_sampling_loss(log_probs, theirs["log_probs"][:, step], advantages, clip_range=DDPO.clip_range)
        loss.losses.mean().backward()
        measured = [loss.losses.mean(), 0.5 * loss.log_ratios.square().mean(), loss.is_clipped.mean()]
        found.append((log_probs.detach(), torch.stack([each.detach() for each in measured])))
    log_probs, losses = torch.stack([row[0] for row in found], dim=1), torch.stack([row[1] for row in found])
    gaps = (losses - theirs[f"{number}/losses"]).abs()
    rounded, exact = theirs[f"{number}/log_probs"], theirs[f"{number}/exact_log_probs"]
    names = list(policy.denoiser.trained)
    ours = _joined({name: weight.grad for name, weight in policy.denoiser.trained.items()}, names)
    own, exact_own = (
        _joined({name: theirs[f"{number}/{kind}/{name}"] for name in names}, names)
        for kind in ("gradient", "exact_gradient")
    )
    return {
        "log_probs": float((log_probs - exact).abs().max()),
        "log_probs_float32": float((log_probs - rounded).abs().max()),
        "rounding_of_trl": float((rounded - exact).abs().max()),
        "losses": float(gaps[:, 0].max()),
        "approx_kl": float(gaps[:, 1].max()),
        "clip_fraction": float(gaps[:, 2].max()),
        "clipped_share": float(losses[:, 2].mean()),
        "gradient": float((ours - exact_own).norm() / exact_own.norm()),
        "gradient_float32": float((ours - own).norm() / own.norm()),
        "gradient_rounding_of_trl": float((own - exact_own).norm() / exact_own.norm()),
    }


def _joined(rows: dict[str, torch.Tensor], names: list[str]) -> torch.Tensor:
    return torch.cat([rows[name].flatten().double() for name in names])


def _advantage_difference(epochs: list[dict[str, Any]]) -> float:
    normaliser = PromptNormaliser(buffer_size=32, min_count=16)
    gaps = [
        np.abs(normaliser.normalise(np.array(epoch["rewards"]), epoch["prompts"]) - np.array(epoch["advantages"])).max()
        for epoch in epochs
    ]
    return float(max(gaps))


def measure_speed(folder: Path, *, python: Path, pipeline: Path, rounds: int, processes: int) -> None:
    """Trains an epoch of TRL's and one of ours in turn, and prints seconds, processor seconds and their ratio.

    Both have as many cores: TRL as threads of its one process (its gradients are not summed over processes), ours as
    processes of one thread each. Processor seconds are those of all threads and of all processes.
    """
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"]
    call = [sys.executable, *(launcher if processes > 1 else []), str(Path(__file__)), "serve"]
    rows: list[dict[str, float]] = []
    with (
        _worker(_trl_call(python, pipeline=pipeline, seed=0), threads=processes) as theirs,
        _worker([*call, "--folder", str(folder)], threads=1) as ours,
    ):
        for number in range(rounds + 1):
            other, own = theirs.ask("epoch"), ours.ask("epoch")
            row = {"trl_s": other["seconds"], "ours_s": own["seconds"]}
            row |= {"trl_cpu_s": other["cpu_seconds"], "ours_cpu_s": own["cpu_seconds"]}
            row |= {"ratio": row["ours_s"] / row["trl_s"], "cpu_ratio": row["ours_cpu_s"] / row["trl_cpu_s"]}
            if number:  # the first one warms up
                rows.append(row)
                print(f"round {number}: " + ", ".join(f"{name} {value:.3f}" for name, value in row.items()), flush=True)
    middle = {name: median(row[name] for row in rows) for name in rows[0]}
    is_reached = middle["ratio"] <= WANTED_RATIO
    print("median:  " + ", ".join(f"{name} {value:.3f}" for name, value in middle.items()))
    print(
        f"verdict: on {processes} cores an epoch of ours takes {middle['ratio']:.3f} of the reference's seconds; "
        f"at most {WANTED_RATIO:.3f} is wanted: {'reached' if is_reached else 'NOT reached'}"
    )
    _write(
        folder / f"speed-{processes}.json", {"rounds": rows, **middle, "processes": processes, "is_reached": is_reached}
    )


def serve(pipeline: Path) -> None:
    """Trains one epoch of ours per line "epoch"; the first of several processes reads and tells."""
    is_alone = int(os.environ.get("WORLD_SIZE", "1")) == 1
    processes: Processes = SingleProcess() if is_alone else AcceleratedProcesses(is_on_cpu=True)
    trainer = _trainer("ddpo-is", pipeline=pipeline, seed=0, processes=processes)
    if processes.rank == 0:
        print(json.dumps({"ready": True}), flush=True)
    while processes.gather([sys.stdin.readline().strip() if processes.rank == 0 else ""])[0] == "epoch":
        began_cpu = process_time()
        seconds = trainer.run_epoch().seconds
        spent = sum(processes.gather([process_time() - began_cpu]))
        if processes.rank == 0:
            print(json.dumps({"seconds": seconds, "cpu_seconds": spent}), flush=True)


def learn(method: str, *, folder: Path, python: Path, pipeline: Path, seed: int, queries: int) -> None:
    """Trains one method on one seed, unless that was done; then draws and scores 64 pictures more."""
    path = cell_path(folder, method=method, seed=seed, queries=queries)
    if path.is_file():
        return
    size = DDPO.samples_per_epoch if method == "trl" else TRAINS[method].samples_per_epoch
    curve: list[dict[str, float]] = []
    began = perf_counter()
    for rewards, seconds in _epochs(method, python=python, pipeline=pipeline, seed=seed, count=queries // size):
        asked = curve[-1]["queries"] if curve else 0
        curve.append({"queries": asked + len(rewards), "reward": mean(rewards), "seconds": seconds})
        print(f"{method} seed {seed}: {asked + len(rewards)} queries, reward {mean(rewards):.4f}, {seconds:.1f} s")
    final = curve.pop()  # pictures after the last update: not used for training, so no queries
    cell = {"method": method, "seed": seed, "curve": curve, "final": final["reward"], "seconds": perf_counter() - began}
    _write(path, {**cell, "threads": torch.get_num_threads(), "versions": versions()})


def _epochs(method: str, *, python: Path, pipeline: Path, seed: int, count: int) -> Iterator[tuple[list[float], float]]:
    """Rewards and seconds of each epoch, and at last of pictures that are not trained on."""
    if method == "trl":
        with _worker(_trl_call(python, pipeline=pipeline, seed=seed)) as theirs:
            for order in [*(["epoch"] * count), "final"]:
                told = theirs.ask(order)
                yield told["rewards"], told["seconds"]
        return
    sampling = replace(SAMPLING, batch_size=LEARNING_BATCH)
    trainer = _trainer(method, pipeline=pipeline, sampling=sampling, seed=seed)
    for _ in range(count):
        result = trainer.run_epoch()
        yield result.rewards.tolist(), result.seconds
    began = perf_counter()
    scored: list[float] = []
    for first in range(0, NUM_FINAL, LEARNING_BATCH):
        places = range(first, first + LEARNING_BATCH)
        prompts = [PROMPTS[place % len(PROMPTS)] for place in places]
        seeds = [child_seed(seed, "final", place) for place in places]
        images = roll_out(trainer.policy, indices=places, prompts=prompts, seeds=seeds, keeps_steps=False)[1]
        scored += redness(images, prompts, seeds).tolist()
    yield scored, perf_counter() - began


def redness(images: ImageBatch, prompts: object, seeds: object) -> np.ndarray:
    """R - (G + B) / 2 of each picture, channels from 0 to 1."""
    del prompts, seeds
    red, green, blue = np.moveaxis(images.astype(np.float64).mean(axis=(1, 2)) / 255.0, -1, 0)
    return np.asarray(red - (green + blue) / 2.0)


def _policy(pipeline: Path, *, seed: int, sampling: SamplerSettings = SAMPLING) -> DiffusionPolicy:
    tokenizer = CLIPTokenizer.from_pretrained(pipeline / "tokenizer")
    loaded = StableDiffusionPipeline.from_pretrained(
        pipeline, tokenizer=tokenizer, safety_checker=None, feature_extractor=None, requires_safety_checker=False
    )
    return DiffusionPolicy(loaded, sampling=sampling, adapter=AdapterSettings(kind="full"), seed=seed)


def _trainer(
    method: str,
    *,
    pipeline: Path,
    seed: int,
    sampling: SamplerSettings = SAMPLING,
    processes: Processes | None = None,
) -> Trainer:
    return Trainer(
        _policy(pipeline, seed=seed, sampling=sampling),
        prompts=PROMPTS,
        score=redness,
        train=TRAINS[method],
        advantage=ADVANTAGE,
        processes=processes,
        seed=seed,
    )


class _Worker:
    """A trainer in a process of its own."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.ready = self._read()

    def ask(self, order: str) -> dict[str, Any]:
        """Sends one order and waits for what came of it."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{order}\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):
                told: dict[str, Any] = json.loads(line)
                return told
        raise RuntimeError("a trainer's process ended; what it wrote above says why.")


@contextmanager
def _worker(call: list[str], *, threads: int | None = None) -> Iterator[_Worker]:
    more = {} if threads is None else {"OMP_NUM_THREADS": str(threads)}
    environment = {**os.environ, **more}
    with subprocess.Popen(call, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            yield _Worker(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait()


def _trl_call(python: Path, *, pipeline: Path, seed: int) -> list[str]:
    return [str(python), str(_SCRIPT), "serve", "--pipeline", str(pipeline), "--seed", str(seed)]


_SCRIPT = Path(__file__).with_name("ddpo_reference_trl.py")


def _call(python: Path, *arguments: str) -> str:
    """Runs a job of TRL's side; its last line is JSON."""
    done = subprocess.run([str(python), str(_SCRIPT), *arguments], check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip().splitlines()[-1]


def _write(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, (json.dumps(content, indent=2) + "\n").encode())


if __name__ == "__main__":
    main()
