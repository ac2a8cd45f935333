"""The embedded world: a small diffusion model and two scorers trained on drawn pictures, and what they measure.

`recipe` says what is trained on what, `training` runs the stages, `card` measures the result.
"""
