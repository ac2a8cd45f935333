"""Figures 3, 5, 6, 11 and 12 of the paper, made from a table; figure 12 needs the image model."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int

from rldf.arrays import Image, ImageBatch
from rldf.bench.paper_bench import AgentName, PaperBench
from rldf.bench.paper_questions import ASCENTS, ascending
from rldf.bench.paper_table3 import REWARDS
from rldf.bench.plots import (
    Curve,
    CurvePanel,
    HeatMap,
    PointMap,
    draw_curves,
    draw_heat_maps,
    draw_space,
    draw_strip,
    picture_of,
)
from rldf.bench.statistics import bootstrap_mean
from rldf.bench.table_rewards import rewards_of
from rldf.bench.table_walk import Walk, WalkRules
from rldf.space import Encoding

DrawStates = Callable[[Sequence[Encoding], int], ImageBatch]
"""Draws encodings with the search seed of a number."""

MAX_STRIP = 8
STRIP_EPISODE = 32  # steps after which the agent of the strip starts anew; our choice
NUM_CURVE_POINTS = 40
SHOWN_ASCENTS: Mapping[str, str] = {
    "plain": "plain",
    "with all three": "with trust region, wider estimates and restarts",
    "SPSA, plain": "SPSA, plain",
    "SPSA, with all three": "SPSA, with the same three",
}
AGENTS: Mapping[AgentName, str] = {"Q": "Q-learning", "SARSA": "SARSA", "random": "random walk"}


def figure_3(bench: PaperBench) -> Image:
    """The encoding space: maps of the states' pictures by object and by scene, and which terms look alike."""
    table, space = bench.table, bench.table.space
    vectors = np.asarray(table.readings.a_search_vectors, dtype=np.float64).mean(axis=1)
    centred = vectors - vectors.mean(axis=0)
    _, lengths, directions = np.linalg.svd(centred, full_matrices=False)
    shares = lengths[:2] ** 2 / max(float((lengths**2).sum()), 1e-12)
    maps: list[PointMap] = []
    for place in dict.fromkeys((_place(bench, "object"), _place(bench, "scene"))):
        axis = space.axes[place]
        groups = [axis.terms[int(point[place])] for point in bench.grid.points]
        maps.append(PointMap(title=axis.id, points=centred @ directions[:2].T, groups=groups, names=axis.terms))
    cube = vectors.reshape(*space.shape, -1)
    heats: list[HeatMap] = []
    for place, axis in enumerate(space.axes):
        means = cube.mean(axis=tuple(other for other in range(cube.ndim - 1) if other != place))
        means = means - means.mean(axis=0)
        means = means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
        heats.append(
            HeatMap(title=axis.id, values=means @ means.T, row_names=axis.terms, column_names=axis.terms),
        )
    figure = draw_space(
        maps,
        heats,
        title="Figure 3: where the pictures of all states lie, and which terms of an axis look alike",
        labels=(
            f"1st component ({100 * shares[0]:.0f} % of variance)",
            f"2nd component ({100 * shares[1]:.0f} % of variance)",
        ),
        value_label="likeness (cosine of the terms' mean embeddings, centred)",
    )
    return picture_of(figure)


def figure_5(bench: PaperBench, *, run: int = 0) -> Image:
    """The three reward landscapes over objects and scenes, the other axes at the target's terms."""
    table, space = bench.table, bench.table.space
    target = bench.target_of(run)
    goal = bench.grid.points[bench.grid.wish(target)]
    rows, columns = _place(bench, "object"), _place(bench, "scene")
    heats: list[HeatMap] = []
    for number, kind in enumerate(REWARDS, start=1):
        rewards = rewards_of(table, target=target, kind=kind)[:, bench.render_seed_of(run)].reshape(space.shape)
        spot: list[int | slice] = [int(index) for index in goal]
        spot[rows] = spot[columns] = slice(None)
        values = rewards[tuple(spot)]
        heats.append(
            HeatMap(
                title=f"Reward {number}: {kind}",
                values=values if rows < columns else values.T,
                row_names=space.axes[rows].terms,
                column_names=space.axes[columns].terms,
                marked=(int(goal[rows]), int(goal[columns])),
            )
        )
    figure = draw_heat_maps(
        heats,
        title="Figure 5: reward of a picture of each object in each scene; the target's cell is framed",
        row_label=space.axes[rows].id,
        column_label=space.axes[columns].id,
        value_label="reward",
    )
    return picture_of(figure)


def figure_6(bench: PaperBench) -> Image:
    """Distance to the goal along training, for each reward and agent."""
    steps = bench.size.long_steps
    panels: list[CurvePanel] = []
    for number, kind in enumerate(REWARDS, start=1):
        curves: list[Curve] = []
        for agent, name in AGENTS.items():
            walks = [
                bench.learn(bench.agent(agent, run=run), run=run, reward=kind, rules=WalkRules(num_steps=steps))
                for run in bench.runs
            ]
            curves.append(_curve(name, _thinned(np.stack([each.distances for each in walks])), last=steps))
        panels.append(CurvePanel(title=f"Reward {number}: {kind}", curves=curves))
    figure = draw_curves(
        panels,
        title=f"Figure 6: how far agents are from the goal as they learn ({_about_runs(bench)})",
        x_label="steps of training",
        y_label="moves left to the goal",
    )
    return picture_of(figure)


def figure_11(bench: PaperBench) -> Image:
    """How near to the goal the noisy diffusion gradient is after so many renders."""
    curves: list[Curve] = []
    for variant, name in SHOWN_ASCENTS.items():
        runs = bench.search(variant, make_searcher=ascending(ASCENTS[variant], is_confirmed=False))
        distances = np.array(
            [[bench.grid.distances_to(bench.grid.wish(row.target))[row.judged.state] for row in rows] for rows in runs],
            dtype=np.float64,
        )
        curves.append(_curve(name, distances, last=0, x=np.array(bench.size.budgets, dtype=np.float64)))
    figure = draw_curves(
        [CurvePanel(title="", curves=curves)],
        title=f"Figure 11: how near the noisy diffusion gradient comes ({_about_runs(bench)})",
        x_label="pictures rendered",
        y_label="moves from the best encoding to the goal",
    )
    return picture_of(figure)


def figure_12(bench: PaperBench, *, draw: DrawStates) -> Image:
    """The way of an agent as a strip of pictures: of the Q-learning runs that come nearest, the one from farthest away.

    Args:
        bench: where it walks.
        draw: draws the states it visits.

    Returns:
        The strip: distinct neighbours, evenly spread from the first encoding of the way to the last.
    """
    rules = WalkRules(num_steps=bench.size.long_steps, max_episode_steps=STRIP_EPISODE)
    walks = [bench.learn(bench.agent("Q", run=run), run=run, rules=rules) for run in bench.runs]
    ways = [_way(each) for each in walks]
    run = min(bench.runs, key=lambda each: (int(ways[each][1][-1]), -int(ways[each][1][0])))
    states, distances = ways[run]
    places = _spread(states)
    encodings = [bench.table.space.encoding(int(states[place])) for place in places]
    terms = [bench.table.space.terms(encoding) for encoding in encodings]
    figure = draw_strip(
        draw(encodings, bench.render_seed_of(run)),
        captions=[f"step {place + 1}\n{_moves(int(distances[place]))}" for place in places],
        rows={axis.id: [each[axis.id] for each in terms] for axis in bench.table.space.axes},
        title="Figure 12: a way of Q-learning, with the moves left to the goal; changed terms are bold",
    )
    return picture_of(figure)


def _place(bench: PaperBench, axis_id: str) -> int:
    ids = [axis.id for axis in bench.table.space.axes]
    return ids.index(axis_id) if axis_id in ids else (0 if axis_id == "object" else len(ids) - 1)


def _way(each: Walk) -> tuple[Int[np.ndarray, " steps"], Int[np.ndarray, " steps"]]:
    """States and distances of the episode that first came nearest to the goal, up to there."""
    end = int(each.distances.argmin())
    begin = end - end % STRIP_EPISODE  # no episode before it has ended early: only the goal ends one
    return each.states[begin : end + 1], each.distances[begin : end + 1]


def _spread(states: Int[np.ndarray, " steps"]) -> list[int]:
    """Places of at most so many states, evenly spread from first to last, none like the one before it."""
    places = np.flatnonzero(np.diff(states, prepend=-1))
    chosen = places[np.unique(np.linspace(0, len(places) - 1, MAX_STRIP).round().astype(int))]
    return [int(place) for place in chosen[np.diff(states[chosen], prepend=-1) != 0]]


def _moves(count: int) -> str:
    return "at the goal" if count == 0 else "1 move" if count == 1 else f"{count} moves"


def _about_runs(bench: PaperBench) -> str:
    return f"mean and 95 % interval, {bench.size.num_runs} runs"


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
