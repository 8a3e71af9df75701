"""Domains of which an address says nothing about its owner's company."""

FREE_MAIL = frozenset({
    "163.com", "aol.com", "bigpond.com", "btinternet.com", "comcast.net", "duck.com", "fastmail.com", "free.fr",
    "freenet.de", "gmail.com", "gmx.at", "gmx.ch", "gmx.com", "gmx.de", "gmx.net", "googlemail.com", "hey.com",
    "hotmail.co.uk", "hotmail.com", "hotmail.de", "hotmail.fr", "hotmail.it", "icloud.com", "laposte.net",
    "libero.it", "live.com", "mac.com", "mail.com", "mail.ru", "me.com", "msn.com", "naver.com", "orange.fr",
    "outlook.com", "outlook.de", "outlook.fr", "proton.me", "protonmail.com", "qq.com", "rediffmail.com", "seznam.cz",
    "sky.com", "t-online.de", "tutanota.com", "verizon.net", "web.de", "wp.pl", "yahoo.co.in", "yahoo.co.jp",
    "yahoo.co.uk", "yahoo.com", "yahoo.de", "yahoo.fr", "yandex.com", "yandex.ru", "ymail.com", "zoho.com",
})  # fmt: skip


def business_domain(email: str | None) -> str | None:
    """The domain of a business address; None for a free-mail one and for what is no address.

    >>> business_domain("Ada@Analytical-Engines.example"), business_domain("ada@gmail.com")
    ('analytical-engines.example', None)
    """
    mailbox, at, domain = (email or "").strip().lower().rpartition("@")
    plausible = mailbox and at and "." in domain.strip(".") and not any(character.isspace() for character in domain)
    return domain if plausible and domain not in FREE_MAIL else None
