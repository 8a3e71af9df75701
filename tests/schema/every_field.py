"""A document that asks for every field of the schema, for the tests of what it can return."""

from graphql import GraphQLField, GraphQLObjectType, build_schema, get_named_type

from schema.execution import create_schema


def every_field(deal_id: int) -> str:
    """Of the first page of the queue, of one deal, and of every other query."""
    arguments = {
        "dealQueue": "(limit: 5)",
        "deal": f'(id: "{deal_id}")',
        "whereIs": f'(deal: "deal:{deal_id}")',
        "syncRejects": "(limit: 5)",
    }
    query = build_schema(create_schema().as_str()).query_type
    if query is None:
        raise AssertionError("The schema has queries")
    fields = (f"{name}{arguments.get(name, '')} {_selection(field)}" for name, field in query.fields.items())
    return f"{{ {' '.join(fields)} }}"


def _selection(of: GraphQLField) -> str:
    kind = get_named_type(of.type)
    if not isinstance(kind, GraphQLObjectType):
        return ""
    fields = (f"{name} {_selection(field)}" for name, field in kind.fields.items())
    return f"{{ {' '.join(fields)} }}"
