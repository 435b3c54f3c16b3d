"""The front door: nginx, its configuration, and how routes to endpoints are changed while it runs.

An endpoint's routes are two files in `<home>/gateway/routes/`: `<name>.upstream.conf` at the level of http,
`<name>.location.conf` inside the server. Whoever wrote or removed one calls `reload(home)`. A location may
`include proxy.conf;` for the headers and timeouts that all routes share.
"""

from studio.gateway.configuration import GatewayError, Listening, write
from studio.gateway.server import reload, set_broken_routes_aside

__all__ = ["GatewayError", "Listening", "reload", "set_broken_routes_aside", "write"]
