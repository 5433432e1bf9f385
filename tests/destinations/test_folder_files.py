"""Two names of one file are what a file system that does not tell case apart has: a hard link is the same."""

import os
from pathlib import Path

import pytest

from syncline.destinations.folder_files import OWN_FOLDER, Files


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / OWN_FOLDER).mkdir()
    return tmp_path


def test_a_file_is_written_with_the_folders_it_needs(root: Path) -> None:
    Files(root, ()).write("a/b/c.md", "text 🙂\n")
    assert (root / "a" / "b" / "c.md").read_bytes() == "text 🙂\n".encode()
    assert [*(root / OWN_FOLDER).iterdir()] == []


def test_a_removed_file_takes_the_folders_it_leaves_empty(root: Path) -> None:
    files = Files(root, ())
    files.write("a/b/c.md", "")
    files.write("a/d.md", "")
    files.remove("a/b/c.md")
    assert sorted(path.name for path in root.rglob("*")) == [OWN_FOLDER, "a", "d.md"]
    files.remove("a/b/c.md")  # gone already
    files.remove("a/d.md/no.md")  # below a file


def test_a_file_renamed_in_case_only_is_not_removed(root: Path) -> None:
    files = Files(root, ())
    files.write("Plan.md", "text")
    os.link(root / "Plan.md", root / "plan.md")
    files.remove("plan.md", replaced_by="Plan.md")
    assert (root / "plan.md").exists()
    files.remove("plan.md")
    assert not (root / "plan.md").exists()


def test_a_file_is_ours_in_another_case_only_where_it_is_the_same_file(root: Path) -> None:
    (root / "Plan.md").write_text("ours")
    (root / "PLAN.md").write_text("theirs")
    os.link(root / "Plan.md", root / "plan.md")
    files = Files(root, {"Plan.md"})
    assert [files.is_foreign(name) for name in ("Plan", "PLAN", "plan", "free")] == [
        False,
        True,
        False,
        False,
    ]


def test_a_file_without_an_ending_is_in_the_way_of_a_folder(root: Path) -> None:
    (root / "Plan").write_text("theirs")
    (root / "Notes").mkdir()
    files = Files(root, ())
    assert (files.is_foreign("Plan"), files.is_foreign("Notes")) == (True, False)
