"""Several metrics on two sets of features; every number says under which protocol it was measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rldf.contracts import Metric, MetricValue
from rldf.evaluation.cmmd import CmmdMetric
from rldf.evaluation.density_coverage import DensityCoverageMetric
from rldf.evaluation.features import FeatureExtractor, FeatureSet
from rldf.evaluation.frechet import FrechetMetric
from rldf.evaluation.kernel import KernelMetric
from rldf.evaluation.precision_recall import PrecisionRecallMetric
from rldf.evaluation.vendi import VendiMetric

METRIC_NAMES = ("frechet", "kernel", "precision-recall", "density-coverage", "cmmd", "vendi")


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """Under which a number was measured; numbers of two protocols cannot be compared.

    Attributes:
        extractor: name of the feature extractor.
        digest: SHA-256 of its weights.
        resize: how pictures were prepared.
        num_features: numbers per picture.
        num_real: real pictures.
        num_synthetic: synthetic pictures.
        classes: names of the classes of both sets.
        seed: of every random draw.
    """

    extractor: str
    digest: str
    resize: str
    num_features: int
    num_real: int
    num_synthetic: int
    classes: tuple[str, ...]
    seed: int

    @classmethod
    def of(
        cls,
        extractor: FeatureExtractor,
        *,
        real: FeatureSet,
        synthetic: FeatureSet,
        classes: Sequence[str],
        seed: int,
    ) -> "Protocol":
        """Makes the protocol of a comparison."""
        return cls(
            extractor=extractor.name,
            digest=extractor.digest,
            resize=extractor.resize,
            num_features=extractor.num_features,
            num_real=len(real.rows),
            num_synthetic=len(synthetic.rows),
            classes=tuple(classes),
            seed=seed,
        )

    def line(self, settings: Mapping[str, float | int | str]) -> str:
        """Writes the protocol of one number as one line."""
        own = "".join(f", {name} {value}" for name, value in settings.items() if name != "seed")
        return (
            f"{self.extractor} ({self.digest[:12]}), {self.resize}, {self.num_real} real and {self.num_synthetic} "
            f"synthetic pictures of {len(self.classes)} classes, seed {self.seed}{own}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What the metrics said of two sets.

    Attributes:
        values: every number.
        protocol: what holds for all of them.
    """

    values: tuple[MetricValue, ...]
    protocol: Protocol

    @property
    def warnings(self) -> tuple[str, ...]:
        """All warnings, each once."""
        return tuple(dict.fromkeys(f"{value.name}: {text}" for value in self.values for text in value.warnings))

    def as_json(self) -> dict[str, Any]:
        """Writes it as `rldf evaluate distances --json` prints it."""
        return {
            "metrics": {
                value.name: {
                    "value": value.value,
                    "spread": value.spread,
                    "better": value.better,
                    "settings": dict(value.settings),
                    "protocol": self.protocol.line(value.settings),
                    "warnings": list(value.warnings),
                }
                for value in self.values
            },
            "protocol": {
                "extractor": self.protocol.extractor,
                "digest": self.protocol.digest,
                "resize": self.protocol.resize,
                "num_features": self.protocol.num_features,
                "num_real": self.protocol.num_real,
                "num_synthetic": self.protocol.num_synthetic,
                "classes": list(self.protocol.classes),
                "seed": self.protocol.seed,
            },
        }


def build_metrics(names: Sequence[str] = METRIC_NAMES, *, seed: int = 0) -> list[Metric]:
    """Makes metrics by name; all are of `METRIC_NAMES`.

    Args:
        names: which.
        seed: of those that draw subsets.

    Returns:
        One metric for each name.
    """
    known: dict[str, Metric] = {
        "frechet": FrechetMetric(),
        "kernel": KernelMetric(seed=seed),
        "precision-recall": PrecisionRecallMetric(),
        "density-coverage": DensityCoverageMetric(),
        "cmmd": CmmdMetric(),
        "vendi": VendiMetric(),
    }
    return [known[name] for name in names]


def compare(
    real: FeatureSet,
    synthetic: FeatureSet,
    *,
    extractor: FeatureExtractor,
    metrics: Sequence[Metric],
    classes: Sequence[str],
    seed: int,
) -> Comparison:
    """Compares two sets by every metric.

    Args:
        real: features of the real pictures.
        synthetic: features of the synthetic ones.
        extractor: what made them.
        metrics: from `build_metrics`.
        classes: names of the classes, for the protocol.
        seed: of the metrics, for the protocol.

    Returns:
        All numbers, in the order of the metrics.
    """
    values = [value for metric in metrics for value in metric.compute(real.rows, synthetic.rows)]
    protocol = Protocol.of(extractor, real=real, synthetic=synthetic, classes=classes, seed=seed)
    return Comparison(values=tuple(values), protocol=protocol)
