"""The key ring seals, opens, rotates, and says clearly when it cannot."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from syncline.core.errors import BadInput, Stop, StoreUnavailable
from syncline.store.secrets import FILE, KeyRing, keep_first_key, prepend_key


def key() -> str:
    return Fernet.generate_key().decode()


@pytest.mark.parametrize("secret", ["ntn_123", "", "ü\x00"], ids=repr)
def test_what_was_sealed_is_opened(secret: str) -> None:
    ring = KeyRing(key())

    sealed = ring.encrypt(secret)

    assert ring.decrypt(sealed) == secret
    assert secret == "" or secret.encode() not in sealed


@pytest.mark.parametrize("separator", [",", ", ", "\n", " "], ids=repr)
def test_the_first_of_several_keys_seals_and_each_opens(separator: str) -> None:
    old, new = key(), key()
    both = KeyRing(f"{new}{separator}{old}\n")

    assert both.decrypt(KeyRing(old).encrypt("s")) == "s"
    assert KeyRing(new).decrypt(both.encrypt("s")) == "s"


def test_rotation_seals_anew_with_the_first_key() -> None:
    old, new = key(), key()

    rotated = KeyRing(f"{new},{old}").rotate(KeyRing(old).encrypt("s"))

    assert KeyRing(new).decrypt(rotated) == "s"


def test_a_wrong_key_stops_with_a_sentence() -> None:
    sealed = KeyRing(key()).encrypt("s")

    with pytest.raises(Stop, match="encrypted with another key"):
        KeyRing(key()).decrypt(sealed)
    with pytest.raises(Stop, match="encrypted with another key"):
        KeyRing(key()).rotate(sealed)


@pytest.mark.parametrize("keys", ["", " , ", "short", "ä" * 44, "x" * 44])
def test_a_malformed_key_stops_without_being_shown(keys: str) -> None:
    with pytest.raises(Stop, match="key is malformed") as caught:
        KeyRing(keys)

    assert not keys.strip(" ,") or keys not in str(caught.value)


def test_the_ring_shows_no_key_in_its_repr() -> None:
    one = key()

    assert one not in repr(KeyRing(one))


def test_the_key_file_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    first, second = KeyRing.open(tmp_path / "home"), KeyRing.open(tmp_path / "home")

    assert second.decrypt(first.encrypt("s")) == "s"
    assert [path.name for path in (tmp_path / "home").iterdir()] == [FILE]
    assert stat.S_IMODE((tmp_path / "home" / FILE).stat().st_mode) == 0o600


def test_all_who_make_the_key_at_once_get_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        rings = list(pool.map(KeyRing.open, [tmp_path] * 16))

    sealed = rings[0].encrypt("s")
    assert {ring.decrypt(sealed) for ring in rings} == {"s"}
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_a_rotation_of_the_file_leaves_the_new_key_alone(tmp_path: Path) -> None:
    before = KeyRing.open(tmp_path).encrypt("s")

    both = prepend_key(tmp_path)
    between = KeyRing.open(tmp_path)
    after = keep_first_key(tmp_path)

    assert both.decrypt(before) == between.decrypt(before) == "s"
    assert after.decrypt(both.encrypt("s")) == KeyRing.open(tmp_path).decrypt(both.encrypt("s")) == "s"
    with pytest.raises(Stop):
        after.decrypt(before)
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_a_ring_that_is_open_follows_a_rotation_of_its_file(tmp_path: Path) -> None:
    held = KeyRing.open(tmp_path)
    before, signed = held.encrypt("s"), held.derive("x")

    prepend_key(tmp_path)
    between = held.encrypt("s")
    keep_first_key(tmp_path)

    assert KeyRing.open(tmp_path).decrypt(between) == "s"  # the new key sealed it
    assert KeyRing.open(tmp_path).decrypt(held.encrypt("s")) == "s"
    assert held.decrypt(before) == "s"  # what was read a moment ago
    assert held.derive("x")[0] == KeyRing.open(tmp_path).derive("x")[0]
    assert held.derive("x")[1] == signed[0]


def test_a_ring_that_is_open_goes_on_without_its_file(tmp_path: Path) -> None:
    held = KeyRing.open(tmp_path)
    (tmp_path / FILE).unlink()

    assert held.decrypt(held.encrypt("s")) == "s"


@pytest.mark.parametrize("content", [b"\xff\xfe", b"nonsense", b""])
def test_a_damaged_key_file_stops_and_is_left_alone(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)

    for use in (KeyRing.open, keep_first_key):
        with pytest.raises(BadInput, match="encryption key is malformed"):
            use(tmp_path)
    assert (tmp_path / FILE).read_bytes() == content


def test_a_folder_in_place_of_the_key_stops(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()

    with pytest.raises(StoreUnavailable, match=r"/key cannot be read or written: Is a directory\.$"):
        KeyRing.open(tmp_path)
