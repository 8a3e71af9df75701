"""What Strawberry hands to a resolver."""

import strawberry

from resolvers.context import Context

Info = strawberry.Info[Context, None]
