"""Makes, freezes and reads back a plan of the paper's size: 1000 classes, 1,508,000 / 56,000 / 100,000 pictures.

python benchmarks/clone_plan.py [FOLDER]
"""

import resource
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from rldf.datasets.plan import PlanSettings, make_plan
from rldf.datasets.plan_store import load_rounds, save_plan
from rldf.datasets.recipes import ClassRecipes, Recipe
from rldf.datasets.storage import Storage

NUM_CLASSES = 1000
RECIPES_PER_CLASS = 24
COUNTS = {"train": 1508, "validation": 56, "test": 100}


def main(folder: Path) -> None:
    """Measures once, in this process."""
    began = time.perf_counter()
    classes = [
        ClassRecipes(
            name=f"class {number:04d}",
            recipes=tuple(
                Recipe(sentence=f"a photo of {row} things of kind {number} in a park", terms={"count": str(row)})
                for row in range(RECIPES_PER_CLASS)
            ),
        )
        for number in range(NUM_CLASSES)
    ]
    plan = make_plan(classes, settings=PlanSettings(generator="none"), counts=COUNTS)
    made = time.perf_counter()
    storage = Storage(str(folder))
    frozen = save_plan(plan, storage)
    saved = time.perf_counter()
    (read,) = load_rounds(storage)
    done = time.perf_counter()
    if read.digest != frozen.digest:
        raise SystemExit("the plan read back is another one")
    size = sum(path.stat().st_size for path in (folder / "plan").iterdir())
    sys.stdout.write(
        f"{len(plan)} pictures, {plan.num_shards} shards: made {made - began:.1f} s, frozen {saved - made:.1f} s, "
        f"read {done - saved:.1f} s; {size / 2**20:.1f} MiB on disk; "
        f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB\n"
    )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with TemporaryDirectory() as place:
            main(Path(place))
