"""Every answer has a request id and security headers, and no body is larger than it may be."""

import pytest
from tests.api.doors import Door


@pytest.mark.parametrize("path", ["/healthz", "/api/v1/nowhere", "/readyz"])
async def test_every_answer_has_an_id_and_security_headers(bare: Door, path: str) -> None:
    first, second = [await bare.http.get(path) for _ in range(2)]

    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    assert first.headers["cache-control"] == "no-store"
    assert first.headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in first.headers["content-security-policy"]
