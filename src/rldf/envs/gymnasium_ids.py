"""Importing this module registers the environment: the form `gymnasium.make("module:id")` asks for.

`gymnasium.make("rldf.envs.gymnasium_ids:rldf/ImageSearch-v0", ...)`. The root package imports it too, where Gymnasium
is loaded already.
"""

from rldf.envs.registration import register_envs

register_envs()
