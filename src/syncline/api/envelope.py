"""The shapes of the door: every answer is an envelope, names are camelCase, times are ISO 8601 in UTC with milliseconds."""

import re
from datetime import datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    model_validator,
)
from pydantic.alias_generators import to_camel

from syncline.core.moments import moment

__all__ = [
    "Asked",
    "Done",
    "Failure",
    "Model",
    "Moment",
    "Pagination",
    "Problem",
    "Success",
    "Time",
    "moment",
]

T = TypeVar("T")


Moment = Annotated[datetime, PlainSerializer(moment, return_type=str, when_used="json")]
"""A time in an answer."""


def _written_out(value: Any) -> Any:
    if isinstance(value, str) and not re.fullmatch(r"-?[\d.]+", value):
        return value
    raise ValueError("a time is written as in RFC 3339: 2026-11-20T12:00:00Z")


Time = Annotated[AwareDatetime, BeforeValidator(_written_out)]
"""A time in a request, with its zone. A number, which Pydantic would take for seconds, is none."""


class Model(BaseModel):
    """A part of an answer: fields in snake_case here, in camelCase outside."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, from_attributes=True)


class Asked(Model):
    """The body of a request. A field that it does not know is an error: a typo must not pass as a default."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", str_max_length=10_000
    )

    @model_validator(mode="before")
    @classmethod
    def _storable(cls, body: Any) -> Any:
        if _holds_nul(body):
            raise ValueError("a text holds the character U+0000")
        return body


def _holds_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, dict):
        return any(_holds_nul(key) or _holds_nul(one) for key, one in value.items())
    return isinstance(value, list) and any(_holds_nul(one) for one in value)


class Success(Model, Generic[T]):
    """What was asked for. `message` is there where something was done."""

    status: Literal["success"] = "success"
    message: str | None = Field(default=None, exclude_if=lambda message: message is None)
    data: T


class Done(Model):
    """Something was done, and there is no more to say."""

    status: Literal["success"] = "success"
    message: str


class Pagination(Model):
    """Where a page of a numbered listing stands."""

    page: int = Field(ge=1, examples=[1])
    limit: int = Field(ge=1, examples=[50])
    total: int = Field(ge=0, examples=[150])


class Problem(Model):
    """What is wrong, for a program."""

    code: str = Field(examples=["NOT_FOUND"])
    details: dict[str, Any] = Field(default_factory=dict)


class Failure(Model):
    """What is wrong, for a person and for a program. The request's id is in the header ``X-Request-Id``."""

    status: Literal["error"] = "error"
    message: str
    error: Problem
