"""How the failures of one operation are counted."""

from syncline.notion.errors import Conflict, Overloaded, RateLimited, ServerError
from syncline.notion.exchange import Course


def test_being_told_to_slow_down_is_counted_apart_from_failures() -> None:
    course = Course(began=0.0)
    met = (RateLimited(""), ServerError(""), Overloaded(""), Conflict(""), RateLimited(""))
    assert [course.failed(error) for error in met] == [1, 1, 2, 2, 3]
