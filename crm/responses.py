"""The shapes of HubSpot's answers. What is not read here may be there or not; the release of the API may add to it."""

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

# PostgreSQL stores no NUL character, and nobody means one.
Text = Annotated[str, AfterValidator(lambda text: text.replace("\0", ""))]


def _or_none(value: object) -> object:
    return None if value == "" else value


class Shape(BaseModel):
    """HubSpot writes ids as text in some places and as numbers in others; here they are text."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, coerce_numbers_to_str=True)


class Cursor(Shape):
    """`link` is left out on purpose: it is an absolute URL, and the token must not follow it."""

    after: str


class Paging(Shape):
    next: Cursor | None = None


class Records(Shape):
    """A page of records as they came; each is read by itself, so that one broken record stops no other."""

    results: list[dict[str, Any]]


class SearchResults(Records):
    total: NonNegativeInt


class ListResults(Records):
    paging: Paging | None = None


class Owner(Shape):
    id: str
    email: Text | None = None
    first_name: Text | None = None
    last_name: Text | None = None
    archived: bool = False

    @property
    def name(self) -> str:
        """As people know the owner: the name, else the e-mail address, else the id."""
        full = f"{self.first_name or ''} {self.last_name or ''}".strip()
        return full or self.email or self.id


class Owners(Shape):
    results: list[Owner]
    paging: Paging | None = None


class StageMetadata(Shape):
    """HubSpot writes both as text; a stage of an old pipeline may lack either."""

    probability: Annotated[Decimal | None, BeforeValidator(_or_none)] = None
    is_closed: Annotated[bool | None, BeforeValidator(_or_none)] = None


class DealStage(Shape):
    id: str
    label: Text
    metadata: StageMetadata = StageMetadata()

    @property
    def probability(self) -> Decimal | None:
        """Between 0 and 1."""
        return self.metadata.probability

    @property
    def is_closed(self) -> bool:
        """Won or lost; where HubSpot does not say, a stage that is certain either way is closed."""
        if self.metadata.is_closed is not None:
            return self.metadata.is_closed
        return self.probability in (Decimal(0), Decimal(1))

    @property
    def is_won(self) -> bool:
        return self.is_closed and self.probability == 1

    @property
    def is_lost(self) -> bool:
        return self.is_closed and self.probability == 0


class DealPipeline(Shape):
    id: str
    label: Text
    stages: list[DealStage] = []


class DealPipelines(Shape):
    results: list[DealPipeline]


class Option(Shape):
    value: Text


class PropertyDefinition(Shape):
    """`type` is HubSpot's: string, number, date, datetime, enumeration, bool, ..."""

    name: str
    label: Text = ""
    type: str = "string"
    options: list[Option] = []
    external_options: bool = False


class PropertyDefinitions(Shape):
    results: list[PropertyDefinition]


class ValidationRule(Shape):
    """What an admin demands of a property's values; the arguments depend on the type of rule."""

    rule_type: str
    rule_arguments: list[Text] = []


class PropertyRules(Shape):
    property_name: str
    property_validation_rules: list[ValidationRule] = []


class ValidationRules(Shape):
    results: list[PropertyRules]


class Account(Shape):
    """`time_zone` is a name as of the tz database; the day of the daily limit begins at its midnight."""

    portal_id: str
    time_zone: Text | None = None
    company_currency: Text | None = None


class TokenInfo(Shape):
    scopes: list[str]


class DailyUsage(Shape):
    """Calls of today, of the whole account."""

    current_usage: NonNegativeInt
    usage_limit: NonNegativeInt
    resets_at: AwareDatetime | None = None


class DailyUsages(Shape):
    results: list[DailyUsage]


class InlineRecord(Shape):
    id: str


class InlinePage(Shape):
    results: list[InlineRecord] = []
    paging: Paging | None = None


class InlineAssociations(Shape):
    """Of a single record; a type without any is left out, and so is the whole when there are none."""

    associations: dict[str, InlinePage] = {}


class Version(Shape):
    """A value that a property has had since `timestamp`."""

    value: Text | None = None
    timestamp: Text | None = None


class History(Shape):
    """Of the properties whose history was asked for; newest first."""

    properties_with_history: dict[str, list[Version]] = {}


class AssociationType(Shape):
    type_id: int


class AssociatedRecord(Shape):
    to_object_id: str
    association_types: list[AssociationType] = []


class AssociationSource(Shape):
    id: str


class AssociationsOfOne(Shape):
    """`from` is a word of the language."""

    model_config = ConfigDict(alias_generator=lambda name: "from" if name == "source" else to_camel(name))

    source: AssociationSource
    to: list[AssociatedRecord] = []


class AssociationResults(Shape):
    """A record without any association is missing here and named in `errors`, under status 207: that is no error."""

    results: list[AssociationsOfOne]


Read = TypeVar("Read", bound=BaseModel)


def read(shape: type[Read], body: Mapping[str, Any]) -> Read:
    """The body in that shape; BadResponse says which part of it is not."""
    try:
        return shape.model_validate(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise BadResponse(f"HubSpot's answer is not of the documented shape: {place}: {first['msg']}.") from None
