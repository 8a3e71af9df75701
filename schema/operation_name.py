"""A document with several operations needs an operation name."""

from collections.abc import Iterator

from graphql import GraphQLError, OperationDefinitionNode
from strawberry.extensions import SchemaExtension

from schema.errors import Code


class RequireOperationName(SchemaExtension):
    """Refuses a document of several operations when the request names none; Strawberry would run the first."""

    def on_parse(self) -> Iterator[None]:
        yield
        context = self.execution_context
        if context._provided_operation_name is not None or context.graphql_document is None:  # noqa: SLF001 - see above
            return
        definitions = context.graphql_document.definitions
        if sum(isinstance(definition, OperationDefinitionNode) for definition in definitions) > 1:
            raise GraphQLError(
                "The document has several operations; name one of them in `operationName`.",
                extensions={"code": Code.OPERATION_RESOLUTION_FAILURE},
            )
