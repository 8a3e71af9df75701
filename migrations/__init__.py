"""How the database comes to look as models/ declares it."""
