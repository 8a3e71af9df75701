"""What the resolvers of one request share: never a database session, because sibling fields run concurrently."""

from dataclasses import dataclass, field

from core.database import Database
from models.stages import StageNames
from resolvers.loaders import Loaders
from resolvers.viewer import Viewer


@dataclass(slots=True)
class RequestContext:
    """One per request: loaders cache, and would return outdated rows to the next request."""

    database: Database
    viewer: Viewer
    request_id: str
    # Those of a new run.
    stages: StageNames
    sync_interval_seconds: int
    loaders: Loaders = field(init=False)

    def __post_init__(self) -> None:
        self.loaders = Loaders(self.database)
