"""The rate budget: how many calls HubSpot allows, which part of them we use, and when the next call may be made."""
