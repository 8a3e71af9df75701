"""Examples: a program is played to its end, and the database is compared with the sandbox's truth."""

import traceback
from collections import Counter
from collections.abc import Awaitable, Callable

from core.database import Database
from tests.completeness.account import Account
from tests.completeness.chance import Chance, Style
from tests.completeness.comparing import compare
from tests.completeness.flights import WatchedTransport
from tests.completeness.operations import DEPARTURES, OVERLAP_SECONDS, SETTLE_SECONDS, UNDETECTABLE, Program
from tests.completeness.playing import EMPTY, Player

# Completes the syncs after a program, and asserts that nothing is missing.
Ending = Callable[[Player], Awaitable[None]]


async def in_the_end(player: Player) -> None:
    """After the settle bound, one settle scan finds all that search shows; the other syncs find the rest."""
    player.account.advance(SETTLE_SECONDS + 1)
    await player.backfilled()
    await player.finish("settle")
    if not (player.changed & DEPARTURES or player.faults.keys() & UNDETECTABLE):
        await _compared(player, live_only=True)
        player.counts["complete without the reconcile"] += 1
    await player.finish("archive")
    await player.finish("reconcile")
    await _compared(player)


async def by_tails_alone(player: Player) -> None:
    """The index never lags longer than the tail's overlap: one more tail finds everything."""
    player.account.advance(OVERLAP_SECONDS)
    await player.backfilled()
    await player.finish("tail")
    await _compared(player, live_only=True)


async def _compared(player: Player, *, live_only: bool = False) -> None:
    if wrong := await compare(player.database, player.account.truth(), live_only=live_only):
        raise AssertionError("\n".join(wrong))


class Proof:
    """`counts` is what actually happened in the examples."""

    def __init__(self, account: Account, database_url: str, ending: Ending = in_the_end) -> None:
        self.counts: Counter[str] = Counter()
        self._account = account
        self._database_url = database_url
        self._ending = ending

    async def of(self, numbers: range, style: Style) -> None:
        """Play the programs with these numbers; a failed one is reported without its unneeded operations."""
        for number in numbers:
            program: Program = Chance(number, style).program()
            try:
                self.counts.update(await self._example(program))
            except Exception as error:
                program = await self._smaller(program)
                error.add_note(f"Example {number} needs no more than {program}: {await self._failure(program)}")
                raise

    async def _example(self, program: Program) -> Counter[str]:
        self._account.start_again(stale_bodies=len(program) % 3 == 0)
        database, transport = Database.connect(self._database_url, name="test", pool_size=2), WatchedTransport()
        await database.run(EMPTY)
        player = Player(self._account, database, self._database_url, transport)
        try:
            await player.play(program)
            await self._ending(player)
        finally:
            await player.close()
            await database.close()
            await transport.finish()
        return player.counts + Counter(examples=1)

    async def _failure(self, program: Program) -> str:
        """What is wrong in the end; empty when the example succeeds."""
        try:
            await self._example(program)
        except Exception as error:  # noqa: BLE001 - any failure is the one that is searched for
            return "".join(traceback.format_exception_only(error))
        return ""

    async def _smaller(self, program: Program) -> Program:
        position = 0
        while position < len(program):
            shorter = [*program[:position], *program[position + 1 :]]
            if await self._failure(shorter):
                program = shorter
            else:
                position += 1
        return program
