"""The steps by which the reconciler moves the world toward what the rows of an endpoint want."""
