"""Webhooks: what an address is told, by whom it was asked for, and how the telling is kept up until it arrives.

`workspaces.events.emit` writes a delivery; `delivery` sends what is due and writes down what came of it, woken by a
task or by `reconcile`; `request` is one signed request. `operations` and `queries` are for people.
"""
