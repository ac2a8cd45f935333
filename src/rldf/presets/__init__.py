"""Presets: settings in, the parts of a run joined.

- `config`, `loading`, `finetune_config`: settings, and presets in TOML; light.
- `build`: the parts of a search; `finetune_build`: the parts of a fine-tuning.
- `methods`: the table of all methods of search; `searchers` makes one by its name.
- `shelf`, `generators`, `extractors`: models, loaded once; `plugins`: parts from other packages.

Import from the module you need: `build` and what uses it loads the models' libraries.
"""
