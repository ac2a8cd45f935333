"""The papers behind the methods that a run used, found by the names in its run.json."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rldf.records import read_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A paper.

    Attributes:
        method: what it describes, in plain words.
        citation: authors, title, place and year.
    """

    method: str
    citation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """A reference and how its use is told: a pattern in some parts of run.json, lower case."""

    method: str
    citation: str
    parts: tuple[str, ...]
    pattern: str


_ALWAYS = Reference(
    method="searching an encoding space with diffusion feedback",
    citation="A. Marathe. Reinforcement Learning from Diffusion Feedback: Q* for Image Search. 2023. arXiv 2311.15648.",
)
FINETUNING = (
    Reference(
        method="DDPO and reward-weighted regression",
        citation="K. Black, M. Janner, Y. Du, I. Kostrikov, S. Levine. Training Diffusion Models with Reinforcement "
        "Learning. ICLR 2024. arXiv 2305.13301.",
    ),
    Reference(
        method="DDIM sampling",
        citation="J. Song, C. Meng, S. Ermon. Denoising Diffusion Implicit Models. ICLR 2021. arXiv 2010.02502.",
    ),
)
_MODELS = ("model", "perception", "judge")
_KNOWN = (
    _Known(
        method="Q-learning",
        citation="C. J. C. H. Watkins, P. Dayan. Q-learning. Machine Learning 8, 1992, 279-292.",
        parts=("config",),
        pattern=r"\bq[-_ ]learning\b",
    ),
    _Known(
        method="SARSA",
        citation="G. A. Rummery, M. Niranjan. On-line Q-learning using connectionist systems. "
        "Cambridge University, CUED/F-INFENG/TR 166, 1994.",
        parts=("config",),
        pattern=r"\bsarsa\b",
    ),
    _Known(
        method="decreasing step sizes",
        citation="H. Robbins, S. Monro. A Stochastic Approximation Method. "
        "Annals of Mathematical Statistics 22, 1951, 400-407.",
        parts=("config",),
        pattern=r"\brobbins",
    ),
    _Known(
        method="latent diffusion (Stable Diffusion)",
        citation="R. Rombach, A. Blattmann, D. Lorenz, P. Esser, B. Ommer. High-Resolution Image Synthesis with Latent "
        "Diffusion Models. CVPR 2022. arXiv 2112.10752.",
        parts=("model",),
        pattern=r"stable[-_]?diffusion|\bembedded\b",
    ),
    _Known(
        method="DPM-Solver++ sampling",
        citation="C. Lu, Y. Zhou, F. Bao, J. Chen, C. Li, J. Zhu. DPM-Solver++: Fast Solver for Guided Sampling of "
        "Diffusion Probabilistic Models. 2022. arXiv 2211.01095.",
        parts=("config", "model"),
        pattern=r"dpm[-_]?solver|\bembedded\b",
    ),
    _Known(
        method="classifier-free guidance",
        citation="J. Ho, T. Salimans. Classifier-Free Diffusion Guidance. 2022. arXiv 2207.12598.",
        parts=("config", "model"),
        pattern=r"guidance",
    ),
    _Known(
        method="DALL-E 2",
        citation="A. Ramesh, P. Dhariwal, A. Nichol, C. Chu, M. Chen. Hierarchical Text-Conditional Image Generation "
        "with CLIP Latents. 2022. arXiv 2204.06125.",
        parts=("model",),
        pattern=r"\bdall[-_]?e[-_]?2",
    ),
    _Known(
        method="CLIP",
        citation="A. Radford and others. Learning Transferable Visual Models From Natural Language Supervision. "
        "ICML 2021. arXiv 2103.00020.",
        parts=("config", *_MODELS),
        pattern=r"\bclip\b|\bscorer-a\b",
    ),
    _Known(
        method="residual networks (scorer B)",
        citation="K. He, X. Zhang, S. Ren, J. Sun. Deep Residual Learning for Image Recognition. CVPR 2016. "
        "arXiv 1512.03385.",
        parts=("perception", "judge"),
        pattern=r"\bresnet|\bscorer-b\b",
    ),
    _Known(
        method="SigLIP",
        citation="X. Zhai, B. Mustafa, A. Kolesnikov, L. Beyer. Sigmoid Loss for Language Image Pre-Training. "
        "ICCV 2023. arXiv 2303.15343.",
        parts=("perception", "judge"),
        pattern=r"\bsiglip",
    ),
    _Known(
        method="DINOv2",
        citation="M. Oquab and others. DINOv2: Learning Robust Visual Features without Supervision. 2023. "
        "arXiv 2304.07193.",
        parts=("perception", "judge"),
        pattern=r"\bdinov2",
    ),
    _Known(
        method="BLIP-2",
        citation="J. Li, D. Li, S. Savarese, S. Hoi. BLIP-2: Bootstrapping Language-Image Pre-training with Frozen "
        "Image Encoders and Large Language Models. ICML 2023. arXiv 2301.12597.",
        parts=("perception", "judge"),
        pattern=r"\bblip-?2",
    ),
    _Known(
        method="Places scenes",
        citation="B. Zhou, A. Lapedriza, A. Khosla, A. Oliva, A. Torralba. Places: A 10 Million Image Database for "
        "Scene Recognition. IEEE TPAMI 40, 2018, 1452-1464.",
        parts=("perception", "judge"),
        pattern=r"\bplaces",
    ),
    _Known(
        method="telling pictures outside the grammar by Mahalanobis distance",
        citation="K. Lee, K. Lee, H. Lee, J. Shin. A Simple Unified Framework for Detecting Out-of-Distribution "
        "Samples and Adversarial Attacks. NeurIPS 2018. arXiv 1807.03888.",
        parts=("perception",),
        pattern=r"\bheads\b|\bembedded\b|mahalanobis",
    ),
)


def references_of(run_folder: Path) -> tuple[Reference, ...]:
    """Names the papers of the methods that a run used.

    Args:
        run_folder: the run folder.

    Returns:
        The method of this package first, or those of fine-tuning; then those recognised in the run's settings and
        models.
    """
    run = read_json(run_folder / "run.json")
    first = FINETUNING if run.get("kind") == "finetune" else (_ALWAYS,)
    parts: Mapping[str, str] = {
        name: json.dumps(run.get(name), ensure_ascii=False).lower() for name in ("config", *_MODELS)
    }
    used = [
        Reference(method=known.method, citation=known.citation)
        for known in _KNOWN
        if any(re.search(known.pattern, parts[part]) for part in known.parts)
    ]
    return (*first, *used)
