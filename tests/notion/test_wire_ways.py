"""The ways of the wire: whose certificate it trusts, and through which proxy it goes."""

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.notion.scripted import OK, always, ask, once, opened, serving

from syncline.notion import wire


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A key and its certificate for 127.0.0.1, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    today = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    encoded = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path / "certificate.pem"
    path.write_bytes(encoded + signed.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def fresh_trust() -> Any:
    wire._trust.cache_clear()
    yield
    wire._trust.cache_clear()


@pytest.mark.usefixtures("fresh_trust")
@pytest.mark.parametrize("trusted", [True, False])
async def test_only_a_trusted_certificate_is_spoken_to(
    trusted: bool,  # noqa: FBT001 - a parameter of the table
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate if trusted else ""))
    async with serving(always(OK), ssl=context) as server, opened() as line:
        if trusted:
            for _ in range(2):
                assert (await ask(line, server.url)).content == b"ok"
            assert server.connections == 1
            return
        with pytest.raises(httpx2.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            await ask(line, server.url)
    assert server.heads == []


@pytest.fixture
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("http", "https", "all", "no"):
        monkeypatch.delenv(f"{name}_proxy", raising=False)
        monkeypatch.delenv(f"{name}_proxy".upper(), raising=False)
    return monkeypatch


@pytest.mark.parametrize("variable", ["http_proxy", "all_proxy"])
async def test_the_proxy_of_the_environment_is_asked(variable: str, no_proxies: pytest.MonkeyPatch) -> None:
    async with serving(once(OK)) as proxy, opened() as line:
        no_proxies.setenv(variable, proxy.url.replace("http://", "http://me:word@"))
        assert (await ask(line, "http://notion.test/v1/users")).content == b"ok"
    (head,) = proxy.heads
    assert head.startswith("GET http://notion.test/v1/users HTTP/1.1\r\nHost: notion.test\r\n")
    assert "Proxy-Authorization: Basic bWU6d29yZA==\r\n" in head


async def test_some_hosts_are_spoken_to_without_the_proxy(no_proxies: pytest.MonkeyPatch) -> None:
    no_proxies.setenv("http_proxy", "http://127.0.0.1:1")
    no_proxies.setenv("no_proxy", "invalid,other.test:81")
    async with opened() as line:
        for url in ("http://nowhere.invalid/", "http://other.test:81/"):
            with pytest.raises(httpx2.ConnectError):
                await ask(line, url)
        with pytest.raises(httpx2.ProxyError):
            await ask(line, "http://other.test/")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "localhost", "any.localhost", "[::1]"])
async def test_this_machine_is_never_behind_a_proxy(host: str, no_proxies: pytest.MonkeyPatch) -> None:
    async with serving(once(OK)) as proxy, opened() as line:
        no_proxies.setenv("all_proxy", proxy.url)
        with pytest.raises(httpx2.ConnectError):
            await ask(line, f"http://{host}:1/")
    assert proxy.heads == []


async def test_a_kind_of_proxy_that_is_not_spoken_is_named(no_proxies: pytest.MonkeyPatch) -> None:
    no_proxies.setenv("all_proxy", "socks5://me:word@127.0.0.1:1")
    async with opened() as line:
        with pytest.raises(httpx2.UnsupportedProtocol, match="names a socks5 proxy; only HTTP") as caught:
            await ask(line, "https://notion.test/")
    assert "word" not in str(caught.value)


async def test_a_proxy_that_does_not_answer_or_refuses_is_the_proxys_error(
    no_proxies: pytest.MonkeyPatch,
) -> None:
    async with opened() as line:
        no_proxies.setenv("https_proxy", "127.0.0.1:1")
        with pytest.raises(httpx2.ProxyError):
            await ask(line, "https://notion.test/")
    refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
    async with serving(once(refusal)) as proxy, opened() as line:
        no_proxies.setenv("https_proxy", proxy.url)
        with pytest.raises(httpx2.ProxyError):
            await ask(line, "https://notion.test/", headers={"Authorization": "Bearer t"})
    assert [head.split("\r\n")[0] for head in proxy.heads] == ["CONNECT notion.test:443 HTTP/1.1"]
    assert "Bearer" not in proxy.heads[0]


async def test_a_netrc_does_not_replace_the_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    async with serving(once(OK)) as server, opened() as line:
        await ask(line, server.url, headers={"Authorization": "Bearer t"})
    assert "Authorization: Bearer t\r\n" in server.heads[0]
