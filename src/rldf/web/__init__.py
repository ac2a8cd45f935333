"""Pages made from records alone.

- `write_report`: one self-contained HTML file for a run folder.
- `write_index`: one page that lists many runs.
- `keep_picture`, `name_of`: where a report finds the pictures of what was made of a run.
- `references_of`, `Reference`: the papers behind the methods of a run.
"""

from rldf.web.index import write_index
from rldf.web.kept import keep_picture, name_of
from rldf.web.references import Reference, references_of
from rldf.web.report import write_report

__all__ = ["Reference", "keep_picture", "name_of", "references_of", "write_index", "write_report"]
