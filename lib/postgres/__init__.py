"""Django's PostgreSQL backend, with what a request that takes a millisecond cannot afford taken out of it."""
