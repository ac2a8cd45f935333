"""I8 of the reference: after every update all processes hold equal weights, and the gradient is that of one process."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tests.finetuning.two_processes import CASES, Case, train_case

from rldf.finetuning.networks import read_weights
from rldf.finetuning.processes import SingleProcess
from rldf.finetuning.session import read_epoch_lines
from rldf.records import read_step_lines

ROOT = Path(__file__).parents[2]
Trained = Callable[[Case, int], dict[str, torch.Tensor]]


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


def launch(folder: Path, names: Sequence[str]) -> None:
    """Trains cases in two real processes."""
    shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "OMP_NUM_THREADS": "1"}
    processes = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.finetuning.two_processes", str(folder), *names],
            cwd=ROOT,
            env={**os.environ, **shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    errors = [process.communicate()[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], errors


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """What each of two processes has after two epochs of a case; cases that run together share their processes."""
    folders: dict[bool, Path] = {}

    def load(case: Case, rank: int) -> dict[str, torch.Tensor]:
        if case.is_plain not in folders:
            folders[case.is_plain] = tmp_path_factory.mktemp("ranks")
            launch(folders[case.is_plain], [each.name for each in CASES if each.is_plain == case.is_plain])
        return load_file(folders[case.is_plain] / f"{case.name}-{rank}.safetensors")

    return load


PLAIN = [pytest.param(case, id=case.name) for case in CASES if case.is_plain]
OTHERS = [pytest.param(case, id=case.name, marks=pytest.mark.slow) for case in CASES if not case.is_plain]


@pytest.mark.parametrize("case", [*PLAIN, *OTHERS])
def test_i08_two_processes__hold_equal_weights_after_every_update(case: Case, trained: Trained) -> None:
    first, second = trained(case, 0), trained(case, 1)
    assert set(first) == set(second)
    for name, value in first.items():
        torch.testing.assert_close(second[name], value, rtol=0, atol=0)
    later = [name for name in first if name.startswith("weight/1/")]
    assert any((first[name] != first[name.replace("/1/", "/0/", 1)]).any() for name in later)


@pytest.mark.parametrize("case", PLAIN)
def test_i08_update_of_two_processes__is_that_of_one(case: Case, trained: Trained) -> None:
    both, alone = trained(case, 0), train_case(case, SingleProcess())
    assert set(both) == set(alone)
    gradients = [
        torch.cat([values[name].flatten() for name in sorted(values) if name.startswith("gradient/0/")])
        for values in (both, alone)
    ]
    assert gradients[1].norm() > 0.0
    assert (gradients[0] - gradients[1]).norm() <= 1e-5 * gradients[1].norm()
    for name, value in alone.items():
        if name.startswith("weight/0/"):
            torch.testing.assert_close(both[name], value, rtol=0, atol=1e-6)


@pytest.mark.slow
def test_command_line_with_two_processes__trains_goes_on_and_speaks_once(tiny_models: Path, tmp_path: Path) -> None:
    settings = (
        "sampler.num_steps=2",
        "sampler.batch_size=2",
        "train.samples_per_epoch=4",
        "train.update_batch_size=2",
        "prompts.num_prompts=2",
        "prompts.num_unseen=1",
        "run.num_samples=2",
        "run.kept_checkpoints=9",
        "reward.second=redness",
    )

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", "-m", "rldf.cli.main"]
        call = [sys.executable, "-W", "ignore", *torchrun, "finetune", "run", *words, "--json"]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        done = subprocess.run(call, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done

    whole, broken = tmp_path / "whole", tmp_path / "broken"
    changes = [word for setting in settings for word in ("--config", setting)]
    model = ["--model", str(tiny_models / "generator"), "--device", "cpu", "--reward", "redness"]
    ran = run(*model, *changes, "--budget", "12", "--out", str(whole))
    assert json.loads(ran.stdout)["budget"]["queries"] == 12  # one JSON object, of the first process
    assert ran.stderr.count("epoch 1: reward") == 1
    assert json.loads((whole / "run.json").read_text(encoding="utf-8"))["processes"] == 2
    shutil.copytree(whole, broken)
    (broken / "summary.json").unlink()
    for name in ("lora", "checkpoints/epoch-000002", "checkpoints/epoch-000003"):
        shutil.rmtree(broken / name)
    assert "epoch 2: reward" in run("--resume", str(broken)).stderr
    last = Path("checkpoints") / "epoch-000003" / "tensors.safetensors"
    theirs, ours = read_weights(whole / last), read_weights(broken / last)
    assert set(theirs) == set(ours)
    for name, value in theirs.items():
        torch.testing.assert_close(ours[name], value, rtol=0, atol=0)
    assert read_step_lines(broken) == read_step_lines(whole)
    lines = zip(read_epoch_lines(broken), read_epoch_lines(whole), strict=True)
    assert all({**first, "seconds": 0} == {**second, "seconds": 0} for first, second in lines)
