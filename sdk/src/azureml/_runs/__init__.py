"""What a run is made of: its metrics, its files, and a stand-in for scripts that run by themselves."""
