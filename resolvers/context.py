"""What one request's resolvers share: never a database session, because sibling fields run at the same time."""

from dataclasses import dataclass, field

from core.database import Database
from resolvers.loaders import Loaders
from resolvers.viewer import Viewer

# Key and label of each stage, in the order of running.
Stages = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Context:
    """Made anew for each request: loaders that outlived it would answer with yesterday's steps."""

    database: Database
    viewer: Viewer
    request_id: str
    stages: Stages
    sync_interval_seconds: int
    loaders: Loaders = field(init=False)

    def __post_init__(self) -> None:
        self.loaders = Loaders(self.database)
