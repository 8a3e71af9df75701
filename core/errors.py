"""The base class of all errors of this project.

DealQueueError
 +- ConfigurationError       a setting is wrong
 +- DatabaseNotReady         the database answers, but does not have the tables of this release
     +- DatabaseNewer        a later release has migrated it
 +- DatabaseUnavailable      the database is unavailable; the same statement may succeed later
     +- ConnectionRejected   the server answers, but does not accept the connection
     +- DatabaseReadOnly     the server answers, but accepts no writes
"""


class DealQueueError(Exception):
    """The base class: an error of a known kind."""


class ConfigurationError(DealQueueError):
    """A setting is wrong; the message names it and says what to write instead."""


class DatabaseNotReady(DealQueueError):
    """The database answers, but its tables are not those of this release, or this role may not use them."""


class DatabaseNewer(DatabaseNotReady):
    """A later release has migrated the database: waiting does not help."""


class DatabaseUnavailable(DealQueueError):
    """The database is unavailable, and the statement is not the cause: the same one may succeed later."""


class ConnectionRejected(DatabaseUnavailable):
    """The server answers and refuses the connection: a wrong role, password or database name, or a missing right."""


class DatabaseReadOnly(DatabaseUnavailable):
    """The server answers and accepts no writes: it is a standby, or an administrator has made it read-only."""
