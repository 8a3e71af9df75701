"""WHAT EACH ROUTE DOES: the handlers, one module for each part of HubSpot's API.

routing.py maps paths to handlers; endpoints.py surrounds every handler with what all routes share.
"""
