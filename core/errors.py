"""The base of every error that is ours.

DealQueueError
 +- ConfigurationError      a setting is wrong
 +- DatabaseNotReady        the database answers, but is not migrated
"""


class DealQueueError(Exception):
    """Something went wrong that we can name."""


class ConfigurationError(DealQueueError):
    """A setting is wrong; the message names it and says what to write instead."""


class DatabaseNotReady(DealQueueError):
    """The database answers, but its tables are not those of this release."""
