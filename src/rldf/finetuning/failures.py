"""What can go wrong in fine-tuning that is no wrong setting."""

from rldf.errors import RldfError


class FinetuningError(RldfError):
    """A training step or a reward gave what must not be trained on."""
