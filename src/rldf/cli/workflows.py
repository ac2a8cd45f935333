"""The workflows behind the commands, each loaded when it is first used.

`rldf --help` must not wait for torch, so command modules import this module and ask it for names:
`workflows.read_run(...)`. Together with the root package this is the one place of imports that are not at the top of a
module.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from huggingface_hub import try_to_load_from_cache as try_to_load_from_cache
    from torch import get_num_threads as get_num_threads

    from rldf.bench.render import BlockDone as BlockDone
    from rldf.cli.progress import SearchProgress as SearchProgress
    from rldf.cli.progress import TrainingProgress as TrainingProgress
    from rldf.datasets.export import export_clone as export_clone
    from rldf.datasets.plan_store import load_rounds as load_rounds
    from rldf.datasets.progress import CloneProgress as CloneProgress
    from rldf.datasets.run import read_status as read_status
    from rldf.datasets.storage import Storage as Storage
    from rldf.datasets.verify import repair_clone as repair_clone
    from rldf.datasets.verify import verify_clone as verify_clone
    from rldf.evaluation.distances import METRIC_NAMES as METRIC_NAMES
    from rldf.evaluation.recipe import TrainingRecipe as TrainingRecipe
    from rldf.finetuning.judging import JudgeSettings as JudgeSettings
    from rldf.generators.cache import cache_info as cache_info
    from rldf.generators.cache import clear_cache as clear_cache
    from rldf.generators.cache import render_folder as render_folder
    from rldf.generators.embedded import embedded_folder as embedded_folder
    from rldf.grammar import check_grammar as check_grammar
    from rldf.grammar import list_grammars as list_grammars
    from rldf.grammar import load_grammar as load_grammar
    from rldf.hub import folder_digest as folder_digest
    from rldf.hub import require_safetensors as require_safetensors
    from rldf.jobs.ablate import Ablated as Ablated
    from rldf.jobs.ablate import ablate as ablate
    from rldf.jobs.ablate import draw_input as draw_input
    from rldf.jobs.ablate import plan_ablation as plan_ablation
    from rldf.jobs.bench_confirm import bench_confirm as bench_confirm
    from rldf.jobs.bench_paper import PaperRun as PaperRun
    from rldf.jobs.bench_paper import bench_paper as bench_paper
    from rldf.jobs.bench_run import BenchRun as BenchRun
    from rldf.jobs.bench_run import bench_run as bench_run
    from rldf.jobs.bench_run import bench_table as bench_table
    from rldf.jobs.bench_run import quick as quick
    from rldf.jobs.bench_run import report_of as report_of
    from rldf.jobs.bench_tables import check_table as check_table
    from rldf.jobs.bench_transfer import bench_transfer as bench_transfer
    from rldf.jobs.bench_tune import TuningRun as TuningRun
    from rldf.jobs.bench_tune import bench_tune as bench_tune
    from rldf.jobs.bench_tune import read_tuned as read_tuned
    from rldf.jobs.beyond import check_beyond as check_beyond
    from rldf.jobs.beyond import prepare_beyond as prepare_beyond
    from rldf.jobs.beyond import tell_beyond as tell_beyond
    from rldf.jobs.captions import compare_caption as compare_caption
    from rldf.jobs.clone_estimate import estimate_of as estimate_of
    from rldf.jobs.clone_plan import ClassPlanned as ClassPlanned
    from rldf.jobs.clone_plan import ClonePlanned as ClonePlanned
    from rldf.jobs.clone_plan import ClonePlanRequest as ClonePlanRequest
    from rldf.jobs.clone_plan import choose_sentences as choose_sentences
    from rldf.jobs.clone_plan import foresee_clone as foresee_clone
    from rldf.jobs.clone_plan import open_clone as open_clone
    from rldf.jobs.clone_plan import plan_clone as plan_clone
    from rldf.jobs.clone_run import CloneFinished as CloneFinished
    from rldf.jobs.clone_run import GatesApplied as GatesApplied
    from rldf.jobs.clone_run import Note as Note
    from rldf.jobs.clone_run import RunRequest as RunRequest
    from rldf.jobs.clone_run import run_clone as run_clone
    from rldf.jobs.clone_study import CloneStudy as CloneStudy
    from rldf.jobs.clone_study import quick_study as quick_study
    from rldf.jobs.clone_tables import make_table as make_table
    from rldf.jobs.clone_tables import table_as_json as table_as_json
    from rldf.jobs.clone_tables import table_as_markdown as table_as_markdown
    from rldf.jobs.evaluate import evaluate_classifier as evaluate_classifier
    from rldf.jobs.evaluate import evaluate_distances as evaluate_distances
    from rldf.jobs.feature_cache import clear_features as clear_features
    from rldf.jobs.feature_cache import features_info as features_info
    from rldf.jobs.finetune import check_finetune as check_finetune
    from rldf.jobs.finetune import evaluate_finetune as evaluate_finetune
    from rldf.jobs.finetune import plan_finetune as plan_finetune
    from rldf.jobs.finetune import plan_resume as plan_resume
    from rldf.jobs.finetune import resume_finetune as resume_finetune
    from rldf.jobs.finetune import run_finetune as run_finetune
    from rldf.jobs.generate import SetFinished as SetFinished
    from rldf.jobs.generate import SetRequest as SetRequest
    from rldf.jobs.generate import base_config as base_config
    from rldf.jobs.generate import folder_name as folder_name
    from rldf.jobs.generate import generate_pictures as generate_pictures
    from rldf.jobs.generate import plan_redraw as plan_redraw
    from rldf.jobs.generate import redraw_pictures as redraw_pictures
    from rldf.jobs.generate import tries_for_each as tries_for_each
    from rldf.jobs.order_terms import order_axis as order_axis
    from rldf.jobs.request import begin_or_reopen as begin_or_reopen
    from rldf.jobs.request import default_folder as default_folder
    from rldf.jobs.request import prepare_search as prepare_search
    from rldf.jobs.search import FileBegan as FileBegan
    from rldf.jobs.search import FileFailed as FileFailed
    from rldf.jobs.search import encode_images as encode_images
    from rldf.jobs.search import plan_search as plan_search
    from rldf.jobs.search import resume_search as resume_search
    from rldf.jobs.search import run_prepared as run_prepared
    from rldf.jobs.search import search_folder as search_folder
    from rldf.jobs.slide import plan_slide as plan_slide
    from rldf.jobs.slide import slide as slide
    from rldf.jobs.transfer import plan_transfer as plan_transfer
    from rldf.jobs.transfer import transfer as transfer
    from rldf.perception.reading import list_image_files as list_image_files
    from rldf.presets.build import build_parts as build_parts
    from rldf.presets.config import SearchConfig as SearchConfig
    from rldf.presets.finetune_config import finetune_from_dict as finetune_from_dict
    from rldf.presets.finetune_config import load_finetune_preset as load_finetune_preset
    from rldf.presets.finetune_config import override_finetune as override_finetune
    from rldf.presets.generators import choose_device as choose_device
    from rldf.presets.loading import config_from_dict as config_from_dict
    from rldf.presets.loading import config_to_dict as config_to_dict
    from rldf.presets.loading import load_preset as load_preset
    from rldf.presets.loading import override as override
    from rldf.presets.loading import preset_names as preset_names
    from rldf.presets.lora_folder import find_lora as find_lora
    from rldf.presets.shelf import SHELF as SHELF
    from rldf.records import axes_to_json as axes_to_json
    from rldf.records import find_runs as find_runs
    from rldf.records import read_json as read_json
    from rldf.records import read_run as read_run
    from rldf.records import utc_now as utc_now
    from rldf.records import versions as versions
    from rldf.records.pictures import encode_png as encode_png
    from rldf.renderer.examples import draw_example as draw_example
    from rldf.rewards.caption_models import check_captioner as check_captioner
    from rldf.sampling import Controls as Controls
    from rldf.search import RunFinished as RunFinished
    from rldf.seeding import child_rng as child_rng
    from rldf.web import references_of as references_of
    from rldf.web import write_report as write_report
    from rldf.web.finetune_run import is_finetune as is_finetune
    from rldf.web.finetune_run import read_finetune_folder as read_finetune_folder
    from rldf.worlds.card import card_text as card_text
    from rldf.worlds.card import card_to_json as card_to_json
    from rldf.worlds.card import measure_card as measure_card
    from rldf.worlds.card_page import write_card as write_card
    from rldf.worlds.evidence import load_instruments as load_instruments
    from rldf.worlds.planning import plan_world as plan_world
    from rldf.worlds.recipe import world_mixture as world_mixture
    from rldf.worlds.train_captioner import CAPTIONER_STAGE as CAPTIONER_STAGE
    from rldf.worlds.train_captioner import TINY_CAPTIONER_STAGE as TINY_CAPTIONER_STAGE
    from rldf.worlds.train_captioner import train_captioner as train_captioner
    from rldf.worlds.training import StageProgress as StageProgress
    from rldf.worlds.training import WorldTraining as WorldTraining

_MODULES = {
    "huggingface_hub": ("try_to_load_from_cache",),
    "rldf.cli.progress": (
        "SearchProgress",
        "TrainingProgress",
    ),
    "rldf.finetuning.judging": ("JudgeSettings",),
    "rldf.presets.shelf": ("SHELF",),
    "rldf.presets.finetune_config": (
        "finetune_from_dict",
        "load_finetune_preset",
        "override_finetune",
    ),
    "rldf.jobs.finetune": (
        "check_finetune",
        "evaluate_finetune",
        "plan_finetune",
        "plan_resume",
        "resume_finetune",
        "run_finetune",
    ),
    "rldf.datasets.export": ("export_clone",),
    "rldf.datasets.plan_store": ("load_rounds",),
    "rldf.datasets.progress": ("CloneProgress",),
    "rldf.datasets.run": ("read_status",),
    "rldf.datasets.storage": ("Storage",),
    "rldf.datasets.verify": (
        "repair_clone",
        "verify_clone",
    ),
    "rldf.evaluation.distances": ("METRIC_NAMES",),
    "rldf.jobs.clone_estimate": ("estimate_of",),
    "rldf.jobs.clone_plan": (
        "ClassPlanned",
        "ClonePlanned",
        "ClonePlanRequest",
        "choose_sentences",
        "foresee_clone",
        "open_clone",
        "plan_clone",
    ),
    "rldf.jobs.clone_run": (
        "CloneFinished",
        "GatesApplied",
        "Note",
        "RunRequest",
        "run_clone",
    ),
    "rldf.jobs.clone_study": (
        "CloneStudy",
        "quick_study",
    ),
    "rldf.jobs.clone_tables": (
        "make_table",
        "table_as_json",
        "table_as_markdown",
    ),
    "rldf.evaluation.recipe": ("TrainingRecipe",),
    "rldf.jobs.evaluate": (
        "evaluate_classifier",
        "evaluate_distances",
    ),
    "rldf.jobs.feature_cache": (
        "clear_features",
        "features_info",
    ),
    "rldf.generators.cache": (
        "cache_info",
        "clear_cache",
        "render_folder",
    ),
    "rldf.generators.embedded": ("embedded_folder",),
    "rldf.grammar": (
        "check_grammar",
        "list_grammars",
        "load_grammar",
    ),
    "rldf.hub": (
        "folder_digest",
        "require_safetensors",
    ),
    "rldf.perception.reading": ("list_image_files",),
    "rldf.bench.render": ("BlockDone",),
    "rldf.jobs.ablate": (
        "Ablated",
        "ablate",
        "draw_input",
        "plan_ablation",
    ),
    "rldf.jobs.bench_run": (
        "BenchRun",
        "bench_run",
        "bench_table",
        "quick",
        "report_of",
    ),
    "rldf.jobs.bench_paper": (
        "PaperRun",
        "bench_paper",
    ),
    "rldf.jobs.bench_confirm": ("bench_confirm",),
    "rldf.jobs.bench_tables": ("check_table",),
    "rldf.jobs.bench_transfer": ("bench_transfer",),
    "rldf.jobs.bench_tune": (
        "TuningRun",
        "bench_tune",
        "read_tuned",
    ),
    "rldf.jobs.beyond": (
        "check_beyond",
        "prepare_beyond",
        "tell_beyond",
    ),
    "rldf.presets.build": ("build_parts",),
    "rldf.jobs.captions": ("compare_caption",),
    "rldf.presets.config": ("SearchConfig",),
    "rldf.jobs.generate": (
        "SetFinished",
        "SetRequest",
        "base_config",
        "folder_name",
        "generate_pictures",
        "plan_redraw",
        "redraw_pictures",
        "tries_for_each",
    ),
    "rldf.presets.generators": ("choose_device",),
    "rldf.jobs.search": (
        "encode_images",
        "plan_search",
        "resume_search",
        "run_prepared",
        "search_folder",
        "FileBegan",
        "FileFailed",
    ),
    "rldf.presets.lora_folder": ("find_lora",),
    "rldf.presets.loading": (
        "config_from_dict",
        "config_to_dict",
        "load_preset",
        "override",
        "preset_names",
    ),
    "rldf.jobs.order_terms": ("order_axis",),
    "rldf.jobs.request": (
        "begin_or_reopen",
        "default_folder",
        "prepare_search",
    ),
    "rldf.rewards.caption_models": ("check_captioner",),
    "rldf.jobs.slide": ("plan_slide", "slide"),
    "rldf.jobs.transfer": ("plan_transfer", "transfer"),
    "rldf.records": (
        "axes_to_json",
        "find_runs",
        "read_json",
        "read_run",
        "utc_now",
        "versions",
    ),
    "rldf.sampling": ("Controls",),
    "rldf.search": ("RunFinished",),
    "rldf.records.pictures": ("encode_png",),
    "rldf.web": (
        "references_of",
        "write_report",
    ),
    "rldf.web.finetune_run": (
        "is_finetune",
        "read_finetune_folder",
    ),
    "rldf.seeding": ("child_rng",),
    "rldf.worlds.card": (
        "card_text",
        "card_to_json",
        "measure_card",
    ),
    "rldf.worlds.card_page": ("write_card",),
    "rldf.worlds.evidence": ("load_instruments",),
    "rldf.renderer.examples": ("draw_example",),
    "rldf.worlds.planning": ("plan_world",),
    "rldf.worlds.recipe": ("world_mixture",),
    "rldf.worlds.train_captioner": (
        "CAPTIONER_STAGE",
        "TINY_CAPTIONER_STAGE",
        "train_captioner",
    ),
    "rldf.worlds.training": (
        "StageProgress",
        "WorldTraining",
    ),
    "torch": ("get_num_threads",),
}
"""Module: the workflows it defines."""

_HOMES = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> object:
    """Loads a workflow."""
    if name not in _HOMES:
        raise AttributeError(f"there is no workflow '{name}'; there are: {', '.join(_HOMES)}. Add it to the table.")
    return getattr(import_module(_HOMES[name]), name)
