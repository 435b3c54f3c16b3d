"""Pages of experiments and runs, one file a noun."""
