"""The one room that opens an address which a user gave."""

import datetime
import ipaddress
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpcore
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from lib.env import BadSetting
from lib.errors import InvalidValue
from lib.outbound import Allowed, Limits, NoAnswer, check, parse, send
from lib.outbound.addresses import is_public
from lib.outbound.resolving import Unresolved

PUBLIC = ipaddress.ip_address("93.184.216.34")
PUBLIC_6 = ipaddress.ip_address("2606:2800:220:1::1")
NOBODY = Allowed()


def names(**known):
    """Resolve from a table: `names(hook="93.184.216.34")`; underscores stand for dots."""
    table = {
        name.replace("_", "."): [ipaddress.ip_address(one) for one in text.split()] for name, text in known.items()
    }

    def resolver(host, timeout_s):
        if host not in table:
            raise Unresolved(host)
        return table[host]

    return resolver


class Network(httpcore.MockBackend):
    """A network that answers with given bytes and remembers where it was asked to connect."""

    def __init__(self, *answer: bytes, dead=()):
        super().__init__(list(answer))
        self.asked, self.dead, self.sent, self.tls_name = [], dead, b"", None

    def connect_tcp(self, host, port, timeout=None, local_address=None, socket_options=None):
        self.asked.append((host, port))
        if host in self.dead:
            raise httpcore.ConnectError("refused")
        stream = super().connect_tcp(host, port, timeout, local_address, socket_options)
        network = self
        write, start_tls = stream.write, stream.start_tls

        def remember(buffer, timeout=None):
            network.sent += buffer
            write(buffer, timeout)

        def name(ssl_context, server_hostname=None, timeout=None):
            network.tls_name = server_hostname
            start_tls(ssl_context, server_hostname, timeout)
            return stream

        stream.write, stream.start_tls = remember, name
        return stream


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


def post(url, network, resolver=None, allowed=NOBODY, **more):
    resolver = resolver or names(hook_example=str(PUBLIC))
    return send(url, body=b"{}", headers={}, allowed=allowed, resolver=resolver, network=network, **more)


# ---- What is refused ------------------------------------------------------------------------------------------------

SPELLINGS = [
    "https://127.1/", "https://2130706433/", "https://0x7f000001/", "https://0x7f.0.0.1/", "https://0177.0.0.1/",
    "https://127.0.0.01/", "https://127.0.0.1./", "https://0/", "https://1/", "https://[::FFFF:127.0.0.1]/",
    "https://[0:0:0:0:0:0:0:1]/", "https://[fe80::1%25eth0]/", "https://[::1/", "https://::1/",
    "https://①②⑦.⓪.⓪.①/", "https://127。0。0。1/", "https://ⓛocalhost/", "https://hoſt.example/", "https://0x/",
]  # fmt: skip
TRICKS = [
    "https://hook.example@127.0.0.1/", "https://user:word@hook.example/", "https://hook.example:443@127.0.0.1/",
    "https://hook.example\\@127.0.0.1/", "https://hook.example#@127.0.0.1/", "https://hook.example/#part", "https://@hook.example/",
    " https://hook.example/", "https://hook.example/ ", "https://hook.example/\r\nX-A: b", "https://hook.example\t/",
    "https:\\\\hook.example/", "https:/hook.example/", "https:hook.example", "//hook.example/", "hook.example", "",
    "https://", "https:///path", "https://hook.example:0/", "https://hook.example:65536/", "https://hook.example:0443/",
    "https://hook.example:٤٤٣/", "https://hook.example:/", "https://hook.example:port/", "https://-a.example/", "https://a..b/",
    "https://hook.example%2f@127.0.0.1/", "https://%31%32%37.0.0.1/", "https://hook.example/\x00", "https://hook.exa\nmple/",
    "https://" + "a" * 64 + ".example/", "https://hook.example/" + "a" * 2048, "https://hook.example/<script>", "https://hook.example/é",
]  # fmt: skip
SCHEMES = [
    "gopher://hook.example/_x", "file:///etc/passwd", "FILE:/etc/passwd", "ftp://hook.example/", "dict://hook.example:11211/",
    "ldap://hook.example/", "data:text/plain,x", "javascript:alert(1)", "jar:https://hook.example!/", "unix:///run/x.sock",
    "http+unix://%2Frun%2Fx.sock/", "ws://hook.example/", "httpss://hook.example/", "view-source:https://hook.example/",
]  # fmt: skip


@pytest.mark.parametrize("url", [*SPELLINGS, *TRICKS, *SCHEMES])
def test_an_address_with_two_readings_is_refused(url):
    with pytest.raises(InvalidValue) as refusal:
        parse(url)
    assert refusal.value.field == "url"


REFUSED = [
    "0.0.0.0", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254", "168.63.129.16",
    "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1",
    "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1",
    "255.255.255.255", "::", "::1", "::7f00:1", "::ffff:7f00:1", "::ffff:a9fe:a9fe", "::ffff:5db8:d822",
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1",
    "2002:7f00:1::1", "2002:a9fe:a9fe::1", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1",
    "fec0::1", "ff02::1",
]  # fmt: skip


@pytest.mark.parametrize("text", REFUSED)
def test_an_address_that_is_not_public_is_refused_by_number_and_by_name(text):
    address = ipaddress.ip_address(text)
    literal = f"[{text}]" if address.version == 6 else text
    network = Network(OK)
    with pytest.raises(InvalidValue):
        post(f"https://{literal}/", network)
    with pytest.raises(InvalidValue) as refusal:
        post("https://hook.example/", network, names(hook_example=text))
    assert network.asked == []
    assert text not in refusal.value.message, "an answer must not tell what a name resolves to"


@pytest.mark.parametrize(
    "text", ["93.184.216.34", "1.1.1.1", "223.255.255.1", "2606:2800:220:1::1", "64:ff9b::101:101"]
)
def test_the_public_internet_is_public(text):
    assert is_public(ipaddress.ip_address(text))


def test_one_private_address_among_public_ones_refuses_the_name():
    network = Network(OK)
    with pytest.raises(InvalidValue):
        post("https://hook.example/", network, names(hook_example=f"{PUBLIC} 10.0.0.1"))
    assert network.asked == []


def test_plain_http_is_refused_wherever_it_leads():
    for url in ("http://hook.example/", "http://1.1.1.1/", "http://127.0.0.1/"):
        with pytest.raises(InvalidValue, match="https"):
            post(url, Network(OK))


def test_a_check_passes_a_name_that_does_not_resolve_now_but_not_by_http():
    assert check("https://nowhere.example/x", allowed=NOBODY, resolver=names()).host == "nowhere.example"
    with pytest.raises(InvalidValue):
        check("http://nowhere.example/x", allowed=NOBODY, resolver=names())
    with pytest.raises(NoAnswer):
        post("https://nowhere.example/x", Network(OK), names())


# ---- What is sent ---------------------------------------------------------------------------------------------------


def test_a_request_goes_to_the_address_that_was_checked_under_its_own_name():
    network = Network(OK)
    answer = post("https://Hook.Example:8443/a%20b?c=d&e=/?", network)
    assert (answer.status, answer.body, answer.is_cut) == (200, b"hi", False)
    assert network.asked == [(str(PUBLIC), 8443)]
    assert network.tls_name == "hook.example"
    assert network.sent.startswith(b"POST /a%20b?c=d&e=/? HTTP/1.1\r\nHost: hook.example:8443\r\n")


def test_a_name_is_resolved_once_so_it_cannot_be_rebound():
    answers = iter([[PUBLIC], [ipaddress.ip_address("127.0.0.1")]])
    network = Network(OK)
    post("https://hook.example/", network, lambda host, timeout_s: next(answers))
    assert network.asked == [(str(PUBLIC), 443)]


def test_the_next_address_is_tried_when_one_is_dead():
    network = Network(OK, dead={str(PUBLIC_6)})
    post("https://hook.example/", network, names(hook_example=f"{PUBLIC_6} {PUBLIC}"))
    assert network.asked == [(str(PUBLIC_6), 443), (str(PUBLIC), 443)]


def test_an_ipv6_address_stands_in_brackets_in_the_host_header():
    network = Network(OK)
    post(f"https://[{PUBLIC_6}]/", network)
    assert f"Host: [{PUBLIC_6}]\r\n".encode() in network.sent


def test_a_redirect_is_an_answer_and_is_not_followed():
    network = Network(b"HTTP/1.1 307 Go\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n")
    assert post("https://hook.example/", network).status == 307
    assert network.asked == [(str(PUBLIC), 443)]


def test_no_proxy_of_the_environment_is_asked(monkeypatch):
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    network = Network(OK)
    post("https://hook.example/", network)
    assert network.asked == [(str(PUBLIC), 443)]


def test_a_large_answer_is_cut():
    network = Network(b"HTTP/1.1 200 OK\r\n\r\n", *[b"x" * 1000] * 50)
    answer = post("https://hook.example/", network, limits=Limits(answer_bytes=5000))
    assert len(answer.body) == 5000 and answer.is_cut


@pytest.mark.parametrize(
    "junk", [b"SSH-2.0-x\r\n", b"", b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", b"\x00" * 200_000]
)
def test_what_is_not_http_is_no_answer(junk):
    with pytest.raises(NoAnswer):
        post("https://hook.example/", Network(junk, b""))


# ---- What the operator allows ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", ["127.0.0.1", "127.0.0.1:8080", "127.0.0.0/8", "hook.internal", "HOOK.internal:8080"])
def test_an_allowed_host_may_be_private_and_spoken_to_by_http(entry):
    network = Network(OK)
    resolver = names(hook_internal="127.0.0.1")
    assert post("http://hook.internal:8080/", network, resolver, Allowed.read([entry])).status == 200
    assert network.asked == [("127.0.0.1", 8080)] and network.tls_name is None


@pytest.mark.parametrize(
    "entry", ["127.0.0.2", "127.0.0.1:8081", "10.0.0.0/8", "internal", "hook.internal:80", "::1", "[::1]:8080"]
)
def test_an_entry_allows_nothing_beside_itself(entry):
    with pytest.raises(InvalidValue):
        post("http://hook.internal:8080/", Network(OK), names(hook_internal="127.0.0.1"), Allowed.read([entry]))


def test_an_allowed_ipv4_address_does_not_allow_its_mapped_form():
    with pytest.raises(InvalidValue):
        post("http://[::ffff:7f00:1]/", Network(OK), allowed=Allowed.read(["127.0.0.1"]))


@pytest.mark.parametrize(
    "entry", ["http://a", "a:b", "a:0", "a:70000", "10.0.0.1/8", "a/b", "[a]:1", "*", "a b", ":80"]
)
def test_a_faulty_entry_stops_the_start_with_its_text(entry):
    with pytest.raises(BadSetting, match="STUDIO_OUTBOUND_ALLOW"):
        Allowed.read([entry])


# ---- Over a real socket ---------------------------------------------------------------------------------------------


class Slow(BaseHTTPRequestHandler):
    """Answers /drip with a byte every 50 ms for ever, all else at once."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        try:
            while self.path == "/drip":
                self.wfile.write(b"x")
                time.sleep(0.05)
            self.wfile.write(self.headers["Host"].encode())
        except OSError:
            pass

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    with HTTPServer(("127.0.0.1", 0), Slow) as listening:
        threading.Thread(target=listening.serve_forever, args=(0.02,), daemon=True).start()
        yield listening.server_port
        listening.shutdown()


def test_a_request_reaches_a_real_server(server):
    allowed = Allowed.read([f"127.0.0.1:{server}"])
    answer = send(
        f"http://localhost:{server}/x", body=b"{}", headers={}, allowed=allowed, resolver=names(localhost="127.0.0.1")
    )
    assert (answer.status, answer.body) == (200, f"localhost:{server}".encode())


def test_a_certificate_that_nobody_vouches_for_is_refused_before_a_byte_is_sent(tmp_path):
    with HTTPServer(("127.0.0.1", 0), Slow) as listening:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self_signed(tmp_path))
        listening.handle_error = lambda *arguments: None
        listening.socket = context.wrap_socket(listening.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=listening.handle_request, daemon=True).start()
        with pytest.raises(NoAnswer, match="certificate"):
            post(
                f"https://localhost:{listening.server_port}/",
                httpcore.SyncBackend(),
                names(localhost="127.0.0.1"),
                Allowed.read(["127.0.0.1"]),
            )


def self_signed(folder):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    built = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + datetime.timedelta(days=1))
    built = built.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = folder / "both.pem"
    path.write_bytes(private + built.sign(key, SHA256()).public_bytes(Encoding.PEM))
    return path


def test_a_server_that_drips_does_not_hold_us(server):
    began = time.monotonic()
    with pytest.raises(NoAnswer, match="in time"):
        send(
            f"http://127.0.0.1:{server}/drip",
            body=b"",
            headers={},
            allowed=Allowed.read(["127.0.0.1"]),
            limits=Limits(total_s=0.3),
        )
    assert time.monotonic() - began < 2
