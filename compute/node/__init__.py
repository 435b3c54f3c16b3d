"""The compute node: takes jobs of its cluster and runs each under a runner of its own.

It knows the studio by its address and a token only: no database, no Django. `python -m compute.node` starts one.
"""
