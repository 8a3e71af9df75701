"""Secrets as they may be kept: as SHA-256 digests. What is hashed here is random, so no slow hash is needed."""

import hashlib
import secrets

# 32 random bytes, 43 characters.
SECRET_BYTES = 32


def new_secret() -> str:
    return secrets.token_urlsafe(SECRET_BYTES)


def digest(secret: str) -> bytes:
    # What arrives in a header may hold anything, lone surrogates included.
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()
