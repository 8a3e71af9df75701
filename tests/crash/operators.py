"""Operations that people request, by the functions behind the API: done, rows have changed; refused, none has."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence

from models import BulkKind
from models.deal_filter import DealFilter
from pipeline.operations.audited import OperationContext, OperationResult
from pipeline.operations.bulk import cancel_bulk, start_bulk
from pipeline.operations.bulk_work import process_bulk_items
from pipeline.operations.cancel import cancel, undo_cancel
from pipeline.operations.errors import OperationRefused
from pipeline.operations.held import decide_held
from pipeline.operations.pause import pause, resume
from pipeline.operations.process_now import process_now
from pipeline.operations.retry import RetryFrom, retry
from tests.crash.invariants import STATE_HASH
from tests.crash.job_in_progress import KEYS
from tests.factories import one

NO_SUCH_ID = 0
# The `how` of an operation on something that does not exist.
INVALID = 5
OPERATIONS = ("retry", "retry whole", "retry at a stage", "cancel", "undo cancel", "process now", "pause", "resume",
              "approve", "drop", "bulk", "cancel bulk")  # fmt: skip
_REASONS = {
    "retry": ("AlreadyRunning", "NothingToRetry", "NotFound"),
    "retry whole": ("AlreadyRunning",),
    "retry at a stage": ("AlreadyRunning", "StageNotReached", "UnknownStage"),
    "cancel": ("NothingToCancel", "NotFound"),
    "undo cancel": ("AlreadyRunning", "NothingToUndo"),
    "process now": ("AlreadyRunning", "NotFound"),
    "pause": ("AlreadyPaused",),
    "resume": ("NotPaused",),
    "approve": ("NotHeld",),
    "drop": ("NotHeld",),
    "bulk": ("NothingSelected", "UnknownStage"),
    "cancel bulk": ("BulkEnded", "NotFound"),
}
REFUSALS = tuple(f"{name}: {reason}" for name, reasons in _REASONS.items() for reason in reasons)
_BULK = (
    (BulkKind.RETRY, RetryFrom()),
    (BulkKind.CANCEL, None),
    (BulkKind.PROCESS_NOW, None),
    (BulkKind.RETRY, RetryFrom(whole=True)),
    (BulkKind.RETRY, RetryFrom(stage="gone")),
)


class Operators:
    """`counts` counts what was done, and what was refused by reason."""

    def __init__(self, context: OperationContext, counts: Counter[str]) -> None:
        self._context = context
        self._counts = counts

    async def request(self, name: str, deals: Sequence[int], deal: int, how: int, *, alone: bool) -> bool:
        """Whether it was done, not refused. `alone`: no other event happens meanwhile."""
        before = await self._state_hash() if alone else ""
        outcome = name
        try:
            await self._operation(name, deals, deal, how)
        except OperationRefused as refused:
            outcome = f"{name}: {type(refused).__name__}"
        self._counts[outcome] += 1
        changed = alone and before != await self._state_hash()
        assert not alone or changed == (outcome == name), f"{outcome}: the rows show otherwise"
        return outcome == name

    async def process_bulk_items(self, how: int) -> int:
        """As the leading scheduler does, now and then killed after the first deal; the number of deals."""
        done = 0
        async for _ in process_bulk_items(self._context.database, self._context.stages):
            done += 1
            if how == INVALID:
                self._counts["bulk work killed"] += 1
                break
        return done

    async def _operation(self, name: str, deals: Sequence[int], deal: int, how: int) -> OperationResult:
        if name == "bulk":
            return await self._bulk(deals, how)
        if name == "cancel bulk":
            newest = "SELECT coalesce(max(id), 0) FROM bulk_operations"
            bulk_id = NO_SUCH_ID if how == INVALID else await one(self._context.database, newest)
            return await cancel_bulk(self._context, bulk_id)
        return await self._to_one(name, NO_SUCH_ID if how == INVALID else deal, how)

    def _to_one(self, name: str, deal: int, how: int) -> Awaitable[OperationResult]:
        context = self._context
        operations: Mapping[str, Callable[[], Awaitable[OperationResult]]] = {
            "retry": lambda: retry(context, deal),
            "retry whole": lambda: retry(context, deal, RetryFrom(whole=True)),
            "retry at a stage": lambda: retry(context, deal, RetryFrom(stage=(*KEYS, "gone")[how % 4])),
            "cancel": lambda: cancel(context, deal),
            "undo cancel": lambda: undo_cancel(context, deal),
            "process now": lambda: process_now(context, deal),
            "pause": lambda: pause(context),
            "resume": lambda: resume(context),
            "approve": lambda: decide_held(context, "approve"),
            "drop": lambda: decide_held(context, "drop"),
        }
        return operations[name]()

    async def _bulk(self, deals: Sequence[int], how: int) -> OperationResult:
        chosen = DealFilter() if how == INVALID else DealFilter(deal_ids=deals)
        kind, at = _BULK[how % len(_BULK)]
        return await start_bulk(self._context, kind, chosen, at)

    async def _state_hash(self) -> str:
        return str(await one(self._context.database, STATE_HASH))
