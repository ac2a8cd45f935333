"""PatchCodec: a linear code of square patches, the fixed latents that the denoiser learns."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, UInt8

Pictures = UInt8[torch.Tensor, "batch height width 3"]

WHITENING = 0.5  # our choice: 0 keeps the variances of the components, 1 makes them all equal


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchCodec:
    """Principal components of patches, partly whitened so that the latents have unit variance on average.

    Attributes:
        mean: (patch values,), pixels as -1 to 1.
        encoder: (patch values, channels).
        decoder: (channels, patch values), the inverse of `encoder` on the components.
        patch_px: side of a patch, pixels.

    Source: principal component analysis; the partial whitening is our choice.
    """

    mean: torch.Tensor
    encoder: torch.Tensor
    decoder: torch.Tensor
    patch_px: int

    @classmethod
    def fit(cls, images: Pictures, *, channels: int, patch_px: int) -> "PatchCodec":
        """Finds the components of some pictures.

        Args:
            images: RGB, 0 to 255; a few hundred are enough.
            channels: number of components kept.
            patch_px: side of a patch; the pictures' sides are multiples of it.

        Returns:
            The codec.
        """
        patches = _patches(images, patch_px).reshape(-1, patch_px * patch_px * 3)
        mean = patches.mean(0)
        centred = (patches - mean).double()
        eigenvalues, vectors = torch.linalg.eigh(centred.T @ centred / len(centred))
        top = torch.arange(len(eigenvalues) - 1, len(eigenvalues) - 1 - channels, -1)
        components, variances = vectors[:, top], eigenvalues[top].clamp_min(1e-12)
        scale = variances ** (-WHITENING / 2)
        scale = scale / (variances * scale**2).mean().sqrt()
        return cls(
            mean=mean,
            encoder=(components * scale).float(),
            decoder=(components / scale).T.contiguous().float(),
            patch_px=patch_px,
        )

    def to(self, device: torch.device) -> "PatchCodec":
        """The same codec on a device, for pictures and latents that lie there."""
        mean, encoder, decoder = (part.to(device) for part in (self.mean, self.encoder, self.decoder))
        return PatchCodec(mean=mean, encoder=encoder, decoder=decoder, patch_px=self.patch_px)

    def encode(self, images: Pictures) -> Float[torch.Tensor, "batch channels rows columns"]:
        """Turns pictures into latents of about unit variance, in float32 whatever the surroundings compute in."""
        with torch.autocast(images.device.type, enabled=False):
            return ((_patches(images, self.patch_px) - self.mean) @ self.encoder).permute(0, 3, 1, 2).contiguous()

    def decode(self, latents: Float[torch.Tensor, "batch channels rows columns"]) -> Pictures:
        """Turns latents back into pictures; the seams of the patches show."""
        with torch.autocast(latents.device.type, enabled=False):
            patches = latents.permute(0, 2, 3, 1) @ self.decoder + self.mean
        batch, rows, columns, _ = patches.shape
        side = self.patch_px
        pixels = patches.reshape(batch, rows, columns, side, side, 3).permute(0, 1, 3, 2, 4, 5)
        images = pixels.reshape(batch, rows * side, columns * side, 3)
        return ((images + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)


def _patches(images: Pictures, side: int) -> torch.Tensor:
    """Cuts pictures into patches, pixels as -1 to 1: (batch, rows, columns, patch values)."""
    batch, height, width, _ = images.shape
    pixels = images.float() / 127.5 - 1
    cut = pixels.reshape(batch, height // side, side, width // side, side, 3).permute(0, 1, 3, 2, 4, 5)
    return cut.reshape(batch, height // side, width // side, side * side * 3)
