"""Settings, read once from the environment: ``SYNCLINE_HOME``, ``SYNCLINE_DATABASE_URL``, ``SYNCLINE_KEY``, ``SYNCLINE_LOG_LEVEL``.

Importing this file costs about a quarter of a second (pydantic), so the command line does it only when a command runs.
"""

from pathlib import Path
from typing import Annotated, Literal, Self

from platformdirs import user_data_path
from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

from syncline.core.errors import BadInput, StoreUnavailable

__all__ = ["JOBS_SCHEMA", "LogLevel", "Settings"]

LogLevel = Literal["debug", "info", "warning", "error"]

JOBS_SCHEMA = "syncline_jobs"
"""The job engine's own schema in a Postgres database."""

_PREFIX = "SYNCLINE_"


def _url(text: SecretStr) -> SecretStr:
    if "://" not in text.get_secret_value():
        raise PydanticCustomError("url", "Write postgresql://HOST/NAME or sqlite:///PATH")
    return text


class Settings(BaseSettings):
    """What the environment decides. Empty variables count as not set."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, env_ignore_empty=True, extra="ignore", frozen=True)

    home: Annotated[Path, AfterValidator(lambda path: path.expanduser().absolute())] = Field(
        default_factory=lambda: user_data_path("syncline", appauthor=False)
    )
    """The folder of the store, the key and the job file."""

    database_url: Annotated[SecretStr, AfterValidator(_url)] | None = None
    """The store's database: ``postgresql://…`` or ``sqlite:///…``. Default: a SQLite file in `home`."""

    key: SecretStr | None = None
    """The key ring, newest key first, separated by commas. Default: the file ``key`` in `home`."""

    log_level: LogLevel = "warning"
    """From which level on messages go to standard error; at ``debug`` errors come with their traceback."""

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

    @property
    def jobs(self) -> Path | str:
        """Where the job engine keeps its own: a file of its own, or the Postgres database of the store."""
        store = self.store
        return store if isinstance(store, str) and store.startswith("postgres") else self.home / "jobs.sqlite"

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
