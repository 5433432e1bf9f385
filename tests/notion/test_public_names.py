"""What a module defines in public is what it lists; the order is the linter's business."""

import importlib
import inspect
import pkgutil

import pytest

import syncline.notion

MODULES = [
    "syncline.notion",
    *(f"syncline.notion.{found.name}" for found in pkgutil.iter_modules(syncline.notion.__path__)),
]


@pytest.mark.parametrize("name", MODULES)
def test_every_listed_name_exists(name: str) -> None:
    module = importlib.import_module(name)
    assert [each for each in module.__all__ if not hasattr(module, each)] == []


@pytest.mark.parametrize("name", MODULES)
def test_every_public_function_and_class_is_listed(name: str) -> None:
    module = importlib.import_module(name)
    defined = {
        each
        for each, value in vars(module).items()
        if not each.startswith("_")
        and (inspect.isfunction(value) or inspect.isclass(value))
        and value.__module__ == name
    }
    assert defined - set(module.__all__) == set()


def test_the_client_is_found_without_being_imported_beforehand() -> None:
    assert syncline.notion.Client.__name__ == "Client"
    with pytest.raises(AttributeError, match="Nothing"):
        _ = syncline.notion.Nothing
