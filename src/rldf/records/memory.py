"""How much memory a run took."""

import sys

if sys.platform != "win32":
    import resource


def peak_rss_mib() -> float:
    """Largest memory of this process so far, in MiB; 0 on Windows, which does not tell."""
    if sys.platform == "win32":
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS, KiB elsewhere
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
