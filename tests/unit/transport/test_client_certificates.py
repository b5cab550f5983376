"""A server that sees which certificate is shown; keys and certificates are made for this run."""

import asyncio
import datetime as dt
import ipaddress
import os
import ssl
import tempfile

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.x509.oid import NameOID

from hutong.core.errors import InvalidInput, PlatformFailure, PlatformUnknown
from hutong.transport import client_certificates
from hutong.transport.client import HttpPool
from hutong.transport.client_certificates import ClientCertificate
from hutong.transport.failures import LineRefused
from hutong.transport.messages import Request
from hutong.transport.pacing import Pace

FREE = Pace(calls=1000, seconds=1)


class Authority:
    """Issues certificates."""

    def __init__(self):
        self.key = ed25519.Ed25519PrivateKey.generate()
        self.certificate = self.issue(self.key.public_key(), "authority", x509.BasicConstraints(True, None))

    def issue(self, key, name, extension):
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")])
        now = dt.datetime.now(dt.UTC)
        made = x509.CertificateBuilder(issuer, name, key, x509.random_serial_number())
        made = made.not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=1))
        signed = made.add_extension(extension, critical=False).sign(self.key, None)
        return signed.public_bytes(serialization.Encoding.PEM).decode()

    def merchant(self, key, name):
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        leaf = x509.BasicConstraints(ca=False, path_length=None)
        return ClientCertificate(
            certificate=self.issue(key.public_key(), name, leaf), key=pem.decode(), authority=self.certificate
        )

    def server(self, folder):
        key = ed25519.Ed25519PrivateKey.generate()
        place = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        file = folder / "server.pem"
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file.write_bytes(pem + self.issue(key.public_key(), "127.0.0.1", place).encode())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        context.load_verify_locations(cadata=self.certificate)
        context.verify_mode = ssl.CERT_OPTIONAL
        return context


@pytest.fixture(scope="module")
def authority():
    return Authority()


@pytest.fixture(scope="module")
def merchants(authority):
    return [authority.merchant(rsa.generate_private_key(65537, 2048), name) for name in ("one", "two")]


@pytest.fixture
def talk(authority, tmp_path):
    """Send what ``requests(address)`` gives, one after the other; who was seen at each, or what was raised."""

    async def main(requests, pool):
        async def serve(reader, writer):
            try:
                while await reader.readuntil(b"\r\n\r\n"):
                    shown = writer.get_extra_info("ssl_object").getpeercert()
                    name = dict(part[0] for part in shown["subject"])["commonName"].encode() if shown else b"nobody"
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(name), name))
                    await writer.drain()
            except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=authority.server(tmp_path))
        port = server.sockets[0].getsockname()[1]
        found = []
        async with pool:
            for account, request in requests(f"https://127.0.0.1:{port}/secapi"):
                try:
                    found.append((await pool.account("wallet", account, FREE).send(request)).body.decode())
                except (PlatformFailure, PlatformUnknown, InvalidInput, ValueError) as error:
                    found.append(error)
        server.close()
        return found

    def run(requests):
        async def no_sleep(_seconds):
            pass

        return asyncio.run(main(requests, HttpPool(sleep=no_sleep)))

    return run


def asked(url, shown):
    return Request(method="GET", url=url, client_certificate=shown)


def test_each_account_shows_its_own_and_the_next_one_after_a_change(talk, merchants):
    one, two = merchants
    turns = [("a", one), ("b", two), ("a", one), ("a", two), ("a", one)]
    found = talk(lambda url: [(account, asked(url, shown)) for account, shown in turns])
    assert found == ["one", "two", "one", "two", "one"]


def test_a_context_is_loaded_once_and_dropped_with_the_next(authority, merchants, monkeypatch):
    loaded = []
    monkeypatch.setattr(client_certificates, "load", lambda shown: loaded.append(shown) or object())
    contexts = client_certificates.ClientContexts()
    one, two = merchants
    here = "https://127.0.0.1:1/"
    first = contexts.of("a", one, here)
    assert contexts.of("a", one, here) is first
    assert contexts.of("a", two, here) is not first
    assert contexts.of("a", one, here) is not first, "the old one was not kept"
    assert loaded == [one, two, one]
    for i in range(client_certificates.CONTEXTS_MAX):
        contexts.of(str(i), one, here)
    assert len(contexts._known) == client_certificates.CONTEXTS_MAX


def test_no_file_stays_and_the_key_stood_in_it_encrypted(merchants, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    seen = []
    load_chain = ssl.SSLContext.load_cert_chain

    def look(context, path, **more):
        [file] = tmp_path.iterdir()
        seen.append((file.stat().st_mode & 0o777, file.stat().st_uid, file.read_text()))
        return load_chain(context, path, **more)

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", look)
    client_certificates.load(merchants[0])
    [(mode, owner, text)] = seen
    assert (mode, owner) == (0o600, os.getuid())
    assert "BEGIN ENCRYPTED PRIVATE KEY" in text
    assert "BEGIN PRIVATE KEY" not in text
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_shown_is_a_failure_like_any_other_of_the_platform(talk, merchants):
    one, two = merchants

    no_pair = ClientCertificate(certificate=one.certificate, key=two.key, authority=one.authority)
    no_authority = ClientCertificate(certificate=one.certificate, key=one.key, authority="no PEM")
    for found in talk(lambda url: [("a", asked(url, shown)) for shown in (no_pair, no_authority)]):
        assert isinstance(found, LineRefused)


def test_a_stranger_with_no_pair_or_no_pem_is_named(merchants):
    one, two = merchants
    for certificate, key, field in (
        (one.certificate, two.key, "client_certificate"),
        ("not PEM", one.key, "client_certificate"),
        (one.certificate, "not PEM", "private_key"),
    ):
        with pytest.raises(InvalidInput) as caught:
            client_certificates.load(ClientCertificate(certificate=certificate, key=key))
        assert caught.value.details["field"] == field


def test_whom_to_believe_is_of_this_machine_or_of_everybody(talk, authority, merchants):
    """An authority of one's own counts on loopback only; without one the usual list does not know this server."""
    one = merchants[0]
    stranger = Authority().merchant(rsa.generate_private_key(65537, 2048), "stranger")
    everybody = ClientCertificate(certificate=one.certificate, key=one.key)
    far, unknown, unissued = talk(
        lambda url: [
            ("a", asked("https://pay.example/secapi", one)),
            ("b", asked(url, everybody)),
            ("c", asked(url, ClientCertificate(
                certificate=stranger.certificate, key=stranger.key, authority=authority.certificate))),
        ]
    )  # fmt: skip
    assert isinstance(far, ValueError)
    assert isinstance(unknown, PlatformFailure)
    assert isinstance(unissued, PlatformFailure | PlatformUnknown)


def test_nothing_is_shown_on_an_open_line(talk, merchants):
    [refused] = talk(lambda url: [("a", asked(url.replace("https:", "http:"), merchants[0]))])
    assert isinstance(refused, ValueError)


def test_a_certificate_is_not_printed(merchants):
    assert "BEGIN" not in repr(asked("https://pay.example/", merchants[0]))
