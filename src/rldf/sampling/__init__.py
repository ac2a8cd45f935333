"""Sampling: pictures of what was found.

- `produce`: diverse pictures of one encoding, one seed each, with a manifest.
"""

from rldf.sampling.produce import PictureProduced, produce

__all__ = ["PictureProduced", "produce"]
