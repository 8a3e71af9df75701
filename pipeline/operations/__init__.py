"""Every write that a person can ask for: one transaction and one audit row each, done or refused with a reason."""
