"""The base of every error that is ours.

DealQueueError
 +- ConfigurationError       a setting is wrong
 +- DatabaseNotReady         the database answers, but has not the tables of this release
 +- DatabaseUnavailable      the database does not do this now
     +- ConnectionRejected   the server answers, but does not accept the connection
"""


class DealQueueError(Exception):
    """Something went wrong that we can name."""


class ConfigurationError(DealQueueError):
    """A setting is wrong; the message names it and says what to write instead."""


class DatabaseNotReady(DealQueueError):
    """The database answers, but its tables are not those of this release, or not for this role to use."""


class DatabaseUnavailable(DealQueueError):
    """The database does not do this now, through no fault of the statement. The same statement may succeed later."""


class ConnectionRejected(DatabaseUnavailable):
    """The server answers and refuses the connection: a wrong role, password or database name, or a missing right."""
