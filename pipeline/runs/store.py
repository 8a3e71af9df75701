"""RunStore: the one owner of the life of a run. No other module writes runs, steps, attempts or a deal's status."""

from pipeline.runs.access import WaitingForAccess
from pipeline.runs.cancelling import Cancelling
from pipeline.runs.claiming import Claiming
from pipeline.runs.crashes import CrashSuspicion
from pipeline.runs.delivery import Delivery
from pipeline.runs.held import Holding
from pipeline.runs.latest import Locking
from pipeline.runs.moving import Moving
from pipeline.runs.naming import Naming
from pipeline.runs.rechecking import Rechecking
from pipeline.runs.repair import Repairing
from pipeline.runs.rescue import Rescue
from pipeline.runs.starting import Starting


class RunStore(
    Claiming,
    Moving,
    WaitingForAccess,
    Starting,
    Rechecking,
    Locking,
    Cancelling,
    Delivery,
    Holding,
    Rescue,
    Naming,
    CrashSuspicion,
    Repairing,
):
    """Each part is a file of its own, with its SQL. Pages of deals are stored by intake.py and departures.py.

    A worker:      claim, renew, check, move, leave, postpone, access_granted, record_heartbeat,
                   holder_of, release, take_back_unread, take_name
    An operation:  lock_latest, start, cancel, withdraw, hasten, release_held, drop_held, redeliver
    The scheduler: reap, sweep, repair, start_wanted, start_rechecks, raise_overdue, probe_access

    What a worker and the scheduler call is a transaction of its own. An operation's calls take the session whose
    transaction also holds the audit row.
    """
