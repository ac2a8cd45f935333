"""What COCO's detectors and Places365's classifiers call the terms of the shipped grammars."""

from collections.abc import Mapping

LABEL_SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "football": ("sports ball", "soccer ball"),
    "sofa": ("couch",),
    "taxi": ("cab",),
    "farm": ("barn", "farm", "field/cultivated", "pasture"),
    "vegetable garden": ("vegetable_garden", "vegetable garden"),
    "park": ("park", "lawn"),
    "forest": ("forest/broadleaf", "forest_path", "rainforest"),
    "beach": ("beach", "coast"),
    "mountain": ("mountain", "mountain_path", "mountain_snowy"),
    "street": ("street", "crosswalk", "downtown"),
    "train platform": ("train_station/platform", "train station platform"),
    "living room": ("living_room", "living room"),
    "classroom": ("classroom",),
}
"""Term -> labels beside its own name; a term that no label means cannot be read and keeps probability 0."""
