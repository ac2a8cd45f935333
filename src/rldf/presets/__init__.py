"""Presets: settings in, the parts of a search joined, and the jobs of the main workflow.

- `config`, `loading`: settings, and presets in TOML; light.
- `build`, `generators`, `plugins`: parts from settings; `jobs`, `request`: search, encode, generate and resume.
- `environment`: the Gymnasium environment from a picture; `ordering`: terms in an order of visual likeness.

Import from the module you need: `build` and what uses it loads the models' libraries.
"""
