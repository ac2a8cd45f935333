"""Fine-tuning by diffusion feedback: DDPO-IS, DDPO-SF, RWR and RWR-sparse in one trainer.

- `DiffusionPolicy`: a Stable Diffusion pipeline as a chain of Gaussian steps, its `Sampler` and `TrainableDenoiser`.
- `Trainer`: draw, score, weigh, update; `FinetuneSession`: the same in a run folder, resumable to the bit.
- `check_policy`: the invariants on a user's own model; `judge_policy`: tuned against base.
- `*Settings`: what fixes a run; `PromptSet`, `PromptScorer`: what is asked for and how it is rewarded.
"""

from rldf.finetuning.failures import FinetuningError
from rldf.finetuning.judging import JudgeSettings, judge_policy
from rldf.finetuning.networks import TrainableDenoiser
from rldf.finetuning.policy import DiffusionPolicy
from rldf.finetuning.preflight import Finding, check_policy
from rldf.finetuning.prompts import PromptSet, load_prompt_set
from rldf.finetuning.rollout import Trajectories, roll_out
from rldf.finetuning.samplers import Sampler, build_sampler
from rldf.finetuning.scoring import PromptScorer
from rldf.finetuning.session import EpochDone, FinetuneFinished, FinetuneSession
from rldf.finetuning.settings import AdapterSettings, AdvantageSettings, RunSettings, SamplerSettings, TrainSettings
from rldf.finetuning.trainer import EpochResult, Trainer

__all__ = [
    "AdapterSettings",
    "AdvantageSettings",
    "DiffusionPolicy",
    "EpochDone",
    "EpochResult",
    "Finding",
    "FinetuneFinished",
    "FinetuneSession",
    "FinetuningError",
    "JudgeSettings",
    "PromptScorer",
    "PromptSet",
    "RunSettings",
    "Sampler",
    "SamplerSettings",
    "TrainSettings",
    "TrainableDenoiser",
    "Trainer",
    "Trajectories",
    "build_sampler",
    "check_policy",
    "judge_policy",
    "load_prompt_set",
    "roll_out",
]
