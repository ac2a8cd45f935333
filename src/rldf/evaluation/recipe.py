"""The standard way a classifier is trained here: every number in sight."""

from dataclasses import dataclass

from rldf.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRecipe:
    """How the classifier is trained. Values are those usual for ResNets from scratch (He et al. 2016, section 3.4).

    Where the recipe differs from that source, the line says so.

    Attributes:
        size_px: side of the pictures the network sees, at least 32.
        epochs: passes over the training pictures.
        batch_size: pictures of one step; theirs is 256.
        learning_rate: peak, for a batch of 256; scaled with the batch (Goyal et al. 2017).
        warmup_share: share of the steps over which the rate rises; then it falls as a cosine to 0, our choice.
        momentum: of SGD; ours is Nesterov's, theirs is plain.
        weight_decay: theirs is 1e-4; not on biases and normalisation, our choice.
        label_smoothing: 0 to 1; Szegedy et al. 2016, section 7.
        min_crop: smallest share of the picture's area a training crop keeps, 0 to 1; ours is larger than the usual
            0.08, since pictures with several objects lose them.
        seed: of initial weights, order and crops, 0 or larger.
    """

    size_px: int = 64
    epochs: int = 15
    batch_size: int = 64
    learning_rate: float = 0.1
    warmup_share: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4
    label_smoothing: float = 0.1
    min_crop: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        for name, value, low, high in (
            ("size_px", self.size_px, 32, 1024),
            ("epochs", self.epochs, 1, 10_000),
            ("batch_size", self.batch_size, 2, 65_536),
            ("min_crop", self.min_crop, 0.01, 1.0),
            ("label_smoothing", self.label_smoothing, 0.0, 0.99),
        ):
            if not low <= value <= high:
                raise ConfigError(f"the recipe's {name} is {value}; it must be from {low} to {high}. Change it.")
