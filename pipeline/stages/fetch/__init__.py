"""The stage `fetch`: reads the deal and its associated records from HubSpot, in batches where several deals wait."""
