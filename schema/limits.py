"""Limits of one document. Each fragment is measured once, so that measuring takes no longer than parsing.

Strawberry's own depth and alias limiters walk a fragment again for each of its spreads: twenty fragments that each
spread the next one twice block the event loop for seconds.
"""

from functools import reduce
from typing import Any, NamedTuple

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLField,
    GraphQLNamedType,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    ValidationRule,
    get_named_type,
    get_nullable_type,
    is_list_type,
)

from resolvers.queue import MAX_LIMIT

# GraphiQL's introspection has 200 tokens, the page's document 60.
MAX_TOKENS = 1_000
# The deepest path of the schema is 6 fields long.
MAX_DEPTH = 10
MAX_ALIASES = 30
# Values in the response. All fields of the schema, each once, for a page of 200 deals are 98,000.
MAX_COST = 120_000
# Assumed for a list without a `limit`: a run has six stages, and a deal rarely has more runs than that.
USUAL_LENGTH = 6

_INTROSPECTION = frozenset({"__schema", "__type"})


class Measure(NamedTuple):
    """The size of a part of a document. `cost` is the number of values it can return, lists included."""

    depth: int = 0
    aliases: int = 0
    cost: int = 0


def _beside(one: Measure, other: Measure) -> Measure:
    return Measure(max(one.depth, other.depth), one.aliases + other.aliases, one.cost + other.cost)


class LimitRule(ValidationRule):
    """Refuses a document that is too deep, has too many aliases or selects too many values. Introspection is free."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._measured: dict[tuple[str, int | None], Measure] = {}

    def enter_operation_definition(self, node: OperationDefinitionNode, *_: Any) -> None:
        root = self.context.schema.get_root_type(node.operation)
        found = self._selections(node.selection_set, root, None)
        for words, value, most in (
            ("is {} levels deep", found.depth, MAX_DEPTH),
            ("has {} aliases", found.aliases, MAX_ALIASES),
            ("selects up to {} values", found.cost, MAX_COST),
        ):
            if value > most:
                message = f"This operation {words.format(_shown(value))}; {most} are allowed. Split it into several."
                self.report_error(GraphQLError(message, node))

    def _selections(self, node: SelectionSetNode, parent: GraphQLNamedType | None, page: int | None) -> Measure:
        return reduce(_beside, (self._selection(selection, parent, page) for selection in node.selections), Measure())

    def _selection(self, node: SelectionNode, parent: GraphQLNamedType | None, page: int | None) -> Measure:
        """`page` is the `limit` of a field above whose list has not been reached yet."""
        if isinstance(node, FragmentSpreadNode):
            return self._fragment(node.name.value, page)
        if isinstance(node, InlineFragmentNode):
            on = node.type_condition
            return self._selections(node.selection_set, self._type(on.name.value) if on else parent, page)
        return self._field(node, parent, page) if isinstance(node, FieldNode) else Measure()

    def _fragment(self, name: str, page: int | None) -> Measure:
        key = (name, page)
        fragment = self.context.get_fragment(name)
        if key not in self._measured and fragment:
            # GraphQL's own rule refuses a fragment that spreads itself; here it counts once.
            self._measured[key] = Measure()
            on = self._type(fragment.type_condition.name.value)
            self._measured[key] = self._selections(fragment.selection_set, on, page)
        return self._measured.get(key, Measure())

    def _field(self, node: FieldNode, parent: GraphQLNamedType | None, page: int | None) -> Measure:
        if node.name.value in _INTROSPECTION:
            return Measure()
        definition: GraphQLField | None = getattr(parent, "fields", {}).get(node.name.value)
        within, times = Measure(), 1
        if definition and "limit" in definition.args:
            page = _limit(node)
        elif definition and is_list_type(get_nullable_type(definition.type)):
            times, page = page or USUAL_LENGTH, None
        if node.selection_set:
            within = self._selections(node.selection_set, get_named_type(definition.type) if definition else None, page)
        return Measure(within.depth + 1, within.aliases + (node.alias is not None), times * (within.cost + 1))

    def _type(self, name: str) -> GraphQLNamedType | None:
        return self.context.schema.get_type(name)


def _limit(node: FieldNode) -> int:
    """The literal in the document; a variable counts as the largest limit that is allowed."""
    for argument in node.arguments or ():
        if argument.name.value == "limit" and isinstance(argument.value, IntValueNode):
            return max(1, min(int(argument.value.value), MAX_LIMIT))
    return MAX_LIMIT


def _shown(number: int) -> str:
    return str(number) if number < 10**9 else "more than a billion"
