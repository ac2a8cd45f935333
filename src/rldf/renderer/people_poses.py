"""Where the joints of a person are, by age and action, and how much room the figure takes."""

from dataclasses import dataclass
from typing import final

import numpy as np

from rldf.renderer.people_canvas import Point, joint
from rldf.renderer.people_looks import PersonLook

# Lengths are in hundredths of a standing adult's height. All of them are our choice.
MARGIN = 1.5
"""Room for the outline at each side of the box."""

_STILL = (0.0, 0.0, 0.0, 0.0)
_SWIMMING = 23.0  # how far a swimmer's shoulders are above the lower edge of the water


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """Proportions of one age, seen from the front, standing.

    Attributes:
        head_y: height of the head's centre.
        head_scale: 1 is a head 40 wide.
        head_x: how far the head leans forward.
        shoulder_y: height of the shoulders.
        shoulder_x: half the width of the shoulders.
        hip_y: height of the hips.
        belly: width of the belly over that of the shoulders.
        limb: thickness of arms and legs.
        arm: length of an arm.
        spread: how far gestures and things held reach, over an adult's.
    """

    head_y: float
    head_scale: float
    shoulder_y: float
    shoulder_x: float
    hip_y: float
    belly: float
    limb: float
    arm: float
    spread: float
    head_x: float = 0.0

    @property
    def aside(self) -> float:
        """How much further to the right things stand, to be clear of a head that is large for its body."""
        return 24 * (self.head_scale - self.spread)


_ADULT = Body(
    head_y=77, head_scale=1, shoulder_y=55, shoulder_x=12, hip_y=26, belly=1, limb=8, arm=24, spread=1
)  # fmt: skip
BODIES = {
    "child": Body(
        head_y=51, head_scale=0.92, shoulder_y=32, shoulder_x=9, hip_y=14, belly=1, limb=6.5, arm=16, spread=0.74
    ),
    "young": _ADULT,
    "middle-aged": Body(
        head_y=77, head_scale=1, shoulder_y=55, shoulder_x=13.5, hip_y=25, belly=1.3, limb=8.5, arm=24, spread=1
    ),
    "old": Body(
        head_y=73,
        head_scale=1,
        shoulder_y=52,
        shoulder_x=11.5,
        hip_y=25,
        belly=1.1,
        limb=7.5,
        arm=23,
        spread=1,
        head_x=3,
    ),
}


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Pose:
    """Where hands and feet go, and how much room that takes.

    Attributes:
        hands: from the shoulder, in arm lengths, on the left and on the right of the picture.
        elbows: how far they stand off, in arm lengths; positive is to the left of the way to the hand.
        feet: from between the hips, and above the ground, in leg lengths.
        knees: how far they stand off, in leg lengths.
        lean: how far the shoulders are ahead of the hips, in hundredths of an adult.
        lift: how much higher the hips are than standing, in leg lengths.
        left: where the box begins, for an adult.
        right: where the box ends, for an adult.
        top: what the box must hold above the ground, for an adult.
    """

    hands: tuple[Point, Point] = ((-0.24, -0.92), (0.24, -0.92))
    elbows: tuple[float, float] = (-0.08, 0.08)
    feet: tuple[Point, Point] = ((-0.25, 0.0), (0.25, 0.0))
    knees: tuple[float, float] = (0.0, 0.0)
    lean: float = 0.0
    lift: float = 0.0
    left: float = -24.0
    right: float = 24.0
    top: float = 0.0


POSES = {
    "none": Pose(),
    "walking": Pose(
        hands=((-0.75, -0.62), (0.75, -0.55)),
        elbows=(-0.05, -0.12),
        feet=((-0.78, 0.2), (0.68, 0.0)),
        knees=(-0.1, 0.15),
        lean=2,
        left=-37,
        right=37,
    ),
    "running": Pose(
        hands=((-1.0, -0.3), (0.85, 0.1)),
        elbows=(0.3, -0.45),
        feet=((-1.35, 0.62), (1.0, 0.22)),
        knees=(-0.3, 0.45),
        lean=7,
        lift=0.3,
        left=-54,
        right=42,
    ),
    "dancing": Pose(
        hands=((-0.95, 0.8), (0.95, 0.8)),
        elbows=(0.18, -0.18),
        feet=((-0.15, 0.0), (1.25, 0.62)),
        lean=-3,
        lift=0.12,
        left=-47,
        right=47,
        top=96,
    ),
    "swimming": Pose(hands=((-1.0, 0.95), (1.25, -0.1)), elbows=(0.3, 0.2), lean=2, left=-50, right=50),
    "cycling": Pose(
        hands=((1.15, -0.45), (0.55, -0.45)),
        elbows=(-0.15, -0.15),
        feet=((0.3, 0.42), (0.52, 0.14)),
        knees=(0.3, 0.35),
        lean=5,
        lift=0.42,
        left=-42,
        right=46,
    ),
    "playing football": Pose(
        hands=((-0.95, 0.0), (0.8, -0.45)),
        elbows=(0.12, 0.12),
        feet=((-0.35, 0.0), (1.05, 0.42)),
        lean=-3,
        lift=0.06,
        left=-40,
        right=56,
    ),
    "playing baseball": Pose(
        hands=((1.5, -0.3), (0.66, -0.12)),
        elbows=(-0.1, -0.25),
        feet=((-0.55, 0.0), (0.55, 0.0)),
        left=-49,
        right=48,
        top=99,
    ),
    "gardening": Pose(hands=((-0.3, -0.85), (0.7, -0.22)), elbows=(-0.1, -0.2), lean=3, left=-24, right=70),
    "cooking": Pose(hands=((-0.75, 0.05), (0.7, -0.62)), elbows=(0.35, -0.1), left=-41, right=52),
    "eating": Pose(hands=((0.1, -0.38), (-0.1, -0.38)), elbows=(-0.42, 0.42), left=-26, right=26),
    "reading": Pose(hands=((-0.2, -0.52), (0.2, -0.52)), elbows=(-0.3, 0.3), left=-27, right=27),
    "teaching": Pose(hands=((-0.24, -0.92), (0.85, 0.0)), elbows=(-0.08, -0.1), left=-24, right=76, top=80),
}

# What a profession holds while it stands: where the hand on the right goes,
# and how much further to the right the thing reaches.
_HOLDING: dict[str, tuple[Point, float]] = {
    "farmer": ((0.55, -0.45), 8),
    "gardener": ((0.4, -0.8), 27.5),
    "construction worker": ((0.6, -0.3), 9),
    "firefighter": ((0.6, -0.4), 12),
    "police officer": ((0.6, -0.25), 7),
    "soldier": ((0.3, -0.9), 5),
    "doctor": ((0.35, -0.75), 12),
    "nurse": ((0.45, -0.75), 15),
    "chef": ((0.65, -0.2), 7),
    "waiter": ((0.85, 0.05), 18),
    "teacher": ((0.75, 0.0), 22),
    "student": ((0.35, -0.6), 9),
    "musician": ((-0.1, -0.75), 42),
    "football player": ((0.55, -0.6), 18),
}


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """What the picture of a figure shows, in hundredths of an adult, feet at 0.

    Attributes:
        left: of the box.
        right: of the box.
        top: of the box.
    """

    left: float
    right: float
    top: float

    @property
    def width(self) -> float:
        """From left to right."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """From the lower margin to the top."""
        return self.top + MARGIN


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Skeleton:
    """Where the parts of one figure are, in hundredths of an adult, y up from the ground.

    Attributes:
        body: its proportions.
        head: centre of the head.
        shoulders: left and right in the picture, as everything below.
        elbows: between shoulders and hands.
        hands: ends of the arms.
        hips: where the legs begin.
        knees: between hips and feet.
        feet: ends of the legs.
        middle: between the hips.
        lean: how far the shoulders are ahead of the hips.
    """

    body: Body
    head: Point
    shoulders: tuple[Point, Point]
    elbows: tuple[Point, Point]
    hands: tuple[Point, Point]
    hips: tuple[Point, Point]
    knees: tuple[Point, Point]
    feet: tuple[Point, Point]
    middle: Point
    lean: float


def has_stick(look: PersonLook) -> bool:
    """Tells whether the person leans on a stick."""
    return look.age == "old" and look.action in {"none", "walking"}


def is_holding(look: PersonLook) -> bool:
    """Tells whether the person holds something of the profession."""
    return look.action == "none" and look.profession in _HOLDING


def pose_box(look: PersonLook, *, hat_width: float, hat_height: float) -> Box:
    """Measures how much room a figure takes.

    Args:
        look: the person.
        hat_width: half the width of hat or hair, for a head of scale 1.
        hat_height: from the head's centre to the top of hat or hair, for a head of scale 1.

    Returns:
        The box, with a margin for the outline.
    """
    pose, body, skeleton = POSES[look.action], BODIES[look.age], _pose(look, wobbles=_STILL)
    left, right = pose.left * body.spread, pose.right * body.spread + body.aside
    if is_holding(look):
        right = skeleton.hands[1][0] + _HOLDING[look.profession][1] * body.spread
    elif look.profession == "musician":  # the guitar on the back
        left, right = min(left, -28.5 * body.spread), max(right, 44 * body.spread)
    if look.profession == "dancer":  # the tutu
        left, right = min(left, -2.15 * body.shoulder_x), max(right, 2.15 * body.shoulder_x)
    if has_stick(look):
        left = min(left, skeleton.hands[0][0] - 7.5)
    hands = [x for x, _ in (*skeleton.hands, *skeleton.elbows)]
    feet = [x for x, _ in skeleton.feet]
    half = hat_width * body.head_scale
    head_x, head_y = skeleton.head
    return Box(
        left=min(left, head_x - half, min(hands) - 0.7 * body.limb, min(feet) - 1.35 * body.limb) - MARGIN,
        right=max(right, head_x + half, max(hands) + 0.7 * body.limb, max(feet) + 1.35 * body.limb) + MARGIN,
        top=max(pose.top * body.spread, head_y + hat_height * body.head_scale) + MARGIN,
    )


def place_joints(look: PersonLook, rng: np.random.Generator) -> Skeleton:
    """Puts a person into the pose of its action.

    Args:
        look: the person.
        rng: moves hands and feet a little.

    Returns:
        Where all parts are.
    """
    first, second, third, fourth = rng.uniform(-0.05, 0.05, 4).tolist()
    return _pose(look, wobbles=(first, second, third, fourth))


def _pose(look: PersonLook, *, wobbles: tuple[float, float, float, float]) -> Skeleton:
    """Puts a person into its pose, with hands and feet raised by some limb lengths."""
    pose, body = POSES[look.action], BODIES[look.age]
    base = _SWIMMING * max(0.82, body.spread) - body.shoulder_y if look.action == "swimming" else 0.0
    middle = (-4.0 * body.spread if look.action == "cycling" else 0.0, base + body.hip_y * (1 + pose.lift))
    rise = middle[1] - body.hip_y
    lean = pose.lean * body.spread
    shoulder_y = body.shoulder_y + rise
    shoulders = (
        (middle[0] + lean - body.shoulder_x, shoulder_y - 2),
        (middle[0] + lean + body.shoulder_x, shoulder_y - 2),
    )
    offsets = list(pose.hands)
    if is_holding(look):
        offsets[1] = _HOLDING[look.profession][0]
    if has_stick(look):
        offsets[0] = (-0.55, -0.6)
    still = look.action in {"cycling", "playing baseball", "eating", "reading"} or is_holding(look)
    hands = tuple(
        (x + body.arm * dx, y + body.arm * (dy + (0 if still else wobble)))
        for (x, y), (dx, dy), wobble in zip(shoulders, offsets, wobbles[:2], strict=True)
    )
    hips = ((middle[0] - 0.5 * body.shoulder_x, middle[1]), (middle[0] + 0.5 * body.shoulder_x, middle[1]))
    feet = tuple(
        (middle[0] + body.hip_y * x, base + body.hip_y * (max(0.0, y + wobble) if y else 0.0))
        for (x, y), wobble in zip(pose.feet, wobbles[2:], strict=True)
    )
    return Skeleton(
        body=body,
        head=(middle[0] + lean + body.head_x, body.head_y + rise),
        shoulders=shoulders,
        elbows=_bend(shoulders, (hands[0], hands[1]), (pose.elbows[0] * body.arm, pose.elbows[1] * body.arm)),
        hands=(hands[0], hands[1]),
        hips=hips,
        knees=_bend(hips, (feet[0], feet[1]), (pose.knees[0] * body.hip_y, pose.knees[1] * body.hip_y)),
        feet=(feet[0], feet[1]),
        middle=middle,
        lean=lean,
    )


def _bend(
    starts: tuple[Point, Point], ends: tuple[Point, Point], bends: tuple[float, float]
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Finds the joints of a pair of limbs."""
    return joint(starts[0], ends[0], bends[0]), joint(starts[1], ends[1], bends[1])
