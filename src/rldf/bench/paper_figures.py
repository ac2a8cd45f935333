"""Figures 3, 5, 6, 11 and 12 of the paper, made from a table; figure 12 needs the image model."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

from rldf.arrays import Image, ImageBatch
from rldf.bench.paper_bench import AgentName, PaperBench
from rldf.bench.paper_questions import ASCENTS, ascending
from rldf.bench.paper_table3 import REWARDS
from rldf.bench.plots import (
    Curve,
    HeatMap,
    plot_curves,
    plot_heat_map,
    plot_points,
    plot_strip,
    side_by_side,
)
from rldf.bench.statistics import bootstrap_mean
from rldf.bench.table_rewards import rewards_of
from rldf.bench.table_walk import Walk, WalkRules
from rldf.space import Encoding

DrawStates = Callable[[Sequence[Encoding], int], ImageBatch]
"""Draws encodings with the search seed of a number."""

MAX_STRIP = 8
NUM_CURVE_POINTS = 40
SHOWN_ASCENTS = ("plain", "with all three", "SPSA, plain", "SPSA, with all three")
AGENTS: tuple[AgentName, ...] = ("Q", "SARSA", "random")


def figure_3(bench: PaperBench) -> Image:
    """The encoding space: a map of the states' pictures, and which terms look alike."""
    table = bench.table
    vectors = np.asarray(table.readings.a_search_vectors, dtype=np.float64).mean(axis=1)
    centred = vectors - vectors.mean(axis=0)
    flat = centred @ np.linalg.svd(centred, full_matrices=False)[2][:2].T
    longest = max(range(len(table.space.axes)), key=lambda place: min(len(table.space.axes[place]), 8))
    axis = table.space.axes[longest]
    groups = [axis.terms[int(point[longest])] for point in bench.grid.points]
    panels = [
        plot_points(flat, groups, title=f"Figure 3: states by {axis.id}", x_label="first component", y_label="second")
    ]
    cube = vectors.reshape(*table.space.shape, -1)
    for place, each in enumerate(table.space.axes):
        means = cube.mean(axis=tuple(other for other in range(cube.ndim - 1) if other != place))
        means = means - means.mean(axis=0)
        means = means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
        panels.append(
            plot_heat_map(
                HeatMap(
                    title=f"{each.id}: likeness of terms",
                    values=means @ means.T,
                    row_names=each.terms,
                    column_names=each.terms,
                )
            )
        )
    return side_by_side(panels)


def figure_5(bench: PaperBench, *, run: int = 0) -> Image:
    """The three reward landscapes over objects and scenes, the other axes at the target's terms."""
    table, space = bench.table, bench.table.space
    target = bench.target_of(run)
    goal = bench.grid.points[bench.grid.wish(target)]
    rows, columns = _place(bench, "object"), _place(bench, "scene")
    panels: list[Image] = []
    for number, kind in enumerate(REWARDS, start=1):
        rewards = rewards_of(table, target=target, kind=kind)[:, bench.render_seed_of(run)].reshape(space.shape)
        spot: list[int | slice] = [int(index) for index in goal]
        spot[rows] = spot[columns] = slice(None)
        values = rewards[tuple(spot)]
        panels.append(
            plot_heat_map(
                HeatMap(
                    title=f"Figure 5: reward {number}, {kind}",
                    values=values if rows < columns else values.T,
                    row_names=space.axes[rows].terms,
                    column_names=space.axes[columns].terms,
                    marked=(int(goal[rows]), int(goal[columns])),
                )
            )
        )
    return side_by_side(panels)


def figure_6(bench: PaperBench) -> Image:
    """Distance to the goal along training, for each reward and agent."""
    steps = bench.size.long_steps
    panels: list[Image] = []
    for number, kind in enumerate(REWARDS, start=1):
        curves: list[Curve] = []
        for name in AGENTS:
            walks = [
                bench.learn(bench.agent(name, run=run), run=run, reward=kind, rules=WalkRules(num_steps=steps))
                for run in bench.runs
            ]
            curves.append(_curve(name, _thinned(np.stack([each.distances for each in walks])), last=steps))
        panels.append(
            plot_curves(curves, title=f"Figure 6: reward {number}, {kind}", x_label="steps", y_label="moves to goal")
        )
    return side_by_side(panels)


def figure_11(bench: PaperBench) -> Image:
    """How near to the goal the noisy diffusion gradient is after so many renders."""
    curves: list[Curve] = []
    for name in SHOWN_ASCENTS:
        runs = bench.search(name, make_searcher=ascending(ASCENTS[name], is_confirmed=False))
        distances = np.array(
            [[bench.grid.distances_to(bench.grid.wish(row.target))[row.judged.state] for row in rows] for rows in runs],
            dtype=np.float64,
        )
        curves.append(_curve(name, distances, last=0, x=np.array(bench.size.budgets, dtype=np.float64)))
    return plot_curves(
        curves, title="Figure 11: noisy diffusion gradient", x_label="renders", y_label="moves from best to goal"
    )


def figure_12(bench: PaperBench, *, draw: DrawStates) -> Image:
    """The way of an agent as a strip of pictures: the run of Q-learning that was first at the goal.

    Args:
        bench: where it walks.
        draw: draws the states it visits.

    Returns:
        The strip; of the run that came nearest, where none arrived.
    """
    rules = WalkRules(num_steps=bench.size.long_steps, max_episode_steps=4 * MAX_STRIP)
    walks = [bench.learn(bench.agent("Q", run=run), run=run, rules=rules) for run in bench.runs]
    run = min(bench.runs, key=lambda each: _rank_of(walks[each]))
    states, distances = _last_way(walks[run], max_steps=rules.max_episode_steps or 1)
    chosen = np.unique(np.linspace(0, len(states) - 1, MAX_STRIP).round().astype(int))
    encodings = [bench.table.space.encoding(int(states[place])) for place in chosen]
    captions = [
        f"{distances[place]} moves\n" + "\n".join(bench.table.space.terms(encoding).values())
        for place, encoding in zip(chosen, encodings, strict=True)
    ]
    pictures = draw(encodings, bench.render_seed_of(run))
    return plot_strip(pictures, captions, title="Figure 12: the way of Q-learning, by moves that are left to the goal")


def _place(bench: PaperBench, axis_id: str) -> int:
    ids = [axis.id for axis in bench.table.space.axes]
    return ids.index(axis_id) if axis_id in ids else (0 if axis_id == "object" else len(ids) - 1)


def _rank_of(each: Walk) -> tuple[int, int]:
    needed = each.steps_to_target
    return (int(each.distances.min()), len(each.distances) if needed is None else needed)


def _last_way(each: Walk, *, max_steps: int) -> tuple[np.ndarray, np.ndarray]:
    """The steps of the episode that came nearest to the goal first, up to there."""
    end = int(each.distances.argmin()) + 1
    begin = end - 1
    while begin > 0 and end - begin < max_steps and abs(int(each.distances[begin] - each.distances[begin - 1])) <= 1:
        begin -= 1
    return each.states[begin:end], each.distances[begin:end]


def _thinned(values: np.ndarray) -> Float[np.ndarray, "runs points"]:
    """Means over equal stretches of the steps."""
    parts = np.array_split(values.astype(np.float64), min(NUM_CURVE_POINTS, values.shape[1]), axis=1)
    return np.stack([part.mean(axis=1) for part in parts], axis=1)


def _curve(
    name: str,
    values: Float[np.ndarray, "runs points"],
    *,
    last: int,
    x: Float[np.ndarray, " points"] | None = None,
) -> Curve:
    intervals = [bootstrap_mean(column) for column in values.T]
    return Curve(
        name=name,
        x=np.linspace(last / len(intervals), last, len(intervals)) if x is None else x,
        mean=np.array([each.mean for each in intervals]),
        low=np.array([each.low for each in intervals]),
        high=np.array([each.high for each in intervals]),
    )
