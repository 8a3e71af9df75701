"""Calculated properties: computed at each read, never stored (docs/sandbox.md)."""

from collections.abc import Callable, Mapping

from sandbox.account.associations import Associations
from sandbox.account.pipelines import STAGES, Stage
from sandbox.account.properties import format_amount, parse_number
from sandbox.account.records import Record
from sandbox.account.timestamps import DAY_MS, parse_timestamp

# Value of one unit in the account's home currency (USD); invented and constant.
EXCHANGE_RATES = {"USD": 1.0, "EUR": 1.08, "GBP": 1.27, "SEK": 0.094}

Calculation = Callable[[Record, Associations], str | None]


def _stage(deal: Record) -> Stage | None:
    return STAGES.get(deal.get("dealstage") or "")


def _flag(test: Callable[[Stage], bool]) -> Calculation:
    def calculate(deal: Record, _: Associations) -> str:
        stage = _stage(deal)
        return "true" if stage and test(stage) else "false"

    return calculate


def _amount(factor: Callable[[Stage], float]) -> Calculation:
    def calculate(deal: Record, _: Associations) -> str | None:
        amount, stage = parse_number(deal.get("amount") or ""), _stage(deal)
        return None if amount is None or stage is None else format_amount(amount * factor(stage))

    return calculate


def _count(target: str) -> Calculation:
    def calculate(record: Record, associations: Associations) -> str:
        return str(len(associations.of("deals", record.id, target)))

    return calculate


def _primary_company(source: str) -> Calculation:
    def calculate(record: Record, associations: Associations) -> str | None:
        company = associations.primary(source, record.id, "companies")
        return None if company is None else str(company)

    return calculate


def _probability(deal: Record, _: Associations) -> str | None:
    stage = _stage(deal)
    return None if stage is None else f"{stage.probability:g}"


def _exchange_rate(deal: Record, _: Associations) -> str:
    return f"{EXCHANGE_RATES.get(deal.get('deal_currency_code') or 'USD', 1.0):g}"


def _amount_in_home_currency(deal: Record, associations: Associations) -> str | None:
    amount = parse_number(deal.get("amount") or "")
    return None if amount is None else format_amount(amount * float(_exchange_rate(deal, associations)))


def _days_to_close(deal: Record, _: Associations) -> str | None:
    closed_ms = parse_timestamp(deal.get("closedate") or "")
    return None if closed_ms is None else str(max(0, (closed_ms - deal.created_ms) // DAY_MS))


def _net_price(item: Record, _: Associations) -> str | None:
    price, quantity = parse_number(item.get("price") or ""), parse_number(item.get("quantity") or "")
    if price is None or quantity is None:
        return None
    return format_amount((price - (parse_number(item.get("discount") or "") or 0)) * quantity)


CALCULATED: Mapping[tuple[str, str], Calculation] = {
    ("deals", "hs_is_closed"): _flag(lambda stage: stage.is_closed),
    ("deals", "hs_is_closed_won"): _flag(lambda stage: stage.is_won),
    ("deals", "hs_is_closed_lost"): _flag(lambda stage: stage.is_closed and not stage.is_won),
    ("deals", "hs_deal_stage_probability"): _probability,
    ("deals", "hs_projected_amount"): _amount(lambda stage: stage.probability),
    ("deals", "hs_forecast_amount"): _amount(lambda stage: stage.probability),
    ("deals", "hs_closed_amount"): _amount(lambda stage: 1.0 if stage.is_won else 0.0),
    ("deals", "amount_in_home_currency"): _amount_in_home_currency,
    ("deals", "hs_exchange_rate"): _exchange_rate,
    ("deals", "days_to_close"): _days_to_close,
    ("deals", "num_associated_contacts"): _count("contacts"),
    ("deals", "hs_num_of_associated_line_items"): _count("line_items"),
    ("deals", "num_notes"): _count("notes"),
    ("deals", "hs_primary_associated_company"): _primary_company("deals"),
    ("contacts", "associatedcompanyid"): _primary_company("contacts"),
    ("line_items", "amount"): _net_price,
}
