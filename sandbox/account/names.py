"""Invented names of companies, people, products and deals: ordinary, foreign and hostile."""

import unicodedata
from random import Random

FIRST_NAMES = (
    "Adaeze", "Björn", "Chloé", "Dmitri", "Elif", "Fatima", "Gábor", "Hannah", "Ines", "João", "Katarzyna", "Liam",
    "Mei", "Niamh", "Oluwaseun", "Pádraig", "Quentin", "Rosa", "Siobhán", "Tomáš", "Uma", "Võ", "Wanjiru", "Xiomara",
    "Yusuf", "Zoë",
)  # fmt: skip
LAST_NAMES = (
    "Andersen", "Bianchi", "Çelik", "Duarte", "Eriksson", "Fernández", "García", "Hughes", "Ito", "Jansen", "Kowalski",
    "Le Goff", "Müller", "Nwosu", "O'Brien", "Petrov", "Quinn", "Rossi", "Šimić", "Thompson", "Ueda", "Vasquez",
    "Wójcik", "Y\u0131lmaz", "Zhang", "van der Berg",
)  # fmt: skip
COMPANY_HEADS = (
    "Alder", "Beacon", "Cobalt", "Drift", "Ember", "Fjord", "Granite", "Harbour", "Iron Oak", "Juniper", "Kestrel",
    "Lumen", "Meridian", "Northgate", "Orchard", "Pinecone", "Quarry", "Redwood", "Saltmarsh", "Tidewater", "Umbra",
    "Vantage", "Willow", "Yarrow", "Zenith", "Ångström", "Żuraw", "Étoile", "Müller & Söhne", "Ç\u0131nar",
)  # fmt: skip
COMPANY_TAILS = (
    "Analytics", "Biotech", "Capital", "Dental Group", "Energy", "Foods", "Freight", "Health", "Insurance",
    "Labs", "Logistics", "Manufacturing", "Media", "Networks", "Partners", "Robotics", "Software", "Systems",
)  # fmt: skip
COMPANY_FORMS = ("", "", " Inc", " Ltd", " GmbH", " AB", " S.A.", " sp. z o.o.", " LLC")
TOP_LEVEL_DOMAINS = ("example", "example.com", "example.org", "example.net")
INDUSTRIES = ("BIOTECHNOLOGY", "COMPUTER_SOFTWARE", "FINANCIAL_SERVICES", "LOGISTICS_AND_SUPPLY_CHAIN", "RETAIL")
PLACES = (("Bristol", "United Kingdom"), ("Gdańsk", "Poland"), ("Lyon", "France"), ("Malmö", "Sweden"))
JOB_TITLES = ("Head of Operations", "CFO", "Procurement Manager", "IT Director", "Founder", "Plant Manager")
FREE_MAIL_DOMAINS = ("gmail.com", "outlook.com", "gmx.de", "yahoo.co.uk")

# Name, list price.
PRODUCTS = (
    ("Platform licence, annual", 12_000),
    ("Platform licence, monthly", 1_150),
    ("Onboarding package", 3_500),
    ("Premium support", 4_800),
    ("Additional seats (10)", 2_200),
    ("Data migration", 6_400),
    ("Training day", 1_400),
    ("API access", 2_950),
    ("Sandbox environment", 900),
    ("Security review", 5_250),
)
SUBJECTS = (
    "platform rollout", "annual licence", "renewal", "pilot", "expansion", "additional seats", "data migration",
    "premium support", "framework agreement", "proof of concept",
)  # fmt: skip
NEXT_STEPS = (
    "Send revised quote", "Call procurement", "Legal review", "Book demo with the team", "Wait for budget approval",
    "Intro to the sponsor", "Collect security questionnaire",
)  # fmt: skip
LOST_REASONS = ("Price", "Chose a competitor", "No budget this year", "No decision", "Went silent")

# Names that reach a CRM through forms, imports and copied e-mails. Code that stores or shows names must handle these.
HOSTILE_NAMES = (
    "<script>alert('deal')</script> rollout",
    "<b>URGENT</b> & <i>important</i> renewal",
    "<img src=x onerror=alert(1)>",
    "Robert'); DROP TABLE deals;--",
    "株式会社ナカムラ 年間ライセンス",
    "شركة النور - تجديد سنوي",
    "Grüße aus Köln \u2013 Rahmenvertrag \u201cGröße XL\u201d",
    "🚀🚀 Q4 push 👩‍💻 expansion",
    "   padded on both sides   ",
    "=HYPERLINK(\"http://example.com\",\"click\")",
    "1234567890",
    "Zero\u200bwidth\u200bspaces pilot",
    "Line\nbreak and\ttab",
    "null",
)  # fmt: skip
_LONG = "Master services agreement covering every subsidiary, all regions and the optional extensions of "


def company_name(rng: Random) -> str:
    return f"{rng.choice(COMPANY_HEADS)} {rng.choice(COMPANY_TAILS)}{rng.choice(COMPANY_FORMS)}"


def domain_of(company: str, number: int, rng: Random) -> str:
    """A reserved domain (RFC 2606), to which no e-mail can be delivered."""
    return f"{_ascii(company)[:24].strip('-')}-{number}.{rng.choice(TOP_LEVEL_DOMAINS)}"


def mailbox(first: str, last: str) -> str:
    return f"{_ascii(first)}.{_ascii(last)}"


def deal_name(company: str | None, rng: Random) -> str:
    """Usually `Company - subject`; one in 40 is hostile, one in 80 has several hundred characters."""
    draw = rng.random()
    if draw < 0.025:
        return rng.choice(HOSTILE_NAMES)
    subject = rng.choice(SUBJECTS)
    if draw < 0.0375:
        return f"{_LONG * rng.randint(3, 6)}{company or 'the customer'} ({subject})"
    return f"{company} - {subject}" if company else subject.capitalize()


def near_name(name: str, rng: Random) -> str:
    """The name under which another person enters the same deal."""
    variants = (
        f"{name} (copy)",
        name.upper(),
        name.replace(" - ", " \u2013 "),
        f"{name} 2",
        _typo(name, rng),
        name.replace(" Ltd", " Limited").replace(" Inc", ", Inc."),
    )
    return rng.choice(variants)


def _typo(name: str, rng: Random) -> str:
    """Two neighbouring characters swapped."""
    if len(name) < 4:
        return f"{name}."
    index = rng.randrange(1, len(name) - 2)
    return f"{name[:index]}{name[index + 1]}{name[index]}{name[index + 2 :]}"


def _ascii(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return "-".join("".join(char if char.isalnum() else " " for char in plain).split()) or "x"
