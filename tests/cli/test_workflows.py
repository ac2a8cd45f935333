"""The table of workflows."""

import pytest

from rldf.cli import workflows


@pytest.mark.parametrize("name", sorted(workflows._HOMES))  # noqa: SLF001 - the table itself is what is tested
def test_workflow__is_where_the_table_says(name: str) -> None:
    assert getattr(workflows, name) is not None


def test_unknown_workflow__says_which_there_are() -> None:
    with pytest.raises(AttributeError, match=r"there is no workflow 'fly'; there are: .*read_run.*Add it to the table"):
        getattr(workflows, "fly")  # noqa: B009 - mypy knows that there is none
