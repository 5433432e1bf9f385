"""Schemathesis, in an environment of its own, sends what the description allows and what it forbids, and finds nothing undocumented.

SCHEMATHESIS_EXAMPLES is the number of requests made up for each route (3); with more than ten it also walks every boundary of every field,
which takes minutes.
"""

import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from tests.api.doors import HOME, opened
from tests.api.served import served

from syncline.app import App
from syncline.settings import Settings

EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "3"))
PHASES = "examples,coverage,fuzzing" if EXAMPLES > 10 else "examples,fuzzing"
VERSION = "4.32.5"
VENV = (
    Path(__file__).parent
    / ".venv"
    / f"schemathesis-{VERSION}-{sys.version_info.major}.{sys.version_info.minor}"
)
CONFIG = Path(__file__).with_name("schemathesis.toml")
CHECKS = (
        "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
        "response_schema_conformance", "negative_data_rejection", "unsupported_method", "ignored_auth",
)  # fmt: skip
LEFT_OUT = (
        r"/notion/connect", r"/disconnect", r"/check-token", r"/token-health", r"/pair",  # ask Notion
        r"/auth/logout", r"/leave", r"/transfer", r"/auth/change-password",  # take the caller's rights away
)  # fmt: skip


@pytest.fixture(scope="session")
def schemathesis() -> Path:
    """The command, installed once beside this file."""
    if not (VENV / "bin" / "schemathesis").exists():
        VENV.parent.mkdir(exist_ok=True)
        new = Path(tempfile.mkdtemp(dir=VENV.parent))
        subprocess.run([sys.executable, "-m", "venv", str(new)], check=True)
        install = [str(new / "bin" / "python"), "-m", "pip", "install", "--quiet", f"schemathesis=={VERSION}"]
        try:
            done = subprocess.run(install, capture_output=True, text=True, timeout=100, check=False)
        except subprocess.TimeoutExpired:
            pytest.skip("pip got nothing from its registry in 100 seconds")
        if done.returncode:
            pytest.skip(f"pip could not install schemathesis: {done.stderr.strip().splitlines()[-1:]}")
        try:
            new.rename(VENV)  # scripts name the folder they were made in: only the interpreter is used
        except OSError:  # another run was quicker
            shutil.rmtree(new, ignore_errors=True)
    return VENV / "bin" / "python"


@pytest.mark.timeout(900)
async def test_the_service_answers_as_it_says(schemathesis: Path, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", database_url=None, key=None, rate_limits={})
    async with App.open(settings) as app, opened(app) as door:
        await door.user("owner", owner=True)
        await door.workspace(HOME, owner="owner", viewer="viewer")
        headers = await door.signed_in("owner") | {"X-Workspace-Id": HOME}
        async with served(door.service) as url:
            process = await asyncio.create_subprocess_exec(
                str(schemathesis), "-m", "schemathesis.cli", "--config-file", str(CONFIG), "run", f"{url}/api/v1/openapi.json", "--url", url,
                *(part for name, value in headers.items() for part in ("-H", f"{name}: {value}")),
                "--phases", PHASES, "--max-examples", str(EXAMPLES), "--seed", "1", "--checks", ",".join(CHECKS),
                "--exclude-path-regex", f"({'|'.join(LEFT_OUT)})$", "--suppress-health-check", "all",
                "--continue-on-failure", "--no-shrink", "--warnings", "off",
                cwd=tmp_path, env=os.environ | {"NO_COLOR": "1", "COLUMNS": "120"},
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            )  # fmt: skip
            output = (await process.communicate())[0].decode()

    found = output.partition("= FAILURES =")[2] or output.partition("= ERRORS =")[2] or output[-3000:]
    assert process.returncode == 0, found
    tested = re.search(r"Tested: (\d+)", output)
    assert tested is not None, output[-3000:]
    assert int(tested[1]) > 70
