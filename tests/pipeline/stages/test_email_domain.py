"""The domain of an e-mail address is read in lower case; a text that is not an address has none."""

import pytest

from pipeline.stages.email_domain import domain_of


@pytest.mark.parametrize(
    ("email", "domain"),
    [
        ("ada@engines.example", "engines.example"),
        (" Ada@ENGINES.example ", "engines.example"),
        ('"a@b"@engines.example', "engines.example"),
        ("ada@GMX.de", "gmx.de"),
        ("ada", None),
        ("@engines.example", None),
        ("ada@localhost", None),
        ("ada@.", None),
        ("ada@two words.example", None),
        ("", None),
        (None, None),
    ],
)
def test_the_domain_is_that_of_an_address(email: str | None, domain: str | None) -> None:
    assert domain_of(email) == domain
