"""HUBSPOT, SIMULATED: a HubSpot CRM API on loopback, for demonstration, development and tests.

What it imitates, from which sources, and its known deviations: docs/sandbox.md.
"""

# Not a secret: the sandbox listens on loopback only and holds invented data.
SANDBOX_TOKEN = "pat-sandbox-local-only"  # noqa: S105 - documented, good for the sandbox only
