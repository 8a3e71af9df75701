"""The companies of deals, contacts and domains: read from HubSpot for many deals at once, and remembered."""
