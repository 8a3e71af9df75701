"""Secrets are random; what is stored is their SHA-256."""

import hashlib

from api.session.digest import digest, new_secret


def test_a_secret_has_43_characters_and_is_never_repeated() -> None:
    """32 random bytes in URL-safe base64."""
    secrets = {new_secret() for _ in range(100)}
    assert {len(secret) for secret in secrets} == {43}
    assert len(secrets) == 100


def test_any_text_has_a_digest() -> None:
    """Also one that no encoding allows: a header may contain anything."""
    assert digest("a secret") == hashlib.sha256(b"a secret").digest()
    assert digest("\ud800") != digest("\ud801")
