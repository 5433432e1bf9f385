"""The mapping file: TOML or YAML, checked as it is read, each mistake one sentence with its line.

Its shape is `mapping.model`; `json_schema` gives that to editors. Nothing here looks at a database or at Notion.
"""

import os
import tomllib
from collections.abc import Mapping as Named
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from syncline.core.errors import BadInput
from syncline.core.mapping import Mapping
from syncline.mapping.file_lines import toml_line, yaml_line
from syncline.mapping.model import ENV, MappingFile

__all__ = ["database_url", "json_schema", "parse_mapping", "read_mapping", "zone_of"]


def read_mapping(path: Path) -> Mapping:
    """The mapping in a file. Raises BadInput with the file, the line and what to do."""
    try:
        text = path.read_text(encoding="utf-8-sig")  # some editors begin a file with a mark
    except OSError as error:
        raise BadInput(
            f"The mapping file {path} cannot be read: {error.strerror}. `syncline mapping draft` writes one."
        ) from error
    except UnicodeDecodeError as error:
        raise BadInput(f"The mapping file {path} is not text in UTF-8.") from error
    return parse_mapping(text, path)


def parse_mapping(text: str, path: Path) -> Mapping:
    """The mapping in `text`; `path` says whether it is TOML or YAML, and is named in what is raised: BadInput."""
    is_yaml = path.suffix in {".yaml", ".yml"}
    content = _yaml(text, path) if is_yaml else _toml(text, path)
    try:
        return MappingFile.model_validate(content).mapping(name=path.stem)
    except ValidationError as error:
        line = yaml_line if is_yaml else toml_line
        told = _telling(error.errors())
        raise BadInput(" ".join(_sentence(each, text, path, line) for each in told[:3])) from None


def database_url(mapping: Mapping, folder: Path) -> str:
    """Where the database is. `folder` is the mapping file's: a relative SQLite path begins there. Raises BadInput."""
    if mapping.url.startswith(ENV):
        variable = mapping.url.removeprefix(ENV)
        found = os.environ.get(variable, "")
        if not found:
            raise BadInput(f"The variable {variable} is not set: it holds the URL of the mapping's database.")
        return found
    scheme, found, place = mapping.url.partition("sqlite:///")
    return f"{found}{folder.absolute() / place}" if found and not scheme else mapping.url


def zone_of(mapping: Mapping) -> ZoneInfo:
    """The zone of times without one."""
    return ZoneInfo(mapping.zone)


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a mapping file."""
    schema = MappingFile.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema


def _toml(text: str, path: Path) -> Named[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{path} is not TOML: {error}.") from None


def _yaml(text: str, path: Path) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        at = f" (line {mark.line + 1})" if mark else ""
        raise BadInput(f"{path} is not YAML: {getattr(error, 'problem', error)}{at}.") from None


def _telling(mistakes: list[ErrorDetails]) -> list[ErrorDetails]:
    """Causes first: what is misspelt is also missing, and where no table is right there are too few."""
    known = [each for each in mistakes if each["type"] != "too_short"] or mistakes
    return sorted(known, key=lambda each: each["type"] != "extra_forbidden")


def _sentence(detail: ErrorDetails, text: str, path: Path, line: Any) -> str:
    place = detail["loc"]
    at = line(text, place)
    named = ".".join(str(part) for part in place) or "the file"
    return f"{path}{f', line {at}' if at else ''}: {named}: {_said(detail)}."


def _said(detail: ErrorDetails) -> str:
    kind = detail["type"]
    if kind == "extra_forbidden":
        return "there is no such setting; look at the spelling"
    if kind == "missing":
        return "it is missing"
    said = detail["msg"].removeprefix("Value error, ").rstrip(".")
    return f"{said[0].lower()}{said[1:]}" if said[:2].istitle() else said
