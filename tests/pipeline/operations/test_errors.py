"""The page of refusals names every refusal."""

import re

from pipeline.operations import errors
from pipeline.operations.errors import OperationRefused


def test_every_refusal_stands_on_one_page() -> None:
    """With what it means, and in the order of the classes; no other stands there."""
    listed = re.findall(r"^ \+- (\w+) +\S", errors.__doc__ or "", re.MULTILINE)
    assert listed == [refusal.__name__ for refusal in OperationRefused.__subclasses__()]
