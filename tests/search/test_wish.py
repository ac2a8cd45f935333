"""Where a search begins."""

from dataclasses import replace

from tests.search.tiny_world import GRAMMAR, Reader, encode, make_input, make_job

from rldf.search.wish import start_of
from rldf.space import Encoding


def random_start(*, picture_seed: int, root_seed: int) -> Encoding:
    picture = make_input(encode(), seed=picture_seed)
    job = replace(make_job(start="random", seed=root_seed), inputs=(picture,))
    (percept,) = Reader().perceive(picture.image[None])
    start, _ = start_of(job, space=GRAMMAR.space, percept=percept)
    return start


def test_random_start__depends_on_picture_and_seed_alone() -> None:
    starts = {random_start(picture_seed=picture, root_seed=root) for picture in range(4) for root in range(4)}
    assert len(starts) > 4
    assert random_start(picture_seed=2, root_seed=1) == random_start(picture_seed=2, root_seed=1)
    assert len({random_start(picture_seed=picture, root_seed=0) for picture in range(8)}) > 1
