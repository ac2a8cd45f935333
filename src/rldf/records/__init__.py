"""What a run leaves behind.

- `Percept`, `Prompt`, `Outcome`, `StepRecord`: one try.
- `StoredStep` and the `*_json` functions: the same as JSON.
- `Extra`, `write_extra`, `read_extras`: what was made of a run later.
- `RunStore`: writes a run folder; `RunRecord`, `read_run`: reads it.
"""

from rldf.records.extras import Extra, ExtraPicture, read_extras, write_extra
from rldf.records.json_forms import (
    StoredStep,
    axes_to_json,
    encoding_from_json,
    encoding_to_json,
    percept_from_json,
    percept_to_json,
    space_from_json,
    step_from_json,
    step_to_json,
)
from rldf.records.percept import Outcome, Percept, Prompt, StepRecord
from rldf.records.provenance import utc_now, versions
from rldf.records.run_record import RunRecord, find_runs, read_run
from rldf.records.run_store import SCHEMA_VERSION, RunStore, read_json, read_json_lines, read_step_lines

__all__ = [
    "SCHEMA_VERSION",
    "Extra",
    "ExtraPicture",
    "Outcome",
    "Percept",
    "Prompt",
    "RunRecord",
    "RunStore",
    "StepRecord",
    "StoredStep",
    "axes_to_json",
    "encoding_from_json",
    "encoding_to_json",
    "find_runs",
    "percept_from_json",
    "percept_to_json",
    "read_extras",
    "read_json",
    "read_json_lines",
    "read_run",
    "read_step_lines",
    "space_from_json",
    "step_from_json",
    "step_to_json",
    "utc_now",
    "versions",
    "write_extra",
]
