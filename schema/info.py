"""The `info` argument of resolvers, typed with this API's context."""

import strawberry

from resolvers.context import RequestContext

Info = strawberry.Info[RequestContext, None]
