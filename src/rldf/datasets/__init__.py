"""Data sets: a synthetic one of the same shape as a folder of class folders, and what proves it whole.

- `class_folder`: the pictures of a folder, by class; `recipes`: which sentences draw a class.
- `plan`: every picture fixed in advance, frozen and hashed; `plan_store`: on disk; `estimate`: sizes, time, cost.
- `storage`: whole files or none, local or by fsspec; `tar_files`: archives that are equal to the byte.
- `shards`: one pure function makes a shard; `executors`, `ray_executor`: who runs it; `progress`: how far it is.
- `gates`, `duplicates`: what is left out afterwards; `verdicts`: why, on storage; `plan` tops up.
- `verify`: everything once more, from storage alone; `export`, `card`: the finished data set.

Import from the module you need. The extra `[datasets]` brings pyarrow and fsspec, `[ray]` the cluster.
"""

from importlib.util import find_spec as _find_spec

from rldf.errors import MissingExtraError as _MissingExtraError

for _package in ("pyarrow", "fsspec"):
    if _find_spec(_package) is None:
        raise _MissingExtraError(
            f"data sets need the package '{_package}', which is not installed. Install the extra: "
            "pip install 'rldf[datasets]'"
        )
