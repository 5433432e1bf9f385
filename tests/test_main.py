"""The program as a whole: how it ends."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import sys

class Pressed:
    def find_spec(self, name, *_):
        if name == {module!r}:
            raise KeyboardInterrupt

sys.meta_path.insert(0, Pressed())
sys.argv = ["syncline", "status"]
from syncline.__main__ import main

main()
"""


@pytest.mark.parametrize(
    "module", ["syncline.cli.main", "syncline.commands.main", "syncline.commands.status"]
)
def test_ctrl_c_while_the_program_is_being_loaded_ends_it_without_a_traceback(
    tmp_path: Path, module: str
) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(module=module)],
        env={"SYNCLINE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, ended.stdout) == (130, "")
    assert ended.stderr in {"", "Stopped.\n"}
