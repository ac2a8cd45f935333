"""Importing this module registers the environment: the form `gymnasium.make("module:id")` asks for.

`gymnasium.make("rldf.envs.gymnasium_ids:rldf/ImageSearch-v0", ...)`; nothing else imports it.
"""

from rldf.envs.registration import register_envs

register_envs()
