"""The one room that opens an address which a user gave.

    outbound.check(url, allowed=…)            when it is stored: InvalidValue for what would be refused later
    outbound.send(url, body=…, allowed=…)     when it is used: the check again, then the request, to the address checked
    looping.started(allowed)                  a loop for libraries that connect by themselves: it judges each address

Nothing here filters by words. An address is read by a strict grammar (`urls`), its name is resolved once (`resolving`),
every address found must be a public one (`addresses`) unless the operator allows it (`allowing`), and the connection
goes to exactly the addresses that passed (`connecting`). Redirects are answers like any other, proxies of the
environment are not asked, time and size are bounded.
"""

from lib.outbound.allowing import Allowed
from lib.outbound.sending import Answer, Limits, NoAnswer, check, send
from lib.outbound.urls import Target, parse

__all__ = ["Allowed", "Answer", "Limits", "NoAnswer", "Target", "check", "parse", "send"]
