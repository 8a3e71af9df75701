"""Who may call: tokens, sign-in links, browser sessions and the check of each request's credential."""
