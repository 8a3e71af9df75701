"""The files of certificates and keys that DATABASE_URL may refer to, named and checked for both drivers alike.

A driver reports a wrong file at each connection, as if the server were unavailable.
"""

import ssl
import stat
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from pathlib import Path

from core.address_files import home
from core.errors import ConfigurationError

# Where operating systems keep the certificates that they trust, if not where OpenSSL looks.
_TRUSTED = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
_VERIFYING = ("verify-ca", "verify-full")


def complete_tls(parameters: MutableMapping[str, str]) -> None:
    """ConfigurationError when a file is missing or wrong."""
    if parameters.get("sslrootcert") == "system":
        parameters["sslrootcert"] = _trusted_certificates()
        if parameters.setdefault("sslmode", "verify-full") != "verify-full":
            raise ConfigurationError("DATABASE_URL: sslrootcert=system needs sslmode=verify-full.")
    mode = parameters.setdefault("sslmode", "prefer")
    if mode in (*_VERIFYING, "require"):
        _default_file(parameters, "sslrootcert", "root.crt")
    if mode in _VERIFYING and "sslrootcert" not in parameters:
        raise ConfigurationError(
            f"DATABASE_URL: sslmode={mode} needs sslrootcert=FILE, the certificate of the authority that signed the "
            "server's, or sslrootcert=system for the authorities that this machine trusts."
        )
    if parameters.get("sslnegotiation") == "direct" and mode not in (*_VERIFYING, "require"):
        raise ConfigurationError("DATABASE_URL: sslnegotiation=direct needs sslmode=require or stricter.")
    if "sslcert" in parameters:
        _default_file(parameters, "sslkey", "postgresql.key")
    _check(parameters)


def _default_file(parameters: MutableMapping[str, str], name: str, file: str) -> None:
    path = home() / ".postgresql" / file
    if name not in parameters and path.is_file():
        parameters[name] = str(path)


def _trusted_certificates() -> str:
    """A file, because psycopg brings an OpenSSL that looks for the machine's certificates elsewhere."""
    for path in (ssl.get_default_verify_paths().cafile, *_TRUSTED):
        if path and Path(path).is_file():
            return path
    raise ConfigurationError("DATABASE_URL: sslrootcert=system: this machine has no file of certificates; name one.")


def _check(parameters: Mapping[str, str]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for name in ("sslrootcert", "sslcrl"):
        if name in parameters:
            with _read(name, parameters[name]):
                context.load_verify_locations(cafile=parameters[name])
    if "sslcert" not in parameters:
        return
    if "sslkey" not in parameters:
        raise ConfigurationError("DATABASE_URL: sslcert needs sslkey=FILE, the private key of the certificate.")
    certificate, key = parameters["sslcert"], parameters["sslkey"]
    with _read("sslkey", key):
        _check_permissions(key)
    with _read("sslcert", certificate):
        context.load_cert_chain(certificate, key, password=lambda: parameters.get("sslpassword", ""))


def _check_permissions(key: str) -> None:
    """Those that libpq demands; asyncpg does not."""
    found = Path(key).stat()
    shared = stat.S_IRWXG | stat.S_IRWXO if found.st_uid else stat.S_IWGRP | stat.S_IXGRP | stat.S_IRWXO
    if found.st_mode & shared:
        raise ConfigurationError(f"DATABASE_URL: sslkey: other users may read {key}; `chmod 600` the file.")


@contextmanager
def _read(name: str, file: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise ConfigurationError(f"DATABASE_URL: {name}: there is no file {file}.") from None
    except ssl.SSLError as error:
        what = "the key does not belong to it, or sslpassword is wrong" if name == "sslcert" else "not in PEM format"
        raise ConfigurationError(f"DATABASE_URL: {name}: {file} cannot be used: {error.reason or what}.") from None
    except OSError as error:
        raise ConfigurationError(f"DATABASE_URL: {name}: {file} cannot be read: {error.strerror}.") from None
