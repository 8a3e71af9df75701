"""The validation rules that the account's admins have set in HubSpot, applied to the values that the deal has.

HubSpot enforces a rule when a value is saved, for write-back as well, and does not check the values saved before.
Names and arguments: HubSpot's property validations guide. A rule that is not understood is reported as not checked.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Annotated

from pydantic import StringConstraints, TypeAdapter, ValidationError
from pydantic_core import SchemaError

from crm.records import MOST_DIGITS, parse_instant, parse_number
from crm.responses import ValidationRule
from pipeline.stages.account_days import AccountDays
from pipeline.stages.findings import Issue
from pipeline.stages.redaction import REDACTED


def issues(
    properties: Mapping[str, str | None], rules: Mapping[str, Sequence[ValidationRule]], days: AccountDays
) -> Iterator[Issue]:
    for name, of_property in rules.items():
        if name not in properties:
            yield _unchecked(name, f"HubSpot has rules for {name}, a property that is not read.")
        elif properties[name] == REDACTED:
            yield _unchecked(name, f"HubSpot has rules for {name}, whose values are redacted by the rules file.")
        elif value := properties[name]:
            for rule in of_property:
                yield from _apply(name, value, rule, days)


def _apply(name: str, value: str, rule: ValidationRule, days: AccountDays) -> Iterator[Issue]:
    shown = f"{rule.rule_type} {', '.join(rule.rule_arguments)}".strip()
    try:
        argument = rule.rule_arguments[0]
        if compare := DAY_CHECKS.get(rule.rule_type):
            passes = compare(days.of_value(name, value), parse_instant(argument).date())
        else:
            passes = CHECKS[rule.rule_type](value, argument)
    except (KeyError, IndexError, ValueError, SchemaError):
        yield _unchecked(name, f"HubSpot's rule {shown} for {name} is not supported; it was not checked.")
    else:
        if not passes:
            yield Issue(
                "account_rule",
                f"The value of {name} breaks the rule {shown} that the account's admins have set.",
                name,
                reported_as=f"account_{rule.rule_type.lower()}",
            )


def _unchecked(name: str, message: str) -> Issue:
    return Issue("account_rule_unchecked", message, name)


def _numbers(compare: Callable[[Decimal, Decimal], bool]) -> Callable[[str, str], bool]:
    return lambda value, argument: compare(parse_number(value), parse_number(argument))


def _lengths(compare: Callable[[int, int], bool]) -> Callable[[str, str], bool]:
    return lambda value, argument: compare(len(value), int(argument))


def _instants(compare: Callable[[datetime, datetime], bool]) -> Callable[[str, str], bool]:
    return lambda value, argument: compare(parse_instant(value), parse_instant(argument))


def _decimal_places(value: str, argument: str) -> bool:
    number = parse_number(value)
    if len(value) > MOST_DIGITS:
        # The exact value of a binary fraction; HubSpot has checked the shortest number that is stored so.
        number = Decimal(repr(float(value)))
    return -int(number.normalize().as_tuple().exponent) <= int(argument)


def _alphanumeric(value: str, argument: str) -> bool:
    """HubSpot documents no other argument."""
    if argument != "NUMERIC_ONLY":
        raise ValueError(argument)
    return value.isascii() and value.isdigit()


def _matches(value: str, argument: str) -> bool:
    """False only when no part matches: HubSpot does not document whether the whole value must match."""
    try:
        _pattern(argument).validate_python(value)
    except ValidationError:
        return False
    return True


@lru_cache(maxsize=256)
def _pattern(argument: str) -> TypeAdapter[str]:
    """pydantic's regex engine takes time linear in the length of the value for every pattern; `re` does not."""
    return TypeAdapter(Annotated[str, StringConstraints(pattern=argument)])


# (value, first argument) -> whether the value passes; ValueError when the rule cannot be applied.
CHECKS: Mapping[str, Callable[[str, str], bool]] = {
    "MIN_NUMBER": _numbers(Decimal.__ge__),
    "MAX_NUMBER": _numbers(Decimal.__le__),
    "MIN_LENGTH": _lengths(int.__ge__),
    "MAX_LENGTH": _lengths(int.__le__),
    "START_DATETIME": _instants(datetime.__ge__),
    "END_DATETIME": _instants(datetime.__le__),
    "DECIMAL": _decimal_places,
    "ALPHANUMERIC": _alphanumeric,
    "REGEX": _matches,
}
# (the value's day, the argument's day) -> whether the value passes; the argument is a day, whatever the zone.
DAY_CHECKS: Mapping[str, Callable[[date, date], bool]] = {"START_DATE": date.__ge__, "END_DATE": date.__le__}
