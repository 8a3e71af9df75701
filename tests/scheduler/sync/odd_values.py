"""Records of HubSpot in which any values are replaced by any JSON."""

import json

from hypothesis import strategies as st

from crm.properties import PROPERTIES
from tests.completeness.account import Account

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(), max_size=12),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)
extreme = st.sampled_from(
    [
        *("1,800.00", "1e999", "1" * 40, "0." + "3" * 60, "-0"),
        *("0001-01-01", "9999-12-31T23:59:59.999999Z", "10000-01-01", "-62135596800000", "infinity", "-infinity"),
        *("\0", "\ud83d", "a\udc00b", "\\u0000", "[redacted]", ""),
    ]
)
odd_properties = st.dictionaries(st.sampled_from(PROPERTIES), anything | extreme, max_size=len(PROPERTIES))


def odd(small: Account, identifier: str, field: str, value: object) -> None:
    """From now on HubSpot sends the deal with this value, which may be one that no JSON library writes."""
    text = value if isinstance(value, JsonText) else json.dumps(value)
    small.fault("odd_value", record=identifier, field=field, value=text, times=None)


class JsonText(str):
    """JSON as it is sent."""

    __slots__ = ()
