"""One short experiment for each claim of the paper about starts, seeds, rewards and realism."""

import numpy as np
from jaxtyping import Bool, Float

from rldf.bench.landscapes import Landscape, look_at
from rldf.bench.paper_bench import PaperBench, share_of_oracle
from rldf.bench.paper_findings import Finding, is_above, is_below, judge, measure, one_sided
from rldf.bench.table import BenchTable
from rldf.bench.table_rewards import PictureRewards, rewards_of, scores_by_b
from rldf.bench.table_walk import Walk, WalkRules
from rldf.rewards.realism import SHRINKAGE, FeatureCloud
from rldf.seeding import child_rng

EPISODE_STEPS = 50  # of the runs that start anew; our choice
NEAR_SHARE, FAR_SHARE = 0.25, 0.75  # quantiles of the distances to the target: near and far starts; our choice
AMBIGUOUS = 0.5  # share of the score's variance that distance leaves open, above which it is called ambiguous
UNREALISTIC_SHARE = 0.05  # pictures called unrealistic: those whose embeddings lie furthest out; our choice


def claim_1_start(bench: PaperBench) -> Finding:
    """The start decides much; random starts treat it."""
    steps = bench.size.long_steps
    near: list[Walk] = []
    far: list[Walk] = []
    spread: list[Walk] = []
    for run in bench.runs:
        distances = bench.grid.distances_to(bench.grid.wish(bench.target_of(run)))
        order = np.argsort(distances, kind="stable")[1:]
        pick = child_rng(run, "paper-start").integers(max(1, len(order) // 20))
        for share, walks in ((NEAR_SHARE, near), (FAR_SHARE, far)):
            start = int(order[min(len(order) - 1, int(share * len(order)) + int(pick))])
            walks.append(_q(bench, run, WalkRules(num_steps=steps, start=start)))
        anywhere = WalkRules(num_steps=steps, max_episode_steps=EPISODE_STEPS)
        spread.append(_q(bench, run, anywhere))
    reached = {name: _converged(walks) for name, walks in (("near", near), ("far", far), ("random", spread))}
    gap = measure("near less far, fixed starts", reached["near"] - reached["far"])
    gain = measure("random starts less one far start", reached["random"] - reached["far"])
    return Finding(
        key="claim-1",
        title="1. The start position decides much; random starts treat it",
        rule="agrees where near starts converge more often than far ones, and random starts more often than a far one",
        measures=(*(measure(f"converged, {name}", values) for name, values in reached.items()), gap, gain),
        verdict=judge([is_above(gap), is_above(gain)], opposite=is_below(gap) or is_below(gain)),
        note=f"Q-learning, reward 1, epsilon 0.1, {steps} steps; random starts every {EPISODE_STEPS} steps.",
    )


def claim_2_seeds(bench: PaperBench) -> Finding:
    """Seeds that change during training hurt."""
    steps = bench.size.long_steps
    fixed = [_q(bench, run, WalkRules(num_steps=steps)) for run in bench.runs]
    changing = [_q(bench, run, WalkRules(num_steps=steps, changes_seeds=True)) for run in bench.runs]
    loss = measure("converged, fixed less changing", _converged(fixed) - _converged(changing))
    away = measure(
        "mean distance, changing less fixed",
        np.array([each.distances.mean() for each in changing]) - np.array([each.distances.mean() for each in fixed]),
    )
    return Finding(
        key="claim-2",
        title="2. Changing the image model's seed during training hurts",
        rule="agrees where runs with changing seeds converge less often; disagrees where they do more often",
        measures=(
            measure("converged, fixed seed", _converged(fixed)),
            measure("converged, changing seeds", _converged(changing)),
            loss,
            away,
        ),
        verdict=judge([is_above(loss)], opposite=is_below(loss)),
        note=f"Q-learning, reward 1, epsilon 0.1, {steps} steps; the same agents, starts and targets.",
    )


def claim_3_clip(bench: PaperBench) -> Finding:
    """The CLIP reward guides finely but sticks in local optima; the partial reward is more gradual."""
    clip = [_landscape(bench, run, "clip") for run in bench.runs]
    partial = [_landscape(bench, run, "partial-semantic") for run in bench.runs]
    finer = measure(
        "states on a plateau, partial less CLIP",
        [b.plateau_share - a.plateau_share for a, b in zip(clip, partial, strict=True)],
    )
    sticks = measure(
        "climbs that end at a false peak, CLIP less partial",
        [a.false_peak_share - b.false_peak_share for a, b in zip(clip, partial, strict=True)],
    )
    nearer = measure(
        "rank correlation with nearness, CLIP less partial",
        [a.nearness - b.nearness for a, b in zip(clip, partial, strict=True)],
    )
    return Finding(
        key="claim-3",
        title="3. The CLIP reward guides finely but sticks in local optima; the partial reward is more gradual",
        rule="agrees where CLIP has fewer plateaus (fine) and more false peaks (sticks) than the partial reward",
        measures=(
            finer,
            sticks,
            nearer,
            measure("climbs that end at the goal, CLIP", [each.goal_share for each in clip]),
            measure("climbs that end at the goal, partial", [each.goal_share for each in partial]),
        ),
        verdict=judge([is_above(finer), is_above(sticks)], opposite=is_below(finer) or is_below(sticks)),
        note="Exact on the table: a climb from every state, always the best move; one render seed for each run.",
    )


def claim_4_distance(bench: PaperBench) -> Finding:
    """Distance as a reward is ambiguous."""
    open_shares, by_distance, by_semantics = [], [], []
    for run in bench.runs:
        target = bench.target_of(run)
        distances = bench.grid.distances_to(bench.grid.wish(target))
        open_shares.append(_variance_within(scores_by_b(bench.table, target), distances))
        nearness = 1.0 - distances / max(distances.max(), 1)
        spread = np.repeat(nearness[:, np.newaxis], len(bench.table.search_seeds), axis=1)
        rules = WalkRules(num_steps=bench.size.long_steps)
        by_distance.append(_q(bench, run, rules, reward=spread))
        by_semantics.append(_q(bench, run, rules))
    ambiguity = measure("share of the score's variance that distance leaves open", open_shares)
    return Finding(
        key="claim-4",
        title="4. Distance to the goal as a reward is ambiguous",
        rule=f"agrees where states at the same distance differ in scorer B's score by more than {AMBIGUOUS:.0%} of the "
        "variance of all states; disagrees where by less",
        measures=(
            ambiguity,
            measure("converged, distance as reward", _converged(by_distance)),
            measure("converged, reward 1", _converged(by_semantics)),
        ),
        verdict=judge([is_above(ambiguity, AMBIGUOUS)], opposite=is_below(ambiguity, AMBIGUOUS)),
        note="A reward by distance needs the target's encoding, which a search is not given: it is a measurement only.",
    )


def claim_8_realism(bench: PaperBench) -> Finding:
    """Penalising unrealistic pictures, which the paper names and leaves out."""
    is_odd = unrealistic(bench.table)
    rules = WalkRules(num_steps=bench.size.long_steps)
    off, penalised, ended = [], [], []
    for run in bench.runs:
        rewards = rewards_of(bench.table, target=bench.target_of(run), kind="multi-semantic")
        lower = np.where(is_odd, rewards.min(), rewards)
        off.append(_q(bench, run, rules, reward=rewards))
        penalised.append(_q(bench, run, rules, reward=lower))
        ended.append(bench.learn(bench.agent("Q", run=run), run=run, reward=rewards, rules=rules, is_terminal=is_odd))

    def penalise(target: int) -> PictureRewards:
        rewards = rewards_of(bench.table, target=target, kind="agreement")
        return np.where(is_odd, rewards.min(), rewards)

    plain = [share_of_oracle(rows) for rows in bench.default_runs]
    careful = [share_of_oracle(rows) for rows in bench.search("factored", reward=penalise)]
    gains = (
        measure("converged, penalised less not", _converged(penalised) - _converged(off)),
        measure("converged, terminal less not", _converged(ended) - _converged(off)),
        measure("default's share of the oracle, penalised less not", np.array(careful) - np.array(plain)),
    )
    return Finding(
        key="claim-8",
        title="8. Unrealistic pictures could be penalised or made terminal",
        rule="agrees (it helps) where one of the three differences is clearly above 0 and none below; disagrees where "
        "one is clearly below and none above",
        measures=gains,
        verdict=one_sided(gains),
        note=f"Unrealistic: the {UNREALISTIC_SHARE:.0%} of pictures whose embeddings lie furthest from all others.",
    )


def unrealistic(table: BenchTable) -> Bool[np.ndarray, "states seeds"]:
    """Search pictures whose embeddings lie further out than nearly all test pictures' (Mahalanobis distance)."""
    width = table.readings.a_test_vectors.shape[-1]
    known = np.asarray(table.readings.a_test_vectors, dtype=np.float64).reshape(-1, width)
    covariance = np.atleast_2d(np.cov(known.T))
    floor = SHRINKAGE * np.trace(covariance) / width
    precision = np.linalg.inv((1 - SHRINKAGE) * covariance + max(floor, 1e-9) * np.eye(width))
    cloud = FeatureCloud(mean=known.mean(axis=0), precision=precision, threshold=0.0)
    threshold = float(np.quantile(cloud.distances(known), 1 - UNREALISTIC_SHARE))
    shown = np.asarray(table.readings.a_search_vectors, dtype=np.float64)
    return np.asarray(cloud.distances(shown.reshape(-1, width)) > threshold).reshape(shown.shape[:2])


def _q(bench: PaperBench, run: int, rules: WalkRules, *, reward: PictureRewards | None = None) -> Walk:
    agent = bench.agent("Q", run=run)
    return bench.learn(agent, run=run, reward="multi-semantic" if reward is None else reward, rules=rules)


def _converged(walks: list[Walk]) -> Float[np.ndarray, " runs"]:
    return np.array([float(each.has_converged) for each in walks])


def _landscape(bench: PaperBench, run: int, kind: str) -> Landscape:
    target = bench.target_of(run)
    rewards = rewards_of(bench.table, target=target, kind="clip" if kind == "clip" else "partial-semantic")
    return look_at(bench.grid, rewards[:, bench.render_seed_of(run)], goal=bench.grid.wish(target))


def _variance_within(scores: Float[np.ndarray, " states"], groups: np.ndarray) -> float:
    """Share of the variance that lies inside groups, 0 to 1; 1 where nothing varies."""
    total = float(((scores - scores.mean()) ** 2).sum())
    inside = sum(float(((part - part.mean()) ** 2).sum()) for part in (scores[groups == g] for g in np.unique(groups)))
    return inside / total if total > 0 else 1.0
