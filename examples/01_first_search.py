"""Searches the words of a picture, and watches the search while it works.

python examples/01_first_search.py
"""

from pathlib import Path

import rldf
from rldf.search import SearchEvent, Tried
from rldf.web import write_report

HERE = Path(__file__).parent


def show(event: SearchEvent) -> None:
    """Prints each new best try."""
    if isinstance(event, Tried) and event.best is event.step:
        print(f"  {event.renders:3} renders, reward {event.step.reward:.3f}: {event.step.prompt.text}")


run = rldf.search(HERE / "cow-park.png", budget=8, out="runs/example-1", on_event=show, force=True)
print("words:", run.sentence)
print(f"score: {run.score:.2f}, at the start {run.summary['start_score'] if run.summary else 0:.2f}")
print("report:", write_report(run.folder))
