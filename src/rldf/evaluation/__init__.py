"""Evaluation: how good a synthetic set of pictures is.

- `features`: one pass over pictures, kept on disk; `rows`: blocks of rows and an order that file names cannot change.
- `frechet`, `kernel`, `precision_recall`, `density_coverage`, `cmmd`, `vendi`: one metric each.
- `classifier`: trains a ResNet-18 on pictures; `recipe`: with which settings; `checkpoints`: and goes on after a stop.

Import from the module you need.
"""
