"""Throw-away environments for programs by others: installed once, kept beside this file, ignored by git.

Each is made in a folder of its own and renamed when it is whole, so that two test runs at once do not disturb each
other.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path

import pytest

__all__ = ["FOLDER", "missing_npm", "node_script", "python_environment", "run"]

FOLDER = Path(__file__).parent
VENVS = FOLDER / ".venv"
MODULES = FOLDER / "node_modules"

_PATIENCE = 180
"""Seconds that an installer may take."""
_NPM = ("npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--fetch-retries=1")


def missing_npm() -> bool:
    """Whether npm or Node is not installed here."""
    return shutil.which("npm") is None or shutil.which("node") is None


def python_environment(name: str, *requirements: str) -> Path:
    """The interpreter of an environment that has these requirements. Skips the test where they cannot be had."""
    home = VENVS / f"{name}-{sys.version_info.major}.{sys.version_info.minor}"
    interpreter = home / "bin" / "python"
    if not interpreter.exists():
        VENVS.mkdir(exist_ok=True)
        new = Path(tempfile.mkdtemp(dir=VENVS))
        run(sys.executable, "-m", "venv", str(new))
        _install(str(new / "bin" / "python"), "-m", "pip", "install", "--quiet", *requirements)
        _keep(new, home)
    return interpreter


def node_script(name: str) -> Path:
    """A script of this folder with its packages installed beside it. Skips the test where they cannot be had."""
    wanted, known = FOLDER / "package.json", MODULES / "installed.json"
    if not known.exists() or known.read_bytes() != wanted.read_bytes():
        shutil.rmtree(MODULES, ignore_errors=True)
        VENVS.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=VENVS) as folder:
            shutil.copy(wanted, folder)
            _install(*_NPM, "--prefix", folder)
            shutil.copy(wanted, Path(folder) / "node_modules" / known.name)
            _keep(Path(folder) / "node_modules", MODULES)
    return FOLDER / name


def _install(*command: str) -> None:
    """Run an installer; where it fails or does not end, there is no network, or none that it may use."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip(f"{command[0]} got nothing from its registry in {_PATIENCE} seconds")
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        pytest.skip(f"{command[0]} could not install what the test is about: {lines[-1]}")


def _keep(new: Path, home: Path) -> None:
    """Rename what was made, unless another run was quicker."""
    try:
        new.rename(home)
    except OSError:
        shutil.rmtree(new, ignore_errors=True)


def run(*command: str, environment: Mapping[str, str] | None = None, accept: Collection[int] = (0,)) -> str:
    """The standard output of a command. Raises AssertionError with its standard error for another exit code."""
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        env={**os.environ, **(environment or {})},
    )
    assert done.returncode in accept, f"{command[:3]} ended with {done.returncode}: {done.stderr[-3000:]}"
    return done.stdout
