"""Data: where files lie (datastores), and named, versioned choices of them (datasets).

`stores` opens a datastore, `choosing` turns paths into a version's list of files, `operations` and `queries` are as
everywhere, `profiling` counts a table's columns in a process of its own, `runs` hands versions to runs as inputs.
"""
