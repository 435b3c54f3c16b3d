"""The one way to a studio: address, credential, timeout, retries of what is safe to repeat, errors by code."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import quote

from studio_sdk import __version__, credentials
from studio_sdk.credentials import Credential
from studio_sdk.errors import Unauthenticated, Unreachable, refused

if TYPE_CHECKING:
    import requests

SAFE = {"GET", "HEAD", "PUT", "DELETE"}
BUSY = {429, 502, 503, 504}
TIMEOUT_S = (10.0, 120.0)  # to connect, and between two bytes of an answer
RETRIES = 5
LONGEST_WAIT_S = 16.0

MakeSession = Callable[[], "requests.Session"]


def new_session() -> requests.Session:
    import requests  # 0.1 s: `import azureml.core` does not pay for it

    return requests.Session()


# Tests let the same client call the app in their own process: they put another maker of sessions here.
make_session: MakeSession = new_session


@dataclass
class Client:
    """Asks one studio; `below("w/main/api/v1")` asks below an address of it with the same connection."""

    url: str
    credential: Credential | None = None
    prefix: str = ""
    retries: int = RETRIES
    sleep: Callable[[float], None] = time.sleep
    _shared: dict[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self.url = self.url.rstrip("/")

    def below(self, prefix: str) -> Client:
        return Client(self.url, self.credential, prefix.strip("/"), self.retries, self.sleep, self._shared)

    @property
    def session(self) -> requests.Session:
        if "session" not in self._shared:
            self._shared["session"] = make_session()
        session: requests.Session = self._shared["session"]
        return session

    def get(self, path: str, **query: Any) -> Any:
        return self.json("GET", path, params=query)

    def post(self, path: str, body: Any = None, *, is_safe: bool = False) -> Any:
        """Send JSON and give the answer's; `is_safe` when a repetition changes nothing."""
        return self.json("POST", path, json={} if body is None else body, is_safe=is_safe)

    def patch(self, path: str, body: Any) -> Any:
        return self.json("PATCH", path, json=body)

    def delete(self, path: str, body: Any = None) -> Any:
        return self.json("DELETE", path, **({} if body is None else {"json": body}))

    def json(self, method: str, path: str, **options: Any) -> Any:
        response = self.send(method, path, **options)
        try:
            return response.json() if response.content else None
        except ValueError:
            raise Unreachable(f"What answers at {self.url} is no studio: its answer is not JSON.") from None

    def put_file(self, path: str, source: BinaryIO) -> None:
        """Upload what a file holds; it is read again from its start when the try is repeated."""
        start = source.tell()

        def body() -> BinaryIO:
            source.seek(start)
            return source

        self.send("PUT", path, make_data=body)

    @contextmanager
    def stream(self, path: str, **query: Any) -> Iterator[requests.Response]:
        """Open an answer of any size; its bytes come as they are read."""
        response = self.send("GET", path, params=query, stream=True)
        try:
            yield response
        finally:
            response.close()

    def send(self, method: str, path: str, *, is_safe: bool = False, **options: Any) -> requests.Response:
        """Ask until there is an answer that is final. Raises Unreachable, Refused and what descends from it."""
        may_repeat = is_safe or method in SAFE
        for tries_left in range(self.retries, -1, -1):
            wait_s = min(0.5 * 2 ** (self.retries - tries_left), LONGEST_WAIT_S)
            try:
                response = self.once(method, path, **options)
            except Unreachable as error:
                if not tries_left or not (may_repeat or error.never_left):
                    raise
                self.sleep(wait_s)
                continue
            if response.status_code < 300:
                return response
            if response.status_code < 400:
                raise Unreachable(
                    f"{self.url} leads elsewhere: use {response.headers.get('Location', 'the address it names')}."
                )
            if response.status_code in BUSY and tries_left and (may_repeat or response.status_code == 429):
                self.sleep(max(wait_s, asked_to_wait(response)))
                continue
            raise error_of(response)
        raise AssertionError("the last try returns or raises")

    def once(self, method: str, path: str, **options: Any) -> requests.Response:
        """Ask, and once more with a renewed token when the first was refused."""
        credential = self.credential
        token = credential.token() if credential else ""
        response = self.exchange(method, path, token, **options)
        if response.status_code == 401 and credential and credential.renew(token):
            return self.exchange(method, path, credential.token(), **options)
        return response

    def exchange(
        self,
        method: str,
        path: str,
        token: str,
        make_data: Callable[[], Any] | None = None,
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> requests.Response:
        import requests

        sent = {"Accept": "application/json", "User-Agent": f"studio-sdk/{__version__}", **(headers or {})}
        if token:
            sent["Authorization"] = f"Bearer {token}"
        if make_data is not None:
            options["data"] = make_data()
        try:
            return self.session.request(
                method, self.address(path), headers=sent, timeout=TIMEOUT_S, allow_redirects=False, **options
            )
        except requests.RequestException as error:
            raise unreachable(self.url, error) from None

    def address(self, path: str) -> str:
        return "/".join(part for part in (self.url, self.prefix, path.lstrip("/")) if part)


def part(name: Any) -> str:
    """Write a name as one part of a path, whatever it holds."""
    return quote(str(name), safe="")


def asked_to_wait(response: requests.Response) -> float:
    text = response.headers.get("Retry-After", "")
    return min(float(text), LONGEST_WAIT_S) if text.isdigit() else 0.0


def error_of(response: requests.Response) -> Exception:
    try:
        body: Any = response.json()
    except ValueError:
        body = response.text[:500] if "html" not in response.headers.get("Content-Type", "") else ""
    return refused(response.status_code, body, request_id=response.headers.get("X-Request-ID", ""))


def unreachable(url: str, error: Exception) -> Unreachable:
    """Say in a line what the connection's fault is; `never_left` when nothing of the request can have arrived."""
    words = str(error)
    never_left = any(
        sign in words for sign in ("Failed to establish a new connection", "NameResolution", "ConnectTimeout")
    )
    reason = {
        "Connection refused": "nothing listens there",
        "Name or service not known": "the host's name is not known",
        "timed out": "it did not answer in time",
        "CERTIFICATE_VERIFY_FAILED": "its certificate is not trusted",
    }
    said = next((meaning for sign, meaning in reason.items() if sign in words), type(error).__name__)
    return Unreachable(f"The studio at {url} cannot be reached: {said}.", never_left=never_left)


def refresh_at(url: str) -> credentials.Refresh:
    """Make the function that renews a login of the studio at `url`."""

    def refresh(secret: str) -> tuple[str, float]:
        try:
            given = Client(url).post("api/v1/access-tokens", {"refresh_token": secret}, is_safe=True)
        except Unauthenticated as error:
            raise Unauthenticated(f"{error} ({url})", status=401, code=error.code) from None
        return given["access_token"], float(given["expires_s"])

    return refresh


def connect(url: str, credential: Credential | None = None) -> Client:
    """Make a client with the credential that is known for the studio. Raises NotConfigured without one."""
    return Client(url, credential or credentials.find(url, refresh_at(url)))


def listed(query: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out of a query what was not given."""
    return {name: value for name, value in query.items() if value not in (None, "")}
