"""Sampling: pictures of what was found, under control of every axis.

- `plan_pictures`, `Controls`, `PicturePlan`: what each picture of a set shall show; balanced, varied or fixed.
- `produce`, `Order`, `PictureProduced`: draws a set into a folder, resumable; `Selection`: which pictures are kept.
- `redraw`, `read_manifest`, `close_manifest`: the manifest, and drawing everything again from it.
- `near_optimal`: encodings of a run that did nearly as well as the one found.
- `draw_strip`, `Strip`: one axis from end to end, everything else fixed, and what else changed.
"""

from rldf.sampling.controls import Controls, PicturePlan, plan_pictures
from rldf.sampling.manifest import PictureRedrawn, close_manifest, read_manifest, redraw, require_no_pictures
from rldf.sampling.near_optimal import near_optimal
from rldf.sampling.produce import Order, PictureProduced, produce
from rldf.sampling.selection import Selection
from rldf.sampling.strip import Strip, draw_strip, strip_encodings

__all__ = [
    "Controls",
    "Order",
    "PicturePlan",
    "PictureProduced",
    "PictureRedrawn",
    "Selection",
    "Strip",
    "close_manifest",
    "draw_strip",
    "near_optimal",
    "plan_pictures",
    "produce",
    "read_manifest",
    "redraw",
    "require_no_pictures",
    "strip_encodings",
]
