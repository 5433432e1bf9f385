import pytest

from syncline.core.plurals import be, counted


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 pages"), (1, "1 page"), (2, "2 pages"), (2000, "2,000 pages")]
)
def test_one_alone_is_singular(count: int, said: str) -> None:
    assert counted(count, "page") == said
    assert be(count) == ("is" if count == 1 else "are")
