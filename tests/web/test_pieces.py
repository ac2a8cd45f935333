"""The parts of the page, with numbers worked out by hand."""

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from PIL import Image

from rldf.errors import RecordError
from rldf.web.charts import distance_chart, nice_ticks, reward_chart, rolling_means, rolling_window
from rldf.web.evidence import axis_evidence, chips
from rldf.web.film import MAX_FRAMES, frames
from rldf.web.pictures import embed
from rldf.web.references import references_of
from rldf.web.run_reading import read_stored_run
from rldf.web.stored_run import StoredTry
from rldf.web.wording import amount, duration, moment, number, plural

MakeRun = Callable[..., Path]


def a_try(step: int, reward: float | None, *, phase: str = "search", distance: float | None = 1.0) -> StoredTry:
    return StoredTry(
        step=step,
        phase=phase,
        terms={"object": "cow"},
        sentence="<cow> & calf",
        seed_index=0,
        image=f"images/{step:06d}.png",
        seen={},
        reward=reward,
        is_terminal=False,
        is_new_render=True,
        distance=distance,
    )


def points_of(svg: ET.Element, style: str) -> list[tuple[float, float]]:
    line = svg.find(f".//polyline[@class='{style}']")
    assert line is not None
    pairs = (pair.split(",") for pair in line.attrib["points"].split())
    return [(float(x), float(y)) for x, y in pairs]


def test_reward_chart__best_line_only_rises_and_ends_at_the_best() -> None:
    svg = ET.fromstring(str(reward_chart([a_try(0, 0.2), a_try(1, 0.6), a_try(2, 0.4), a_try(3, 0.8)])))
    line = points_of(svg, "line best-line")
    heights = [y for _, y in line]
    assert heights == sorted(heights, reverse=True)  # up is a smaller y
    circles = svg.findall(".//circle")
    assert len(circles) == 4
    assert float(circles[3].attrib["cy"]) == heights[-1] == min(heights)
    assert len(set(heights)) == 3  # 0.2, 0.6, 0.8; the 0.4 lies below the line


def test_reward_chart__draws_validation_as_diamonds_apart_from_the_line() -> None:
    svg = ET.fromstring(str(reward_chart([a_try(0, 0.5), a_try(1, 0.9, phase="validation")])))
    assert len(svg.findall(".//polygon[@class='validation']")) == 1
    assert len(svg.findall(".//circle")) == 1
    assert len(points_of(svg, "line best-line")) == 1


def test_reward_chart__escapes_sentences() -> None:
    assert "&lt;cow&gt; &amp; calf" in reward_chart([a_try(0, 0.5)])


def test_charts_without_values__are_empty() -> None:
    assert reward_chart([a_try(0, None)]) == ""
    assert distance_chart([a_try(0, 0.5, distance=None)]) == ""


def test_chart_of_one_try__has_no_division_by_zero() -> None:
    assert ET.fromstring(str(reward_chart([a_try(0, -0.5)]))).find(".//circle") is not None
    assert ET.fromstring(str(distance_chart([a_try(0, 0.5, distance=0.0)]))).find(".//circle") is not None


def test_distance_chart__puts_the_reading_at_the_bottom() -> None:
    svg = ET.fromstring(str(distance_chart([a_try(0, 0.1, distance=4.0), a_try(1, 0.2, distance=0.0)])))
    (x0, y0), (x1, y1) = points_of(svg, "line walk-line")
    assert x0 < x1
    assert y0 < y1
    zero = next(text for text in svg.findall(".//text") if text.text == "0" and "end" in text.attrib["class"])
    assert float(zero.attrib["y"]) - 4 == y1


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.0, 1.0, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (-1.0, 1.0, [-1.0, -0.5, 0.0, 0.5, 1.0]),
        (0.0, 12.0, [0.0, 5.0, 10.0, 15.0]),
        (3.0, 3.0, [3.0, 3.2, 3.4, 3.6, 3.8, 4.0]),
    ],
)
def test_nice_ticks__are_round_and_cover_the_range(low: float, high: float, ticks: list[float]) -> None:
    assert nice_ticks(low, high) == ticks


def test_rolling_means__average_only_in_long_runs() -> None:
    assert (rolling_window(150), rolling_window(500)) == (1, 20)
    assert rolling_means([1.0, 2.0, 6.0], window=1) == [1.0, 2.0, 6.0]
    assert rolling_means([1.0, 2.0, 6.0, 7.0], window=3) == [1.0, 1.5, 3.0, 5.0]


def test_axis_evidence__bars_start_at_zero_with_negative_rewards(make_run: MakeRun) -> None:
    folder = make_run(num_steps=4, is_finished=False)
    lines = [json.loads(line) for line in (folder / "steps.jsonl").read_text(encoding="utf-8").splitlines()]
    for line, reward, term in zip(lines, (-1.0, 1.0, 3.0, None), ("cow", "bus", "bus", "car"), strict=True):
        line["reward"] = reward
        for axis, value in {"object": term, "count": "one", "density": "no", "scene": "farm"}.items():
            line["encoding"]["terms"][axis] = value
    (folder / "steps.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    rows = {row.term: row for row in axis_evidence(read_stored_run(folder))[0].rows}
    assert (rows["cow"].mean_reward, rows["cow"].bar_left, rows["cow"].bar_width) == (-1.0, 0.0, 33.3)
    assert (rows["bus"].mean_reward, rows["bus"].bar_left, rows["bus"].bar_width) == (2.0, 33.3, 66.7)
    assert (rows["car"].mean_reward, rows["car"].num_pictures) == (None, 1)
    assert rows["bus"].is_found
    assert rows["cow"].is_read
    assert rows["sheep"].is_start


def test_chips__follow_the_axes_and_tell_agreement(make_run: MakeRun) -> None:
    shown = chips(read_stored_run(make_run()))
    assert [(chip.axis, chip.agrees) for chip in shown] == [
        ("object", True),
        ("count", False),
        ("density", True),
        ("scene", True),
    ]
    assert [chip.axis for chip in shown if chip.is_unsure] == ["density"]
    assert [chip.axis for chip in shown if chip.is_locked] == ["scene"]


def test_frames_of_a_very_long_run__keep_every_new_best(make_run: MakeRun) -> None:
    folder = make_run(num_steps=1, is_finished=False)
    line = json.loads((folder / "steps.jsonl").read_text(encoding="utf-8"))
    count = 2 * MAX_FRAMES + 1
    rewards = {0: 0.1, 7: 0.2, 333: 0.3, 1001: 0.9}
    steps = [
        {**line, "step": step, "reward": rewards.get(step, 0.0), "image": "images/gone.png"} for step in range(count)
    ]
    (folder / "steps.jsonl").write_text("".join(json.dumps(step) + "\n" for step in steps), encoding="utf-8")
    strip = frames(read_stored_run(folder))
    assert len(strip) <= MAX_FRAMES + len(rewards)
    assert [frame.step.step for frame in strip if frame.is_record] == [0, 7, 333, 1001]
    assert [frame.step.step for frame in strip if frame.is_best] == [1001]


def test_embed__shrinks_large_pictures_and_leaves_small_ones(tmp_path: Path) -> None:
    Image.new("RGB", (400, 200), "red").save(tmp_path / "large.png")
    Image.new("L", (64, 64), 9).save(tmp_path / "small.png")
    large, small = (embed(tmp_path, name, max_px=128) for name in ("large.png", "small.png"))
    assert large is not None
    assert small is not None
    assert (large.width_px, large.height_px) == (128, 64)
    assert (small.width_px, small.height_px) == (64, 64)
    assert large.source.startswith("data:image/webp;base64,")


def test_embed__a_decompression_bomb_is_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("RGB", (40, 40)).save(tmp_path / "big.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    assert embed(tmp_path, "big.png", max_px=32) is None


def test_embed__a_link_that_leads_out_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "private.png")
    (tmp_path / "run" / "link.png").symlink_to(tmp_path / "private.png")
    with pytest.raises(RecordError, match=r"'link\.png', which lies outside the run folder.*Copy"):
        embed(tmp_path / "run", "link.png", max_px=32)


def test_references__name_what_was_used_and_nothing_else(make_run: MakeRun) -> None:
    methods = [reference.method for reference in references_of(make_run())]
    assert methods[0] == "searching an encoding space with diffusion feedback"
    assert "Q-learning" in methods
    assert "SARSA" not in methods
    assert "SigLIP" not in methods


def test_wording__of_numbers() -> None:
    assert (number(0.125), number(-0.5), number(None), number(-0.001)) == ("0.12", "\u22120.50", "\u2013", "0.00")
    assert (amount(1234.0), amount(2.55)) == ("1,234", "2.5")
    assert (duration(4.26), duration(59.7), duration(125.0), duration(3661.0)) == (
        "4.3 s",
        "1 min 0 s",
        "2 min 5 s",
        "1 h 1 min",
    )
    assert moment("yesterday") == "yesterday"
    assert (plural(1, "try"), plural(0, "try"), plural(2, "alarm")) == ("1 try", "0 tries", "2 alarms")
