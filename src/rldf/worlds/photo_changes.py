"""Changes photographs a little, many at once and on any device, so that a model cannot learn them by heart."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, UInt8
from torch.nn.functional import affine_grid, grid_sample

Pictures = UInt8[torch.Tensor, "batch height width 3"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """How photographs are changed; every number is our choice.

    Attributes:
        share: of the photographs that are changed; the others are at most mirrored.
        min_side: smallest share of the side a crop keeps, above 0, to 1; it is enlarged to the old size.
        colour: by how much contrast and each colour's brightness vary, as a share, 0 to 1.
    """

    share: float
    min_side: float = 1.0
    colour: float = 0.0


def change(
    images: Pictures, *, chosen: Bool[torch.Tensor, " batch"], changes: Changes, rng: torch.Generator
) -> Pictures:
    """Mirrors half of the photographs; crops and recolours those chosen.

    Args:
        images: RGB, 0 to 255.
        chosen: which are changed beyond mirroring; on the device of the pictures.
        changes: by how much.
        rng: source of chance on that device.

    Returns:
        As many pictures of the same size; those not chosen keep every pixel's value.
    """
    place, count = images.device, len(images)

    def uniform(*shape: int) -> torch.Tensor:
        return torch.rand(count, *shape, generator=rng, device=place)

    is_mirrored = (uniform() < 0.5).view(-1, 1, 1, 1)
    images = torch.where(is_mirrored, images.flip(2), images)
    if changes.share == 0:
        return images
    side = 1 - (1 - changes.min_side) * uniform(1)
    shift = (2 * uniform(2) - 1) * (1 - side)  # the crop stays inside the photograph
    corner = torch.zeros(count, 2, 3, device=place)
    corner[:, 0, 0] = corner[:, 1, 1] = side[:, 0]
    corner[:, :, 2] = shift
    pixels = images.permute(0, 3, 1, 2).float() / 255
    grid = affine_grid(corner, list(pixels.shape), align_corners=False)
    cropped = grid_sample(pixels, grid, mode="bilinear", padding_mode="border", align_corners=False)
    contrast = 1 + changes.colour * (2 * uniform(1, 1, 1) - 1)
    brightness = 0.5 * changes.colour * (2 * uniform(3, 1, 1) - 1)
    coloured = ((cropped - 0.5) * contrast + 0.5 + brightness).clamp(0, 1)
    changed = (coloured * 255).round().to(torch.uint8).permute(0, 2, 3, 1)
    return torch.where(chosen.view(-1, 1, 1, 1), changed, images)
