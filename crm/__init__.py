"""The HubSpot edge: all that knows HubSpot's paths, response formats, rate limits and errors. Imports core only."""
