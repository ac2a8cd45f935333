"""The paper's open questions: rewards between accuracy and diversity, their parts, strange pictures, locality, nDg."""

from collections import defaultdict
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from rldf.bench.paper_bench import PaperBench, share_of_oracle, success_at
from rldf.bench.paper_findings import Finding, Measure, is_above, is_below, judge, measure
from rldf.bench.replay import MakeRewards, MakeSearcher
from rldf.bench.results import ResultRow
from rldf.bench.table import BenchTable
from rldf.bench.table_rewards import (
    REWARD_KINDS,
    PictureRewards,
    RewardKind,
    agreement,
    rewards_of,
    scores_by_b,
    semantic_rewards,
)
from rldf.bench.table_walk import WalkRules
from rldf.contracts import Searcher
from rldf.evaluation.vendi import vendi_score
from rldf.gradient import GUARDED, GUARDED_SPSA, PLAIN, SPSA, AscentSettings, ascend
from rldf.searchers import ScriptSearcher, confirm
from rldf.searchers.request import SearcherRequest
from rldf.space import Encoding

NUM_PICTURES = 16  # of a set whose diversity is measured; our choice
NDG_RENDERS = 96
NDG_SHARE = 0.8

ASCENTS: Mapping[str, AscentSettings] = {
    "plain": PLAIN,
    "with a trust region": AscentSettings(trust_region=3),
    "with wider estimates": AscentSettings(trust_region=3, widens=True),
    "with restarts": AscentSettings(restarts=True, patience=40),
    "with all three": GUARDED,
    "SPSA, plain": SPSA,
    "SPSA, with all three": GUARDED_SPSA,
}
"""Variants of the noisy diffusion gradient."""


def question_rewards(bench: PaperBench) -> Finding:
    """Which reward balances accuracy and diversity: the sixteen encodings that each one likes best."""
    accuracy: dict[RewardKind, list[float]] = {kind: [] for kind in REWARD_KINDS}
    diversity: dict[RewardKind, list[float]] = {kind: [] for kind in REWARD_KINDS}
    vectors = np.asarray(bench.table.readings.a_test_vectors, dtype=np.float64)
    for run in bench.runs:
        target = bench.target_of(run)
        scores = scores_by_b(bench.table, target)
        for kind in REWARD_KINDS:
            means = rewards_of(bench.table, target=target, kind=kind).mean(axis=1)
            best = np.argsort(-means, kind="stable")[:NUM_PICTURES]
            picture = run % vectors.shape[1]
            accuracy[kind].append(float(scores[best].mean()))
            diversity[kind].append(vendi_score(vectors[best, picture]))
    measures = [measure(f"accuracy, {kind}", accuracy[kind]) for kind in REWARD_KINDS]
    measures += [measure(f"diversity, {kind}", diversity[kind]) for kind in REWARD_KINDS]
    products = {kind: np.array(accuracy[kind]) * np.log(diversity[kind]) for kind in REWARD_KINDS}
    measures += [measure(f"accuracy x log diversity, {kind}", products[kind]) for kind in REWARD_KINDS]
    best_kind = max(REWARD_KINDS, key=lambda kind: float(products[kind].mean()))
    return Finding(
        key="question-rewards",
        title="Which reward balances accuracy and diversity?",
        rule="none: the largest mean of accuracy x log diversity is named",
        measures=tuple(measures),
        verdict="no claim",
        note=f"Best balance: {best_kind}. Accuracy is scorer B's score, diversity the Vendi score, of one test picture "
        f"each of the {NUM_PICTURES} encodings that the reward likes best over all search seeds.",
    )


def question_ablation(bench: PaperBench) -> Finding:
    """Which component of the reward matters: each left out in turn, from reward 1 and from agreement."""
    table = bench.table

    def without(axis_id: str) -> MakeRewards:
        kept = [axis.id for axis in table.space.axes if axis.id != axis_id]
        return lambda target: agreement(table, table.readings.a_search, _wish(table, target), axis_ids=kept)

    full = np.array([share_of_oracle(rows) for rows in bench.default_runs])
    measures = [measure("default, agreement on every axis", full)]
    for axis in table.space.axes:
        shares = np.array([share_of_oracle(rows) for rows in bench.search("factored", reward=without(axis.id))])
        measures.append(measure(f"default, without {axis.id}: loss", full - shares))
    rules = WalkRules(num_steps=bench.size.long_steps)
    whole = _q_converged(bench, rules, object_gain=1.0, scene_gain=1.0, scene_penalty=1.0)
    measures.append(measure("Q-learning converged, reward 1", whole))
    for name, gains in {
        "the object's gain": (0.0, 1.0, 1.0),
        "the scene's gain": (1.0, 0.0, 1.0),
        "the scene's penalty": (1.0, 1.0, 0.0),
        "the scene": (1.0, 0.0, 0.0),
    }.items():
        part = _q_converged(bench, rules, object_gain=gains[0], scene_gain=gains[1], scene_penalty=gains[2])
        measures.append(measure(f"Q-learning converged, without {name}: loss", whole - part))
    return Finding(
        key="question-ablation",
        title="Which component of the reward matters?",
        rule="none: losses whose interval lies above 0 matter",
        measures=tuple(measures),
        verdict="no claim",
        note="Share of the oracle's score at the largest budget; share of runs that converge.",
    )


def question_strange_pictures(bench: PaperBench) -> Finding:
    """How the search degrades on pictures outside its domain, kind by kind."""
    by_kind: defaultdict[str, list[int]] = defaultdict(list)
    for place, target in enumerate(bench.table.targets):
        by_kind[target.kind].append(place)
    measures: list[Measure] = []
    for kind, places in by_kind.items():
        chosen = places[: bench.size.num_runs]
        runs = bench.search("factored", targets=chosen)
        measures.append(measure(f"share of the oracle, {kind}", [share_of_oracle(rows) for rows in runs]))
        measures.append(measure(f"score by B, {kind}", [rows[-1].judged.score for rows in runs]))
        measures.append(measure(f"gap A - B, {kind}", [rows[-1].judged.gap for rows in runs]))
        right = [_share_right(bench.table, rows[-1]) for rows in runs]
        measures.append(measure(f"true terms found, {kind}", right))
    return Finding(
        key="question-out-of-domain",
        title="How does it degrade outside its domain?",
        rule="none",
        measures=tuple(measures),
        verdict="no claim",
        note="In-generator targets are the domain; drawn ones cross the gap to the renderer; off the grammar there is "
        "no word for the object; with several objects one word is missing.",
    )


def question_random_encodings(bench: PaperBench) -> Finding:
    """What a random encoding is worth, beside the search."""
    found = bench.default_runs
    shares = np.array([share_of_oracle(rows) for rows in found])
    starts = np.array([rows[-1].judged.start_score / max(rows[-1].judged.oracle, 1e-9) for rows in found])
    gain = measure("share of the oracle, search less random encoding", shares - starts)
    return Finding(
        key="question-random-encodings",
        title="Baseline: random encodings",
        rule="agrees where the search is clearly better than the random encoding it begins at",
        measures=(measure("random encoding", starts), measure("search", shares), gain),
        verdict=judge([is_above(gain)], opposite=is_below(gain)),
    )


def question_locality(bench: PaperBench) -> Finding:
    """Whether neighbouring terms look alike, in scorer A's embeddings."""
    vectors = np.asarray(bench.table.readings.a_search_vectors, dtype=np.float64).mean(axis=1)
    cube = vectors.reshape(*bench.table.space.shape, -1)
    measures: list[Measure] = []
    gains: list[float] = []
    for place, axis in enumerate(bench.table.space.axes):
        if len(axis) < 4:
            continue
        others = tuple(other for other in range(cube.ndim - 1) if other != place)
        means = cube.mean(axis=others)
        means = means - means.mean(axis=0)
        hits = [float(_is_next(means, term)) for term in range(len(axis))]
        chance = [_chance(term, len(axis)) for term in range(len(axis))]
        measures.append(measure(f"nearest term is a neighbour, {axis.id}", hits))
        measures.append(measure(f"by chance, {axis.id}", chance))
        gains += [hit - luck for hit, luck in zip(hits, chance, strict=True)]
    gain = measure("above chance, all axes", gains if gains else [0.0])
    return Finding(
        key="question-locality",
        title="Figure 3: does the encoding have semantic locality?",
        rule="agrees where the term that looks most alike is a neighbour on its axis clearly more often than by chance",
        measures=(gain, *measures),
        verdict=judge([is_above(gain)], opposite=is_below(gain)),
        note="Mean embeddings of each term's pictures over all other axes; axes of four terms at least.",
    )


def question_ndg(bench: PaperBench) -> Finding:
    """How far the noisy diffusion gradient comes, plain and with what helps."""
    measures: list[Measure] = []
    best = 0.0
    for name, settings in ASCENTS.items():
        for suffix in ("", ", confirmed"):
            runs = bench.search(name, make_searcher=ascending(settings, is_confirmed=suffix != ""))
            entry = measure(f"success, {name}{suffix}", [success_at(rows, NDG_RENDERS) for rows in runs])
            measures.append(entry)
            best = max(best, entry.interval.mean)
    return Finding(
        key="ndg",
        title="Figure 11: the noisy diffusion gradient reaches the target, but sticks on plateaus and leaves the goal",
        rule=f"agrees where the best variant succeeds on at least {NDG_SHARE:.0%} of the targets within {NDG_RENDERS} "
        "renders and the plain one on fewer",
        measures=tuple(measures),
        verdict=judge([best >= NDG_SHARE, measures[0].interval.mean < NDG_SHARE], opposite=best < NDG_SHARE),
    )


def ascending(settings: AscentSettings, *, is_confirmed: bool) -> MakeSearcher:
    """Makes a maker of the noisy diffusion gradient at some settings, for a replay."""

    def make(request: SearcherRequest) -> Searcher:
        script = ascend(space=request.space, start=request.start, seed=request.seed, settings=settings)
        return ScriptSearcher(confirm(script) if is_confirmed else script)

    return make


def _q_converged(
    bench: PaperBench, rules: WalkRules, *, object_gain: float, scene_gain: float, scene_penalty: float
) -> Float[np.ndarray, " runs"]:
    reached: list[float] = []
    for run in bench.runs:
        rewards: PictureRewards = semantic_rewards(
            bench.table,
            _wish(bench.table, bench.target_of(run)),
            object_gain=object_gain,
            scene_gain=scene_gain,
            scene_penalty=scene_penalty,
        )
        reached.append(
            float(bench.learn(bench.agent("Q", run=run), run=run, reward=rewards, rules=rules).has_converged)
        )
    return np.array(reached)


def _wish(table: BenchTable, target: int) -> Encoding:
    return table.percept(table.readings.target_a[target]).encoding


def _share_right(table: BenchTable, row: ResultRow) -> float:
    """Share of the true terms the grammar can say that were found; 1 where it can say none."""
    known = len(table.targets[row.target].terms)
    return len(row.judged.right_axes.split()) / known if known else 1.0


def _is_next(means: Float[np.ndarray, "terms width"], term: int) -> bool:
    distances = np.linalg.norm(means - means[term], axis=1)
    distances[term] = np.inf
    return abs(int(distances.argmin()) - term) == 1


def _chance(term: int, num_terms: int) -> float:
    return (1 if term in {0, num_terms - 1} else 2) / (num_terms - 1)
