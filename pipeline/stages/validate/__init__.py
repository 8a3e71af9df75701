"""The stage `validate`: checks the deal against the built-in rules and those that the account's admins have set."""
