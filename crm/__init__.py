"""The HubSpot edge: everything that knows HubSpot's addresses, shapes, limits and errors. Imports core only."""
