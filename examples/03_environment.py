"""Walks through the Gymnasium environment at random: each new state is drawn by the model and scored.

python examples/03_environment.py
"""

from pathlib import Path

import gymnasium

import rldf

rldf.register_envs()
environment = gymnasium.make("rldf/ImageSearch-v0", image=Path(__file__).parent / "cow-park.png")
environment.action_space.seed(0)
_, info = environment.reset(seed=0)
for step in range(8):
    _, reward, terminated, truncated, info = environment.step(environment.action_space.sample())
    print(f"step {step}: reward {float(reward):+.3f}, {info['sentence']}")
    if terminated or truncated:
        print("the target was reached" if terminated else "the episode was cut")
        break
environment.close()
