"""The stage `deduplicate`: finds other open deals that may be the same deal, entered twice."""
