"""`rldf finetune` through the command line, on the tiny model."""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from tests.cli.conftest import Run

from rldf.jobs.finetune import plan_finetune
from rldf.presets.finetune_config import finetune_preset_names, load_finetune_preset

SHORT = (
    "sampler.num_steps=2",
    "sampler.batch_size=2",
    "train.samples_per_epoch=4",
    "train.update_batch_size=2",
    "prompts.num_prompts=2",
    "prompts.num_unseen=1",
    "run.num_samples=2",
    "run.sample_every=0",
    'reward.second="redness"',
)


class Counting(BaseHTTPRequestHandler):
    """A reward server: each picture's place in its batch; nothing under /gone."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body = json.dumps({"rewards": [0.1 * place for place in range(len(asked["prompts"]))]}).encode()
        self.send_response(404 if self.path == "/gone" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        del format, args


@pytest.fixture
def server() -> Iterator[str]:
    """Address of a reward server."""
    served = HTTPServer(("127.0.0.1", 0), Counting)
    thread = Thread(target=served.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{served.server_port}"
    served.shutdown()
    served.server_close()
    thread.join()


@pytest.fixture
def options(tiny_models: Path) -> list[str]:
    settings = [word for setting in SHORT for word in ("--config", setting.replace('"', ""))]
    scorer = f"reward.perception={tiny_models / 'scorer-a'}"
    return ["--model", str(tiny_models / "generator"), "--device", "cpu", *settings, "--config", scorer]


def test_run_resume_and_evaluate__give_a_lora_and_a_judgement(run: Run, options: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "run"
    ran = run("finetune", "run", *options, "--reward", "agreement", "--budget", "8", "--out", folder, "--json")
    assert (ran.status, ran.told["budget"]["queries"]) == (0, 8)
    assert (folder / "lora" / "pytorch_lora_weights.safetensors").is_file()
    assert "epoch 2: reward" in ran.err
    assert "which stands in for CLIP" in ran.err.partition("epoch 1: reward")[0]
    again = run("finetune", "run", "--resume", folder)
    assert again.status == 1
    assert "is finished; only an interrupted one can go on" in again.err
    refused = run("finetune", "evaluate", folder, "--num-prompts", "1", "--attacks")
    assert (refused.status, "all 1 prompts are the same; an attack needs" in refused.err) == (1, True)
    judged = run("finetune", "evaluate", folder, "--count", "2", "--num-prompts", "2", "--attacks", "--json")
    assert judged.status == 0, judged.err
    assert set(judged.told["prompts"]) == {"trained", "unseen"}
    for side in ("base", "tuned"):
        scores = judged.told["prompts"]["trained"]["diversity"][side]["scorer_class_score"]
        assert set(scores) == {"object", "count", "density", "scene"}
        assert all(1.0 <= score <= 4.0 for score in scores.values())
    assert judged.told["attacks"]["honest"]["mean"] <= 1.0
    assert "Attacks on the reward" in (folder / "report.html").read_text(encoding="utf-8")
    assert judged.told["curve"][-1][0] == 8
    assert json.loads((folder / "evaluation.json").read_text())["alarm"] is judged.told["alarm"]
    about = json.loads((folder / "lora" / "adapter.json").read_text())
    assert (about["steps"], about["guidance_scale"], about["method"]) == (2, 1.0, "ddpo-is")
    refused = run("finetune", "run", *options, "--budget", "8", "--out", folder)
    assert (refused.status, "is not empty" in refused.err) == (1, True)


def test_runs__lists_shows_resumes_and_cites_a_fine_tuning(run: Run, options: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "run"
    secret = ("--config", "reward.url=https://me:word@host/score?key=abc")
    given = [*options, *secret, "--reward", "jpeg-compressibility"]
    ran = run("finetune", "run", *given, "--budget", "8", "--out", folder, "--json")
    assert ran.status == 0, ran.err
    command = json.loads((folder / "run.json").read_text(encoding="utf-8"))["command"]
    assert command.startswith(f"rldf finetune run --model {options[1]} --reward jpeg-compressibility --budget 8 --out ")
    assert "'reward.url=https://***@host/score?key=***'" in command
    assert " --json" in command
    (row,) = run("runs", "list", tmp_path, "--json").told["runs"]
    assert (row["kind"], row["state"], row["tries"]) == ("finetune", "finished", 8)
    assert row["sentence"].startswith("ddpo-is of ")
    assert run("runs", "show", folder, "--json").told["budget"]["queries"] == 8
    assert "2305.13301" in run("cite", folder).out
    (folder / "summary.json").unlink()
    shown = run("runs", "show", folder)
    assert "epochs       2 are kept" in shown.out
    assert f"rldf finetune run --resume {folder}" in shown.out
    again = run("runs", "resume", folder, "--json")
    assert (again.status, again.told["epochs"]) == (0, 2)
    judged = run("finetune", "evaluate", folder, "--count", "2", "--num-prompts", "1")
    assert "both measured on embeddings of HeadsPerception" in judged.out


def test_lora_of_a_run__is_drawn_with_in_a_search(
    run: Run, options: list[str], tiny: list[str], picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    tuned = tmp_path / "tuned"
    options = [*options, "--config", "train.learning_rate=0.05"]
    ran = run("finetune", "run", *options, "--reward", "redness", "--budget", "8", "--out", tuned, "--json")
    assert ran.status == 0, ran.err
    cards, pictures = [], []
    for name, more in {"base": [], "lora": ["--lora", tuned], "again": ["--lora", tuned / "lora"]}.items():
        out = tmp_path / name
        found = run("search", picture, *tiny, *more, "--budget", "2", "--out", out, "--json")
        assert found.status == 0, found.err
        assert "other weights" not in found.err
        cards.append(json.loads((out / "run.json").read_text())["model"])
        pictures.append([path.read_bytes() for path in sorted((out / "images").glob("*.png"))])
        assert (found.told["budget"]["cache_hits"] > 0) == (name == "again")
    base, lora, again = cards
    assert lora["digest"].startswith(base["digest"])
    assert lora["digest"] != base["digest"]
    assert lora == again
    assert pictures[0] != pictures[1] == pictures[2]


def test_check__says_go(run: Run, options: list[str]) -> None:
    model = options[1]
    ran = run("finetune", "check", model, *options[2:], "--reward", "jpeg-compressibility", "--json")
    assert (ran.status, ran.told["go"]) == (0, True)


def test_check__says_why_not_with_status_1(run: Run, options: list[str], tmp_path: Path) -> None:
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("a photo of zebra\na photo of heron\n", encoding="utf-8")
    ran = run("finetune", "check", *options, "--reward", "redness", "--prompts", prompts)
    assert ran.status == 1
    assert "NO  prompts differ for the text encoder" in ran.out
    assert ran.out.endswith("no go\n")
    out = tmp_path / "run"
    refused = run("finetune", "run", *options, "--reward", "redness", "--prompts", prompts, "--out", out)
    assert (refused.status, "are the same to the text encoder" in refused.err, out.exists()) == (1, True, False)


def test_dry_run__counts_and_loads_nothing(run: Run) -> None:
    ran = run("finetune", "run", "--preset", "paper-ddpo-is", "--dry-run", "--json")
    assert ran.told == {
        "epochs": 200,
        "queries": 51200,
        "updates": 800,
        "denoiser_evaluations": 2 * (51200 * 100 + 41 * 8 * 50),
        "sample_pictures": 41 * 8,
    }
    compared = run(
        "finetune", "run", "--preset", "paper-ddpo-is", "--config", "train.kl_weight=0.1", "--dry-run", "--json"
    )
    assert compared.told["denoiser_evaluations"] == 2 * (51200 * 150 + 41 * 8 * 50)


def test_score_function_over_a_preset__takes_one_update_an_epoch_and_says_so(run: Run) -> None:
    ran = run("finetune", "run", "--method", "ddpo-sf", "--dry-run", "--json")
    assert ran.status == 0, ran.err
    assert ran.told["updates"] == ran.told["epochs"] == 16
    assert ran.err.count("takes one update an epoch, of all its pictures: train.update_batch_size = 64 set to fit") == 1
    given = run("finetune", "run", "--method", "ddpo-sf", "--config", "train.update_batch_size=64", "--dry-run")
    assert (given.status, "set to fit" in given.err) == (0, False)


def test_time_limit_before_the_first_epoch__is_told(run: Run, options: list[str], tmp_path: Path) -> None:
    out = tmp_path / "run"
    options = [*options, "--config", "run.max_seconds=1e-6"]
    ran = run("finetune", "run", *options, "--reward", "redness", "--budget", "8", "--out", out)
    assert ran.status == 0, ran.err
    assert "no epoch was done; the run stopped: time" in ran.out
    assert (out / "checkpoints" / "epoch-000000" / "state.json").is_file()
    assert (out / "report.html").is_file()


def test_run_whose_reward_server_failed__goes_on_with_another_address(
    run: Run, options: list[str], tmp_path: Path, server: str
) -> None:
    out = tmp_path / "run"
    asked = [*options, "--reward", "remote", "--config", f"reward.url={server}/gone"]
    failed = run("finetune", "run", *asked, "--budget", "8", "--out", out)
    assert failed.status == 1
    assert "status 404. Start it again and go on with the run; its address and time-out are reward.url" in failed.err
    text = (out / "run.json").read_text(encoding="utf-8")
    (out / "run.json").write_text(text.replace(f"{server}/gone", f"{server}/score"), encoding="utf-8")
    again = run("finetune", "run", "--resume", out, "--json")
    assert (again.status, again.told["epochs"]) == (0, 2), again.err


def test_missing_tensorboard__leaves_no_folder(
    run: Run, options: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    out = tmp_path / "run"
    ran = run("finetune", "run", *options, "--reward", "redness", "--config", "run.use_tensorboard=true", "--out", out)
    assert (ran.status, "'tensorboard' is not installed" in ran.err, out.exists()) == (1, True, False)


def test_dry_run_of_a_run_that_goes_on__counts_and_trains_nothing(run: Run, tmp_path: Path) -> None:
    config = load_finetune_preset("embedded")
    (tmp_path / "request.json").write_text(json.dumps({"kind": "finetune", "config": asdict(config)}))
    told = run("finetune", "run", "--resume", tmp_path, "--dry-run", "--json").told
    assert told == asdict(plan_finetune(config)) | {"epochs_done": 0}
    assert [path.name for path in tmp_path.iterdir()] == ["request.json"]
    (tmp_path / "epochs.jsonl").write_text("{}\n" * 3)
    checkpoint = tmp_path / "checkpoints" / "epoch-000002"
    checkpoint.mkdir(parents=True)
    (checkpoint / "state.json").write_text("{}")
    assert run("finetune", "run", "--resume", tmp_path, "--dry-run", "--json").told["epochs_done"] == 2


def test_run_that_goes_on__takes_no_other_options(run: Run, tmp_path: Path) -> None:
    ran = run("finetune", "run", "--resume", tmp_path, "--budget", "8", "--preset", "embedded")
    assert ran.status == 2
    said = " ".join(ran.err.split())
    assert "--preset, --budget cannot be given with --resume; only --resume, --dry-run, --json, --debug can." in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--reward", "beauty"], r"there is no reward 'beauty'. There are: "),
        (["--prompts", "animals", "--reward", "agreement"], "are free text; sentences of a grammar are needed"),
        (["--reward", "clip-score"], "the embedded scorer embeds pictures only"),
        (["--reward", "caption"], "reward.captioner is empty; a hub id or folder of LLaVA or BLIP is needed"),
        (["--reward", "clip"], "reward.references is empty; a list of files such as ['cow.png'] is needed"),
        (["--reward", "aesthetic"], "reward.aesthetic_head is empty; a .safetensors file of its weights is needed"),
        (["--reward", "remote"], "reward.url is empty; an address that begins with http:// or https:// is needed"),
        (["--reward", "jpeg-compressibility=much"], "has the weight 'much'; a weight is a number"),
        (["--method", "ppo"], "train.method is 'ppo'; it is one of ddpo-is, ddpo-sf, rwr, rwr-sparse"),
        (["--config", "sampler.kind=euler"], "adds no noise, so its steps have no density; it is one of ddim, ddpm."),
        (
            ["--method", "ddpo-sf"],
            "'ddpo-sf', train.num_passes 1 and train.update_batch_size 2 of 4 pictures; the score",
        ),
        (["--config", "train.clip=1"], "there is no setting 'train.clip'"),
        (["--budget", "3"], "the budget must hold at least one epoch"),
    ],
)
def test_wrong_setting__is_one_line_with_status_1(
    run: Run, options: list[str], tmp_path: Path, arguments: list[str], message: str
) -> None:
    ran = run("finetune", "run", *options, *arguments, "--out", tmp_path / "run")
    assert ran.status == 1
    assert message in ran.err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", finetune_preset_names())
def test_preset__can_be_planned(name: str) -> None:
    plan = plan_finetune(load_finetune_preset(name))
    assert plan.queries > 0


@pytest.mark.golden
def test_paper_presets__are_table_d5() -> None:
    rows = {}
    for name in ("ddpo-is", "ddpo-sf", "rwr", "rwr-sparse"):
        config = load_finetune_preset(f"paper-{name}")
        train = config.train
        assert (config.sampler.num_steps, config.sampler.guidance_scale, config.sampler.eta) == (50, 5.0, 1.0)
        assert (train.learning_rate, train.weight_decay, train.max_gradient_norm) == (1e-5, 1e-4, 1.0)
        rows[name] = (
            train.method,
            train.update_batch_size,
            plan_finetune(config).updates // plan_finetune(config).epochs,
        )
    assert rows["ddpo-is"] == ("ddpo-is", 64, 4)
    assert rows["ddpo-sf"] == ("ddpo-sf", 256, 1)
    assert rows["rwr"] == ("rwr", 128, 400)
    assert rows["rwr-sparse"][:2] == ("rwr-sparse", 128)
