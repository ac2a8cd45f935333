"""Zero-shot CLIP and SigLIP on tiny folders written by save_pretrained."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import (
    BertConfig,
    BertModel,
    CLIPConfig,
    CLIPImageProcessorPil,
    CLIPModel,
    SiglipConfig,
    SiglipImageProcessorPil,
    SiglipModel,
)

from rldf.contracts import Perception
from rldf.errors import ModelUnavailableError, PerceptionError
from rldf.perception.clip import ZeroShotClip, plain_texts
from rldf.perception.percepts import softmax
from rldf.space import Axis, EncodingSpace
from rldf.testing.perception import PerceptionSuite, example_pictures

LAYERS = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
VISION = {**LAYERS, "image_size": 32, "patch_size": 16}
TEXT = {**LAYERS, "vocab_size": 64, "max_position_embeddings": 8, "pad_token_id": 0}
SPACE = EncodingSpace(
    axes=(
        Axis(id="object", terms=("", "cow", "car", "bus"), is_optional=True),
        Axis(id="scene", terms=("farm", "park")),
    )
)
TEXTS: dict[str, dict[str, tuple[str, ...]]] = {
    "object": {"": ("a photo",), "cow": ("a cow", "a photo of a cow"), "car": ("a car",), "bus": ("a bus",)},
    "scene": {"farm": ("in a farm",), "park": ("in a park",)},
}


def quiet(line: str) -> None:
    """Fails: local folders announce nothing."""
    raise AssertionError(line)


@pytest.fixture(scope="module")
def clip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clip")
    torch.manual_seed(0)
    CLIPModel(CLIPConfig(text_config=TEXT, vision_config=VISION, projection_dim=12)).save_pretrained(folder)
    CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size=32).save_pretrained(folder)
    save_tokenizer(folder)
    return folder


@pytest.fixture(scope="module")
def siglip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("siglip")
    torch.manual_seed(1)
    SiglipModel(SiglipConfig(text_config=TEXT, vision_config=VISION)).save_pretrained(folder)
    SiglipImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(folder)
    save_tokenizer(folder)
    return folder


def save_tokenizer(folder: Path) -> None:
    """Writes a tokenizer of whole words, in the one-file form of the tokenizers library."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = ["<pad>", "<unk>", *["a", "photo", "of", "in", "the", "cow", "car", "bus", "farm", "park", "satellite"]]
    tokenizer = Tokenizer(models.WordLevel({word: index for index, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", unk_token="<unk>").save_pretrained(folder)


class TestClip(PerceptionSuite):
    @pytest.fixture(autouse=True)
    def _remember(self, clip_folder: Path) -> None:
        self.folder = clip_folder

    def make_perception(self) -> Perception:
        return ZeroShotClip(self.folder, SPACE, texts=TEXTS, announce=quiet)


class TestSiglip(TestClip):
    @pytest.fixture(autouse=True)
    def _remember(self, siglip_folder: Path) -> None:
        self.folder = siglip_folder


@pytest.fixture(scope="module")
def clip(clip_folder: Path) -> ZeroShotClip:
    return ZeroShotClip(str(clip_folder), SPACE, texts=TEXTS, announce=quiet, unsure_below=0.0, outside_texts=())


def test_perceive__probabilities_are_the_models_own(clip: ZeroShotClip, clip_folder: Path) -> None:
    model = CLIPModel.from_pretrained(clip_folder).eval()
    pictures = example_pictures()[:2]
    pixels = CLIPImageProcessorPil.from_pretrained(clip_folder)(list(pictures), return_tensors="pt")["pixel_values"]
    sentences = torch.tensor([[5, 2, 10], [5, 2, 11]])  # "in a farm", "in a park", by place in the vocabulary
    with torch.inference_mode():
        logits = model(input_ids=sentences, pixel_values=pixels).logits_per_image
    for percept, row in zip(clip.perceive(pictures), logits.softmax(1).numpy(), strict=True):
        np.testing.assert_allclose(percept.probabilities[1], row, atol=1e-5)


def test_perceive__several_sentences_are_averaged(clip: ZeroShotClip) -> None:
    embedded = clip.embed_texts(["a cow", "a photo of a cow", "a photo", "a car", "a bus"]).astype(np.float64)
    mean = embedded[:2].mean(axis=0)
    terms = np.stack([embedded[2], mean / np.linalg.norm(mean), embedded[3], embedded[4]])
    picture = example_pictures()[:1]
    expected = softmax(np.exp(2.6592) * terms @ clip.embed_images(picture)[0])
    np.testing.assert_allclose(clip.perceive(picture)[0].probabilities[0], expected, atol=1e-4)


def test_perceive__objects_are_those_likely_enough(clip_folder: Path) -> None:
    everything = ZeroShotClip(
        clip_folder, SPACE, texts=TEXTS, announce=quiet, unsure_below=0.0, also_present_above=0.0, outside_texts=()
    )
    percept = everything.perceive(example_pictures()[:1])[0]
    ordered = sorted(zip(SPACE.axes[0].terms, percept.probabilities[0], strict=True), key=lambda pair: -pair[1])
    assert percept.objects == tuple(term for term, _ in ordered if term)


def test_perceive__abstains_below_the_threshold(clip_folder: Path) -> None:
    strict = ZeroShotClip(clip_folder, SPACE, texts=TEXTS, announce=quiet, unsure_below=1.0, outside_texts=())
    percept = strict.perceive(example_pictures()[:1])[0]
    assert percept.unsure_axes == ("object", "scene")
    assert percept.objects == ()


def test_perceive__abstains_where_an_outside_text_fits_best(clip: ZeroShotClip, clip_folder: Path) -> None:
    picture = example_pictures()[:1]
    look = clip.embed_images(picture)[0]
    known = max(
        float((clip.embed_texts(sentences) @ look).max()) for terms in TEXTS.values() for sentences in terms.values()
    )
    candidates = ["satellite", "satellite satellite", "the the", "of", "the satellite of the photo", "bus bus bus"]
    fits = {text: float(cosine) for text, cosine in zip(candidates, clip.embed_texts(candidates) @ look, strict=True)}
    best, worst = max(fits, key=fits.__getitem__), min(fits, key=fits.__getitem__)
    assert fits[best] > known > fits[worst]
    for text, unsure in ((best, ("object", "scene")), (worst, ())):
        perception = ZeroShotClip(
            clip_folder, SPACE, texts=TEXTS, announce=quiet, unsure_below=0.0, outside_texts=(text,)
        )
        assert perception.perceive(picture)[0].unsure_axes == unsure


def test_embed_images__unit_length_whatever_the_batch_size(clip: ZeroShotClip, clip_folder: Path) -> None:
    pictures = example_pictures()
    embedded = clip.embed_images(pictures)
    np.testing.assert_allclose(np.linalg.norm(embedded, axis=1), 1.0, atol=1e-6)
    together = ZeroShotClip(clip_folder, SPACE, texts=TEXTS, announce=quiet, batch_size=5).embed_images(pictures)
    np.testing.assert_allclose(embedded, together, atol=1e-5)


def test_embed_texts__long_sentences_are_cut_off(clip: ZeroShotClip) -> None:
    long, longer = clip.embed_texts(["cow " * 8, "cow " * 20])
    np.testing.assert_array_equal(long, longer)


def test_load__terms_without_a_sentence_are_named(clip_folder: Path) -> None:
    with pytest.raises(PerceptionError, match=r"no sentence describes 'park' on axis 'scene'.*Add it to the texts"):
        ZeroShotClip(clip_folder, SPACE, texts={**TEXTS, "scene": {"farm": ("farm",), "park": ()}}, announce=quiet)


def test_load__pickled_weights_are_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "clip"}', encoding="utf-8")
    torch.save({}, tmp_path / "pytorch_model.bin")
    with pytest.raises(
        ModelUnavailableError, match=r"are pickled \(\.bin\); only safetensors are loaded.*save_pretrain"
    ):
        ZeroShotClip(tmp_path, SPACE, texts=TEXTS, announce=quiet)


def test_load__unknown_folder_is_refused(clip_folder: Path) -> None:
    missing = clip_folder.parent / (clip_folder.name + "x")
    with pytest.raises(ModelUnavailableError, match=rf"there is no model .*Did you mean '{clip_folder.name}'\?"):
        ZeroShotClip(str(missing), SPACE, texts=TEXTS, announce=quiet)


def test_load__other_models_are_refused(tmp_path: Path) -> None:
    config = BertConfig(hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2, vocab_size=8)
    BertModel(config).save_pretrained(tmp_path)
    with pytest.raises(ModelUnavailableError, match=r"is a BertModel; zero-shot perception needs CLIP or SigLIP"):
        ZeroShotClip(tmp_path, SPACE, texts=TEXTS, announce=quiet)


@pytest.mark.parametrize(
    ("lost", "message"),
    [
        ("preprocessor_config.json", r"the image processor in .* cannot be loaded: .*needs preprocessor_config\.json"),
        ("tokenizer.json", r"the tokenizer in .* cannot be loaded: .*Copy the folder again"),
    ],
)
def test_load__incomplete_folder_is_refused(clip_folder: Path, tmp_path: Path, lost: str, message: str) -> None:
    for file in clip_folder.iterdir():
        if file.name != lost:
            (tmp_path / file.name).symlink_to(file)
    with pytest.raises(ModelUnavailableError, match=message):
        ZeroShotClip(tmp_path, SPACE, texts=TEXTS, announce=quiet)


def test_load__missing_weights_are_not_made_up(clip_folder: Path, tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    for file in clip_folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    weights = load_file(clip_folder / "model.safetensors")
    del weights["visual_projection.weight"]
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelUnavailableError, match=r"lacks 1 weights, such as 'visual_projection\.weight'"):
        ZeroShotClip(tmp_path, SPACE, texts=TEXTS, announce=quiet)


def test_load__damaged_weights_are_refused(clip_folder: Path, tmp_path: Path) -> None:
    for file in clip_folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "model.safetensors").write_bytes(b"\0" * 99)
    with pytest.raises(ModelUnavailableError, match=r"cannot be loaded: .*Check the folder, or copy it again"):
        ZeroShotClip(tmp_path, SPACE, texts=TEXTS, announce=quiet)


def test_load__prints_nothing(clip_folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    ZeroShotClip(clip_folder, SPACE, texts=TEXTS, announce=quiet).perceive(example_pictures()[:1])
    assert capfd.readouterr() == ("", "")


def test_digest__changes_with_the_settings_of_the_model(clip_folder: Path, tmp_path: Path) -> None:
    for file in clip_folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    (tmp_path / "config.json").write_text(json.dumps(config | {"note": "other"}), encoding="utf-8")
    digests = {ZeroShotClip(f, SPACE, texts=TEXTS, announce=quiet).digest for f in (clip_folder, tmp_path)}
    assert len(digests) == 2


def test_plain_texts__one_sentence_per_term() -> None:
    texts = plain_texts(SPACE, template="{term}!")
    assert texts["scene"] == {"farm": ("farm!",), "park": ("park!",)}
