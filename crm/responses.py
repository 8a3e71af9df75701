"""The structure of HubSpot's responses. Fields that are not listed here are ignored; HubSpot may add more."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    NonNegativeInt,
    ValidationError,
)
from pydantic.alias_generators import to_camel

from crm.errors import BadResponse

# PostgreSQL stores no NUL characters, and they never carry a meaning.
Text = Annotated[str, AfterValidator(lambda text: text.replace("\0", ""))]


def _as_record(value: object) -> object:
    """An entry of a page that is no record is one without an id: it is rejected alone, not with its page."""
    return value if isinstance(value, dict) else {"entry": value}


def _or_none(value: object) -> object:
    return None if value == "" else value


class ResponseModel(BaseModel):
    """HubSpot sends ids as text in some places and as numbers in others; here they are text."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, coerce_numbers_to_str=True)


class Cursor(ResponseModel):
    """`link` is omitted on purpose: it is an absolute URL, and the token must not be sent there."""

    after: str


class Paging(ResponseModel):
    next: Cursor | None = None


class Records(ResponseModel):
    """A page of raw records; each is parsed separately, so that one invalid record does not affect the others."""

    results: list[Annotated[dict[str, Any], BeforeValidator(_as_record)]]


class RecordPage(Records):
    paging: Paging | None = None

    @property
    def following(self) -> Cursor | None:
        """Where the next page begins, if HubSpot announces one."""
        return self.paging.next if self.paging else None


class SearchResults(RecordPage):
    total: NonNegativeInt


class Owner(ResponseModel):
    id: str
    email: Text | None = None
    first_name: Text | None = None
    last_name: Text | None = None
    archived: bool = False

    @property
    def name(self) -> str:
        """The owner's name, else the e-mail address, else the id."""
        full = f"{self.first_name or ''} {self.last_name or ''}".strip()
        return full or self.email or self.id


class Owners(ResponseModel):
    results: list[Owner]
    paging: Paging | None = None


class StageMetadata(ResponseModel):
    """HubSpot sends both as text; a stage of an old pipeline may lack either."""

    probability: Annotated[Decimal | None, BeforeValidator(_or_none)] = None
    is_closed: Annotated[bool | None, BeforeValidator(_or_none)] = None


class DealStage(ResponseModel):
    id: str
    label: Text
    metadata: StageMetadata = StageMetadata()

    @property
    def probability(self) -> Decimal | None:
        """Between 0 and 1."""
        return self.metadata.probability

    @property
    def is_closed(self) -> bool:
        """Won or lost; where HubSpot does not report it, a stage with a probability of 0 or 1 is closed."""
        if self.metadata.is_closed is not None:
            return self.metadata.is_closed
        return self.probability in (Decimal(0), Decimal(1))

    @property
    def is_won(self) -> bool:
        return self.is_closed and self.probability == 1

    @property
    def is_lost(self) -> bool:
        return self.is_closed and self.probability == 0


class DealPipeline(ResponseModel):
    id: str
    label: Text
    stages: list[DealStage] = []


class DealPipelines(ResponseModel):
    results: list[DealPipeline]


class Option(ResponseModel):
    value: Text


class PropertyDefinition(ResponseModel):
    """`type` is HubSpot's: string, number, date, datetime, enumeration, bool, ..."""

    name: str
    label: Text = ""
    type: str = "string"
    options: list[Option] = []


class PropertyDefinitions(ResponseModel):
    results: list[PropertyDefinition]


class ValidationRule(ResponseModel):
    """A rule that an admin has set for a property's values; the arguments depend on the type of rule."""

    rule_type: str
    rule_arguments: list[Text] = []


class PropertyRules(ResponseModel):
    property_name: str
    property_validation_rules: list[ValidationRule] = []


class ValidationRules(ResponseModel):
    results: list[PropertyRules]


class TimeZone(ResponseModel):
    """`time_zone` is a name of the tz database; None when HubSpot sends anything but text."""

    time_zone: Annotated[Text | None, BeforeValidator(lambda value: value if isinstance(value, str) else None)] = None


class AccountDetails(TimeZone):
    """The day of the daily limit begins at midnight in the account's time zone."""

    portal_id: str
    company_currency: Text | None = None


class TokenInfo(ResponseModel):
    scopes: list[str]


class DailyUsage(ResponseModel):
    """Today's calls of the whole account."""

    current_usage: NonNegativeInt
    usage_limit: NonNegativeInt
    resets_at: AwareDatetime | None = None


class DailyUsages(ResponseModel):
    results: list[DailyUsage]


class InlineRecord(ResponseModel):
    id: Text


class InlinePage(ResponseModel):
    results: list[InlineRecord] = []
    paging: Paging | None = None


class InlineAssociations(ResponseModel):
    """Of a single record; HubSpot omits types without associations, and the whole field when there are none."""

    associations: dict[str, InlinePage] = {}


class AssociationType(ResponseModel):
    type_id: int


class AssociatedRecord(ResponseModel):
    to_object_id: Text
    association_types: list[AssociationType] = []


class AssociationSource(ResponseModel):
    id: str


class AssociationsOfOne(ResponseModel):
    """`source` is `from` in the response, which is a Python keyword."""

    model_config = ConfigDict(alias_generator=lambda name: "from" if name == "source" else to_camel(name))

    source: AssociationSource
    to: list[AssociatedRecord] = []


class AssociationResults(ResponseModel):
    """HubSpot omits a record without associations and lists it in `errors` with status 207, which is not an error."""

    results: list[AssociationsOfOne]


Response = TypeVar("Response", bound=BaseModel)


def read(response_type: type[Response], body: Mapping[str, Any]) -> Response:
    """The body as that type; BadResponse names the first field that does not match."""
    try:
        return response_type.model_validate(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise BadResponse(
            f"HubSpot's response does not have the documented structure: {place}: {first['msg']}."
        ) from None
