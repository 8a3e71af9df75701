"""The domain of an e-mail address, by which the company of its owner is found."""


def domain_of(email: str | None) -> str | None:
    """In lower case; None when the text is not an address.

    >>> domain_of("Ada@Analytical-Engines.example"), domain_of("ada@localhost")
    ('analytical-engines.example', None)
    """
    mailbox, at, domain = (email or "").strip().lower().rpartition("@")
    plausible = mailbox and at and "." in domain.strip(".") and not any(character.isspace() for character in domain)
    return domain if plausible else None
