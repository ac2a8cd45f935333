from collections.abc import Callable

import pytest

from rldf.errors import ConfigError
from rldf.generators.settings import NEGATIVE_PROMPT, NEGATIVE_TERMS, PAPER_SETTINGS, GenerationSettings


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: GenerationSettings(steps=0), r"steps is 0; .*at least 1.*Give 12 to 50"),
        (lambda: GenerationSettings(guidance_scale=-1.0), r"guidance_scale is -1.0; .*0 or larger.*Give 1 to 10"),
        (lambda: GenerationSettings(guidance_scale=float("nan")), r"guidance_scale is nan"),
        (lambda: GenerationSettings(size_px=100), r"size_px is 100; .*multiple of 8.*Give 512"),
        (lambda: GenerationSettings(size_px=0), r"size_px is 0"),
        (lambda: GenerationSettings(scheduler="dpm-solver"), r"no scheduler 'dpm-solver'; there are: model, dpm.*mean"),
        (lambda: GenerationSettings(max_batch_size=0), r"max_batch_size is 0; at least 1.*Give 1 to 64"),
    ],
)
def test_settings__out_of_range__refused(make: Callable[[], GenerationSettings], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        make()


def test_paper_settings__as_in_the_paper() -> None:
    assert (PAPER_SETTINGS.steps, PAPER_SETTINGS.size_px) == (20, 512)
    assert PAPER_SETTINGS.scheduler == "dpm-solver-multistep"
    assert PAPER_SETTINGS.autoencoder == "stabilityai/sd-vae-ft-mse"
    assert PAPER_SETTINGS.attention_slicing


def test_negative_prompt__fits_into_clip() -> None:
    num_words = sum(len(term.split()) for term in NEGATIVE_TERMS)
    num_commas = len(NEGATIVE_TERMS) - 1
    assert num_words + num_commas <= 75 - 20  # room for words that take two tokens
    assert NEGATIVE_PROMPT.startswith("low quality, low resolution, ")
