"""HUBSPOT, SIMULATED: a HubSpot CRM API on loopback, for demonstration, development and tests.

app.py     the composition root
routes/    what each route does
search/    how records are found
faults/    what goes wrong on request
http/      the HTTP layer
account/   what the account holds, and what creates and changes it
config.py  the behaviour that a test can change while the sandbox runs

Each imports only what is listed below it; search/ and faults/ do not import each other.

What it imitates, from which sources, and its known deviations: docs/sandbox.md.
"""

# Not a secret: the sandbox listens on loopback only and holds invented data.
SANDBOX_TOKEN = "pat-sandbox-local-only"  # noqa: S105 - documented, good for the sandbox only
