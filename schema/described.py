"""Resolvers with a description."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import strawberry

Resolver = TypeVar("Resolver", bound=Callable[..., Any])


def described(text: str) -> Callable[[Resolver], Resolver]:
    """`strawberry.field(description=...)` for a method, but typed: Strawberry's own decorator returns `Any`."""

    def field(resolver: Resolver) -> Resolver:
        return cast("Resolver", strawberry.field(resolver, description=text))

    return field
