"""Certificates, proxies, and what an answer means."""

from __future__ import annotations

import datetime
import http.server
import ipaddress
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from jupyter_tos_guard.gate.settings import configuration
from jupyter_tos_guard.sync.transport import (
    CoolDown,
    NoAnswer,
    Refused,
    SettingsError,
    Transport,
    Watchdog,
    judge,
    retry_after,
)

from .conftest import Central, Machine, Publisher, eventually


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hub of a university")])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (tmp_path / "ca.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (tmp_path / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return tmp_path / "ca.pem", tmp_path / "key.pem"


@pytest.fixture
def secure(central: Central, certificate: tuple[Path, Path]) -> str:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    central.server.socket = context.wrap_socket(central.server.socket, server_side=True)
    return central.url.replace("http://", "https://")


def transport(machine: Machine, **variables: str) -> Transport:
    named = {f"JUPYTER_TOS_GUARD_{name.upper()}": value for name, value in variables.items()}
    return Transport(configuration(machine.variables | named), {})


def test_a_certificate_of_the_hubs_own_is_trusted_when_named(
    machine: Machine, secure: str, certificate: tuple[Path, Path]
) -> None:
    found = transport(machine, central=secure, ca_bundle=str(certificate[0]))
    assert found.ask("GET", "api/v1/account").body["user"] == "ann"
    assert machine.refresher(transport=found).refresh().active.version == "1"


def test_a_certificate_that_nobody_vouches_for_gets_no_token(
    machine: Machine, secure: str, central: Central
) -> None:
    with pytest.raises(NoAnswer, match="ca_bundle"):
        transport(machine, central=secure).ask("GET", "api/v1/account")
    assert not central.requests


def test_a_bundle_of_certificates_that_is_none_is_said(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "junk.pem").write_text("junk")
    with pytest.raises(SettingsError, match=r"junk\.pem"):
        transport(machine, central="https://127.0.0.1:9", ca_bundle=str(tmp_path / "junk.pem"))


@pytest.fixture
def proxy() -> Iterator[tuple[str, list[str]]]:
    """A proxy that passes nothing on and answers by itself, so that it is seen who asked it."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            asked.append(self.path)
            body = b'{"by": "proxy"}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", asked
    server.shutdown()
    server.server_close()


def test_a_proxy_in_the_settings_is_used(machine: Machine, proxy: tuple[str, list[str]]) -> None:
    url, asked = proxy
    found = transport(machine, central="http://hub.invalid", proxy=url)
    assert found.ask("GET", "api/v1/account").body == {"by": "proxy"}
    assert asked == ["http://hub.invalid/api/v1/account"]


def test_a_proxy_in_the_environment_is_used_and_no_proxy_respected(
    machine: Machine, proxy: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch, central: Central
) -> None:
    url, asked = proxy
    monkeypatch.setenv("http_proxy", url)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert transport(machine, central="http://hub.invalid").ask("GET", "x").body == {"by": "proxy"}
    assert transport(machine).ask("GET", "api/v1/account").body["user"] == "ann"
    assert len(asked) == 1


def test_the_hubs_own_token_is_used_when_none_is_set(machine: Machine) -> None:
    settings = configuration(machine.variables | {"JUPYTER_TOS_GUARD_TOKEN": ""})
    assert Transport(settings, {"JUPYTERHUB_API_TOKEN": "h"}).authorization == {"Authorization": "token h"}
    assert Transport(settings, {}).authorization == {}


def test_a_repository_may_redirect_and_gets_no_token(
    machine: Machine, publisher: Publisher, central: Central
) -> None:
    """As object stores do."""

    def redirect(handler) -> bool:
        if "/repository/" in handler.path:
            handler.reply(302, Location=handler.path.replace("/repository/", "/elsewhere/"))
            return True
        if "/elsewhere/" in handler.path:
            handler.path = handler.path.replace("/elsewhere/", "/repository/")
            central.get(handler)
            return True
        return False

    central.misbehave = redirect
    assert machine.refresher().refresh().active.version == "1"
    assert not [headers for _, _, headers in central.requests if "Authorization" in headers]


@pytest.mark.parametrize(
    ("status", "kind"), [(403, CoolDown), (429, CoolDown), (503, CoolDown), (500, Refused)]
)
def test_what_a_status_means(status: int, kind: type[NoAnswer]) -> None:
    with pytest.raises(kind):
        judge("http://hub", status, {}, b"{}")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5", 5.0),
        ("-5", 0.0),
        ("nan", 0.0),
        ("1e99", 86_400.0),
        ("soon", 0.0),
        ("Wed, 21 Oct 2026 07:28:00 GMT", 0.0),
    ],
)
def test_any_retry_after_is_bounded(text: str, seconds: float) -> None:
    assert retry_after({"Retry-After": text}) == seconds


def test_the_watchdog_bites_once_in_time_and_never_who_was_quick() -> None:
    bites: list[float] = []
    dog = Watchdog(lambda: bites.append(time.monotonic()))
    late = threading.Event()
    for _ in range(50):
        dog.watch(60.0, late)
        dog.rest()
    assert not late.is_set()
    begun = time.monotonic()
    dog.watch(0.2, late)
    assert late.wait(30)
    eventually(lambda: bites)
    assert bites[0] - begun >= 0.2
    dog.watch(60.0, threading.Event())
    dog.watch(0.1, again := threading.Event())
    assert again.wait(30), "an earlier end counts, though the dog slept for a later one"
    dog.end()
    eventually(lambda: not dog._thread.is_alive())
    assert len(bites) == 2
