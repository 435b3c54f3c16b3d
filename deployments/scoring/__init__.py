"""The scoring server: a program that answers for one model, in the model's own environment.

It runs far from the studio (another interpreter, another user, no secrets), so this package imports nothing of the
studio, and of the model's environment only what the model itself needs.
"""
