"""The plain sentences and numbers of the report."""

from calendar import month_name
from collections.abc import Mapping
from datetime import UTC, datetime

from rldf.web.stored_run import Score, StoredRun, Summary

NOTHING = "\u2013"
"""An en dash: stands where there is no number."""
_MINUS = "\u2212"
_SHORT_S = 10
_MINUTE_S = 60
_HOUR_S = 3600
_SAME = 0.005  # differences below this vanish in two decimals

STOPPED: Mapping[str, str] = {
    "alarm": "because the second reward kept falling while the reward rose",
    "budget": "because the budget was used up",
    "finished": "because the searcher had nothing left to try",
    "time": "because the time was up",
}


def number(value: float | None, *, decimals: int = 2) -> str:
    """Writes a number with a proper minus sign; an en dash where there is none.

    Args:
        value: any number.
        decimals: digits after the point.

    Returns:
        The number.

    Example:
        >>> number(1234.5)
        '1,234.50'
    """
    if value is None:
        return NOTHING
    text = f"{value:,.{decimals}f}"
    return text.lstrip("-") if not text.strip("-0.,") else text.replace("-", _MINUS)


def amount(value: float | None) -> str:
    """Writes a count, or a number with one decimal where it is no whole number.

    Args:
        value: any number.

    Returns:
        The number, thousands set apart.

    Example:
        >>> amount(1234.0), amount(1.25)
        ('1,234', '1.2')
    """
    return number(value, decimals=0 if value is not None and float(value).is_integer() else 1)


def duration(seconds: float) -> str:
    """Writes a duration as a person would say it.

    Args:
        seconds: 0 or more.

    Returns:
        Its two largest units.

    Example:
        >>> duration(41.3), duration(75.0), duration(7300.0)
        ('41 s', '1 min 15 s', '2 h 1 min')
    """
    whole = round(seconds)
    if whole < _MINUTE_S:
        return f"{seconds:.1f} s" if seconds < _SHORT_S else f"{whole} s"
    if whole < _HOUR_S:
        return f"{whole // _MINUTE_S} min {whole % _MINUTE_S} s"
    return f"{whole // _HOUR_S} h {whole % _HOUR_S // _MINUTE_S} min"


def moment(iso: str) -> str:
    """Writes an ISO 8601 time as a person would; a text of another form is left as it is.

    Args:
        iso: date and time.

    Returns:
        Day and minute, in UTC.

    Example:
        >>> moment("2026-03-01T12:05:59Z")
        '1 March 2026, 12:05 UTC'
    """
    try:
        time = datetime.fromisoformat(iso).astimezone(UTC)
    except ValueError:
        return iso
    return f"{time.day} {month_name[time.month]} {time.year}, {time:%H:%M} UTC"


def plural(count: int, noun: str) -> str:
    """Writes a count and its noun.

    Args:
        count: 0 or more.
        noun: in the singular.

    Returns:
        Both, the noun in the plural where the count is not 1.

    Example:
        >>> plural(1, "try"), plural(3, "try"), plural(2, "word")
        ('1 try', '3 tries', '2 words')
    """
    if count == 1:
        return f"1 {noun}"
    return f"{count:,} {noun[:-1]}ies" if noun.endswith("y") else f"{count:,} {noun}s"


def score_sentence(summary: Summary) -> str:
    """Says the score, its interval and the start's score in one sentence."""
    if summary.score.value is None:
        return "The score was not measured."
    sentence = f"Pictures of these words score {number(summary.score.value)} out of 1{_interval(summary.score)}"
    start = summary.start_score.value
    if summary.terms == summary.start_terms:
        return f"{sentence}; they are the words the search began with, and it found nothing better."
    if start is None:
        return f"{sentence}."
    difference = summary.score.value - start
    if abs(difference) < _SAME:
        return f"{sentence}, the same as the words the search began with."
    direction = "more" if difference > 0 else "less"
    began = f"the words the search began with score {number(start)}"
    return f"{sentence}; {began}, so that is {number(abs(difference))} {direction}."


def score_meaning(run: StoredRun, summary: Summary) -> str:
    """Says what the score means and who measured it."""
    pictures = plural(len(summary.found_images), "fresh test picture")
    if run.is_judge_independent:
        return (
            f"The score says how sure a second scorer is that {pictures} of these words show the same things as your "
            "picture, as an average over all axes. The search never saw that scorer, nor these pictures."
        )
    return (
        f"The score says how sure the scorer is that {pictures} of these words show the same things as your picture. "
        "No second scorer was at hand, so the one that guided the search also judged it: the score is likely too kind."
    )


def alarm_sentence(run: StoredRun, summary: Summary) -> str:
    """Explains an alarm in plain words."""
    judge = (
        "A second scorer, which the search never saw,"
        if run.is_judge_independent
        else "The scorer, on pictures the search never saw,"
    )
    return (
        f"{judge} finds that pictures of the words found match your picture less well "
        f"({number(summary.score.value)}) than pictures of the words the search began with "
        f"({number(summary.start_score.value)}). Most likely the search has learned to please the scorer that "
        "guided it, instead of coming closer to your picture."
    )


def _interval(score: Score) -> str:
    if score.low is None or score.high is None:
        return ""
    return f" (95 % interval {number(score.low)} to {number(score.high)})"
