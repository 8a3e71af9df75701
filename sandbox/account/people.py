"""Companies and contacts, created when a deal needs them."""

from collections import defaultdict
from random import Random

from sandbox.account import names
from sandbox.account.account import Account
from sandbox.account.object_types import COMPANIES, CONTACTS
from sandbox.account.owners import ACTIVE_OWNERS
from sandbox.account.records import Record
from sandbox.account.timestamps import DAY_MS

CONTACT_TO_PRIMARY_COMPANY = 1
# A new company for every third deal; the other deals belong to existing companies.
NEW_COMPANY_SHARE = 0.35
# Share of the contacts of deals without a company whose e-mail address has the domain of an existing company.
BUSINESS_MAIL_SHARE = 0.6


class People:
    """Chooses or creates the companies and contacts of deals."""

    def __init__(self, account: Account, rng: Random) -> None:
        self._account = account
        self._rng = rng
        self._companies: list[int] = []
        self._contacts: dict[int, list[int]] = defaultdict(list)

    def company(self, created_ms: int) -> Record:
        if not self._companies or self._rng.random() < NEW_COMPANY_SHARE:
            return self._new_company(created_ms)
        return self._account.table(COMPANIES)[self._rng.choice(self._companies)]

    def contacts(self, company: Record | None, created_ms: int) -> list[int]:
        """The ids of one to three contacts; contacts of a company recur in its deals."""
        wanted = self._rng.choice((1, 1, 1, 2, 2, 3))
        known = [] if company is None else self._contacts[company.id]
        chosen = self._rng.sample(known, min(len(known), self._rng.randint(0, wanted)))
        return [*chosen, *(self._new_contact(company, created_ms) for _ in range(wanted - len(chosen)))]

    def _new_company(self, created_ms: int) -> Record:
        rng = self._rng
        name = names.company_name(rng)
        domain = names.domain_of(name, len(self._companies) + 1, rng)
        city, country = rng.choice(names.PLACES)
        properties = {
            "name": name,
            "domain": domain,
            "website": f"https://www.{domain}",
            "city": city,
            "country": country,
            "industry": rng.choice(names.INDUSTRIES),
            "numberofemployees": str(rng.choice((4, 18, 60, 240, 900, 5_200))),
            "hubspot_owner_id": str(rng.choice(ACTIVE_OWNERS).id),
            "hs_object_source": "CRM_UI",
        }
        earlier = created_ms - rng.randint(0, 3 * DAY_MS)
        company = self._account.insert(COMPANIES, properties, created_ms=earlier)
        self._companies.append(company.id)
        return company

    def _new_contact(self, company: Record | None, created_ms: int) -> int:
        rng = self._rng
        first, last = rng.choice(names.FIRST_NAMES), rng.choice(names.LAST_NAMES)
        properties = {
            "firstname": first,
            "lastname": last,
            "email": f"{names.mailbox(first, last)}.{rng.randint(10, 99_999)}@{self._mail_domain(company)}",
            "jobtitle": rng.choice(names.JOB_TITLES),
            "phone": f"+44 20 7946 {rng.randint(0, 999):04}",
            "lifecyclestage": "opportunity",
            "hs_object_source": "CRM_UI",
        }
        contact = self._account.insert(CONTACTS, properties, created_ms=created_ms - rng.randint(0, DAY_MS))
        if company is not None:
            self._account.associations.add(CONTACT_TO_PRIMARY_COMPANY, contact.id, company.id)
            self._contacts[company.id].append(contact.id)
        return contact.id

    def _mail_domain(self, company: Record | None) -> str:
        """Often an existing company's domain for a contact without a company: the association is missing."""
        if company is None and self._companies and self._rng.random() < BUSINESS_MAIL_SHARE:
            company = self._account.table(COMPANIES)[self._rng.choice(self._companies)]
        domain = company.get("domain") if company else None
        return domain or self._rng.choice(names.FREE_MAIL_DOMAINS)
