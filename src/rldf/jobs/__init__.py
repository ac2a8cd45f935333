"""Jobs: what each command does, as one call each; the command line, a notebook and tests use the same.

- `search`, `request`, `api`: search, encode and resume; `environment`: the same as a Gymnasium environment.
- `generate`, `slide`, `transfer`, `beyond`, `captions`, `ablate`: what is made of a found encoding.
- `clone_*`, `evaluate`: synthetic data sets and how good they are; `finetune`: training the model.
- `bench_*`: tables, runs, tuning, the paper's experiments; `order_terms`: terms in an order of visual likeness.

Import from the module you need.
"""
