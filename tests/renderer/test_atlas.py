"""The glyph atlas: whole, licensed, readable without the font."""

import json
from importlib.resources import files

import numpy as np
import pytest
from PIL import Image

from rldf.renderer.atlas import aspect_ratio, glyph_boxes, rotated_glyph, scaled_glyph
from rldf.renderer.vocabulary import CHARACTERS, OBJECTS

DATA = files("rldf.renderer") / "data"


def test_atlas__has_every_object_and_character_and_nothing_else() -> None:
    assert set(glyph_boxes()) == set(OBJECTS) | set(CHARACTERS[1:])


def test_atlas__is_small() -> None:
    assert len((DATA / "glyphs.png").read_bytes()) < 3 * 2**20


def test_licence__is_the_one_of_the_font_and_says_what_made_the_atlas() -> None:
    licence = (DATA / "LICENSE.txt").read_text(encoding="utf-8")
    assert "SIL OPEN FONT LICENSE Version 1.1" in licence
    assert "fonts-noto-color-emoji" in licence
    assert "tools/make_atlas.py" in licence
    assert "PERMISSION & CONDITIONS" in licence


def test_index__states_source_licence_command_and_unicode() -> None:
    index = json.loads((DATA / "glyphs.json").read_text(encoding="utf-8"))
    assert {"name", "version", "source", "licence", "made_by", "glyphs"} == set(index)
    assert index["glyphs"]["cow"]["unicode"] == "U+1F404"
    assert all(entry["unicode"].startswith("U+") for entry in index["glyphs"].values())


def test_glyph_boxes__lie_in_the_atlas_and_do_not_overlap() -> None:
    with (DATA / "glyphs.png").open("rb") as file:
        width, height = Image.open(file).size
    covered = np.zeros((height, width), dtype=np.int64)
    for left, top, right, bottom in glyph_boxes().values():
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height
        covered[top:bottom, left:right] += 1
    assert covered.max() == 1


@pytest.mark.parametrize("name", list(glyph_boxes()))
def test_glyph__touches_all_four_sides_of_its_box(name: str) -> None:
    opacity = np.asarray(rotated_glyph(name, 0).getchannel("A"))
    for side in (opacity[0], opacity[-1], opacity[:, 0], opacity[:, -1]):
        assert side.max() > 0


def test_rotated_glyph__by_a_right_angle_swaps_width_and_height() -> None:
    name = "giraffe"
    assert aspect_ratio(name, 90) == pytest.approx(1 / aspect_ratio(name), rel=0.03)


def test_scaled_glyph__is_weighted_by_opacity_and_read_only() -> None:
    glyph = scaled_glyph("cow", angle_deg=0, width_px=40, height_px=32)
    assert glyph.shape == (32, 40, 4)
    assert glyph[..., 3].min() >= 0
    assert glyph[..., 3].max() <= 1
    assert (glyph[..., :3] <= 255 * glyph[..., 3:] + 1e-3).all()
    with pytest.raises(ValueError, match="read-only"):
        glyph[0, 0, 0] = 1.0
