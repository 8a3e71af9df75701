"""Random secrets, and the SHA-256 digests that are stored in their place. Random input needs no slow hash."""

import hashlib
import secrets

# 32 random bytes, 43 characters.
SECRET_BYTES = 32


def new_secret() -> str:
    return secrets.token_urlsafe(SECRET_BYTES)


def digest(secret: str) -> bytes:
    # A header may contain anything, lone surrogates included.
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()
