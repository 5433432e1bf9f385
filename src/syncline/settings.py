"""Settings, read once from the environment: each field is a variable, ``SYNCLINE_HOME``, ``SYNCLINE_DATABASE_URL`` and so on.

Importing this file costs about a quarter of a second (pydantic), so the command line does it only when a command runs.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from platformdirs import user_data_path
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from syncline.core.errors import BadInput, StoreUnavailable
from syncline.core.limit import LIMITS, Limit, parse

__all__ = ["LogLevel", "Registration", "Settings"]

LogLevel = Literal["debug", "info", "warning", "error"]

Registration = Literal["invited", "open", "closed"]

_PREFIX = "SYNCLINE_"


def _url(text: SecretStr) -> SecretStr:
    if "://" not in text.get_secret_value():
        raise PydanticCustomError("url", "Write postgresql://HOST/NAME or sqlite:///PATH")
    return text


def _web(text: str) -> str:
    if not _is_web(text):
        raise PydanticCustomError("web", "Write http://HOST or https://HOST")
    return text.rstrip("/")


def _is_web(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _origins(words: tuple[str, ...]) -> tuple[str, ...]:
    for word in words:
        if not _is_web(word) or urlsplit(word).path:
            raise PydanticCustomError("origin", "An origin is http://HOST[:PORT] or https://HOST[:PORT]")
    return words


def _addresses(words: tuple[str, ...]) -> tuple[str, ...]:
    if not all(map(_is_web, words)):
        raise PydanticCustomError("address", "Each address begins with http:// or https:// and a host")
    return words


def _words(text: str | tuple[str, ...]) -> tuple[str, ...]:
    return tuple(text.replace(",", " ").split()) if isinstance(text, str) else text


def _parts(text: str | tuple[Path, ...]) -> tuple[str | Path, ...]:
    """Paths may hold spaces."""
    return (
        tuple(part for each in text.split(",") if (part := each.strip())) if isinstance(text, str) else text
    )


def _limits(text: str | Mapping[str, Limit | None]) -> Mapping[str, Limit | None]:
    try:
        return parse(text) if isinstance(text, str) else text
    except ValueError as error:
        raise PydanticCustomError("limits", "{what}", {"what": str(error)}) from None


class Settings(BaseSettings):
    """What the environment decides. Empty variables count as not set."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, env_ignore_empty=True, extra="ignore", frozen=True)

    home: Annotated[Path, AfterValidator(lambda path: path.expanduser().absolute())] = Field(
        default_factory=lambda: user_data_path("syncline", appauthor=False)
    )
    """The folder of the store and the key."""

    database_url: Annotated[SecretStr, AfterValidator(_url)] | None = None
    """The store's database: ``postgresql://…`` or ``sqlite:///…``. Default: a SQLite file in `home`."""

    key: SecretStr | None = None
    """The key ring, newest key first, separated by commas. Default: the file ``key`` in `home`."""

    log_level: LogLevel = "warning"
    """From which level on messages go to standard error; at ``debug`` errors come with their traceback."""

    log_requests: Literal["off", "on", "bodies"] = "on"
    """Which requests to Notion the store's log keeps: none, each one without bodies, or with ``bodies`` (redacted)."""

    log_days: Annotated[int, Field(ge=1)] = 14
    """Days for which logged requests are kept."""

    sync_cooldown: Annotated[float, Field(ge=0)] = 300.0
    """Seconds after a successful sync in which the REST API starts no other one of the whole workspace."""

    events_days: Annotated[float, Field(gt=0)] = 7.0
    """Days after which events are forgotten: how long a client may be away and miss nothing."""

    tombstones_days: Annotated[float, Field(gt=0)] | None = None
    """Days after which a deleted record is forgotten altogether. Default: it is kept."""

    data_days: Annotated[float, Field(gt=0)] | None = None
    """Days without a change after which the data of a record is given up. Default: it is kept."""

    runs_days: Annotated[float, Field(gt=0)] = 90.0
    """Days after which a run that ended is forgotten, but for the last ones and those that something open refers to."""

    registration: Registration = "invited"
    """Who may become a user of the service: whoever is ``invited``, everybody (``open``), or nobody (``closed``)."""

    origins: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_words), AfterValidator(_origins)] = ()
    """Origins beside its own from which browsers may use the REST API with cookies, separated by commas."""

    public_url: Annotated[str, AfterValidator(_web)] = "http://127.0.0.1:8040"
    """Where people reach the service: what the links begin with that it sends and prints. `serve` takes where it listens if this is not set."""

    return_urls: Annotated[
        tuple[str, ...], NoDecode, BeforeValidator(_words), AfterValidator(_addresses)
    ] = ()
    """Where people may come out after they authorised a workspace at Notion, separated by commas; what is below them counts, too.

    The first is the default. Without any it is the built-in page.
    """

    notion_url: Annotated[str, AfterValidator(_web)] = "https://api.notion.com"
    """Where the API is that internal tokens sent to the REST API are tried at."""

    notion_rate: str = "180/60"
    """Requests per seconds of a connection that an internal token sent to the REST API makes."""

    rate_limits: Annotated[Mapping[str, Limit | None], NoDecode, BeforeValidator(_limits)] = Field(
        default_factory=lambda: dict(LIMITS)
    )
    """Changes to how often one may ask: ``default=600/60,sync=off``, requests / seconds. ``off``: no limits."""

    metrics_token: SecretStr | None = None
    """With this as a bearer token ``/metrics`` may be read. Default: only with an API key of the instance's owner."""

    alert_incomplete: Annotated[int, Field(ge=0)] = 10
    """How many pages of a workspace may be incomplete before that is an alert."""

    allow_private_endpoints: bool = False
    """Whether webhooks and notifications may go to private addresses and over plain HTTP."""

    mappings: Annotated[
        tuple[Path, ...],
        NoDecode,
        BeforeValidator(_parts),
        AfterValidator(lambda paths: tuple(path.expanduser().absolute() for path in paths)),
    ] = ()
    """Mapping files that a server keeps up to date, separated by commas; `serve --mapping` names them, too."""

    smtp_url: SecretStr | None = None
    """How mail is sent: ``smtp://USER:PASSWORD@HOST:PORT`` or ``smtps://…``, with ``?from=ADDRESS``. Default: not at all."""

    @classmethod
    def load(cls) -> Self:
        """Read the environment. Raises BadInput for a value that cannot be."""
        try:
            return cls()
        except ValidationError as error:
            raise BadInput(" ".join(_sentence(detail) for detail in error.errors())) from None

    @property
    def store(self) -> Path | str:
        """Where the store is: a path or a URL."""
        if self.database_url is None:
            return self.home / "store.sqlite"
        return self.database_url.get_secret_value()

    def prepare_home(self) -> None:
        """Create `home` for its owner alone. Raises StoreUnavailable if that cannot be."""
        try:
            self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreUnavailable(
                f"The folder {self.home} cannot be used: {error.strerror}. Set {_PREFIX}HOME to one that can be written."
            ) from None


def _sentence(detail: ErrorDetails) -> str:
    name = _PREFIX + "_".join(str(part) for part in detail["loc"]).upper()
    return f"{name} is not valid: {detail['msg'][0].lower()}{detail['msg'][1:]}."
