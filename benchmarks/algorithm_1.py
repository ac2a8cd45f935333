"""The paper's agents on the 480 states of the base space, beside the default searcher: the table in docs/log.md.

    python benchmarks/algorithm_1.py --targets 20 --seed 2000

Each target is a drawn picture. Agents walk the environment of Algorithm 1 with reward 1, 2 or 3 of the paper, from
random starts, epsilon 0.1, one fixed render seed. Every state is drawn once; the pictures are shared by all runs.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from typing import final

import numpy as np

from rldf.agents import QLearningAgent, SarsaAgent, UniformAgent
from rldf.contracts import Agent, Feedback, Reward, Searcher, Target
from rldf.envs import SemanticGridworld, run_algorithm_1
from rldf.presets.build import build_parts, build_searcher
from rldf.presets.config import RewardConfig, SearchConfig, SearchSettings
from rldf.presets.shelf import SHELF
from rldf.records import Outcome, Prompt, StepRecord
from rldf.renderer.examples import draw_example
from rldf.rewards import AgreementReward, MultiSemanticReward, PartialSemanticReward, SimilarityReward
from rldf.search import SearchParts
from rldf.search.seeds import RunSeeds
from rldf.searchers import rank_by_records
from rldf.space import Encoding

BATCH = 32


@final
class DrawnOnce(Feedback):
    """Draws and reads each encoding once for all targets; only the reward depends on the target."""

    def __init__(self, parts: SearchParts, memory: dict[tuple[Encoding, int], Outcome]) -> None:
        self._parts = parts
        self._memory = memory
        self.reward: Reward | None = None
        self.target = Target()

    def try_encodings(self, encodings: Sequence[Encoding], *, seeds: Sequence[int]) -> list[StepRecord]:
        """Looks up, or draws, what came of each encoding."""
        wanted = [pair for pair in zip(encodings, seeds, strict=True) if pair not in self._memory]
        for first in range(0, len(wanted), BATCH):
            self._draw(wanted[first : first + BATCH])
        outcomes = [self._memory[pair] for pair in zip(encodings, seeds, strict=True)]
        assert self.reward is not None
        rewards = self.reward.score(outcomes, target=self.target)
        return [StepRecord(outcome=o, reward=float(r)) for o, r in zip(outcomes, rewards, strict=True)]

    def _draw(self, pairs: Sequence[tuple[Encoding, int]]) -> None:
        prompts = [Prompt(text=self._parts.grammar.render(encoding)) for encoding, _ in pairs]
        images = self._parts.image_generator.generate(prompts, seeds=[seed for _, seed in pairs])
        percepts = self._parts.perception.perceive(images)
        for (encoding, seed), prompt, image, percept in zip(pairs, prompts, images, percepts, strict=True):
            self._memory[encoding, seed] = Outcome(
                encoding=encoding, prompt=prompt, seed=seed, image=image, percept=percept
            )


def make_agent(name: str, *, num_actions: int, seed: int) -> Agent:
    """Makes an agent at its defaults: discount 0.9, learning rate 0.1, epsilon 0.1."""
    if name == "Q-learning":
        return QLearningAgent(num_actions=num_actions, seed=seed)
    if name == "SARSA":
        return SarsaAgent(num_actions=num_actions, seed=seed)
    return UniformAgent(num_actions=num_actions, seed=seed)


def search_default(feedback: DrawnOnce, searcher: Searcher, *, renders: int, seeds: RunSeeds) -> list[StepRecord]:
    """Runs a searcher for a number of renders."""
    records: list[StepRecord] = []
    while len(records) < renders:
        proposals = searcher.ask(min(8, renders - len(records)))
        if not proposals:
            break
        tried = feedback.try_encodings(
            [proposal.encoding for proposal in proposals],
            seeds=[seeds.of("search")(proposal.seed_index) for proposal in proposals],
        )
        searcher.tell(tried)
        records += tried
    return records


def main() -> None:
    """Prints the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--targets", type=int, default=20)
    parser.add_argument("--seed", type=int, default=2000)
    parser.add_argument("--steps", type=int, nargs="+", default=[100, 2000])
    args = parser.parse_args()
    config = SearchConfig(search=SearchSettings(start="random"), reward=RewardConfig(name="agreement"))
    parts = build_parts(config, shelf=SHELF)
    space, seeds = parts.space, RunSeeds(root=0)
    feedback = DrawnOnce(parts, {})
    rewards: dict[str, Reward] = {
        "1 multi-semantic": MultiSemanticReward(space),
        "2 partial-semantic": PartialSemanticReward(space),
        "3 CLIP": SimilarityReward(parts.perception),  # type: ignore[arg-type]  # scorer A embeds too
    }
    targets = []
    for number in range(args.targets):
        picture = draw_example(parts.grammar, seed=args.seed + number).image
        targets.append(Target(percept=parts.perception.perceive(picture[None])[0], references=(picture,)))
    print("| agent | reward | steps | reached | final distance | smallest distance | renders |")  # noqa: T201
    print("|---|---|---|---|---|---|---|")  # noqa: T201
    for name in ("Q-learning", "SARSA", "random"):
        for label, reward in rewards.items():
            for steps in args.steps:
                rows = []
                for number, target in enumerate(targets):
                    feedback.reward, feedback.target = reward, target
                    assert target.percept is not None
                    environment = SemanticGridworld(
                        feedback=feedback,
                        space=space,
                        target=target.percept.encoding,
                        render_seed=seeds.of("search")(0),
                    )
                    agent = make_agent(name, num_actions=len(space.moves), seed=number)
                    rows.append(run_algorithm_1(environment, agent, num_steps=steps, seed=number))
                print(  # noqa: T201
                    f"| {name} | {label} | {steps} | {np.mean([r.has_converged for r in rows]):.0%} "
                    f"| {np.mean([r.final_distance for r in rows]):.1f} "
                    f"| {np.mean([r.min_distance for r in rows]):.1f} | {np.mean([r.num_renders for r in rows]):.0f} |",
                    flush=True,
                )
    for renders in (32, 48, 100):
        finals, tried = [], []
        for number, target in enumerate(targets):
            feedback.reward, feedback.target = AgreementReward(space), target
            start = space.sample(np.random.default_rng(number))
            searcher = build_searcher(replace(config, seed=number), space=space, start=start, seed=number)
            records = search_default(feedback, searcher, renders=renders, seeds=seeds)
            best = rank_by_records(records, max_encodings=1)[0].encoding
            assert target.percept is not None
            finals.append(space.distance(best, target.percept.encoding))
            tried.append(min(space.distance(r.outcome.encoding, target.percept.encoding) for r in records))
        print(  # noqa: T201
            f"| factored (default) | agreement | {renders} | {np.mean([t == 0 for t in tried]):.0%} "
            f"| {np.mean(finals):.1f} | {np.mean(tried):.1f} | {renders} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
