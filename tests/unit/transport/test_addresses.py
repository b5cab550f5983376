"""Where a merchant may have events sent: public addresses in one spelling, and nowhere else."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hutong.transport.addresses import TargetRefused, is_public, may_go_to, read_target
from hutong.transport.outward import OutwardSender, Trouble

#: Spellings of addresses that nothing may be sent to, also where a library would read them as an address.
REFUSED_URLS = (
    "http://example.com/hook", "ftp://example.com/", "file:///etc/passwd", "gopher://example.com/", "//example.com/",
    "example.com/hook", "https://", "https:///hook", "https://user@example.com/", "https://user:pw@example.com/",
    "https://example.com@127.0.0.1/", "https://example.com:0/", "https://example.com:99999/", "https://example.com/#x",
    "https://example.com/a b", "https://example.com/\r\nx: y", "https://example.com\\@127.0.0.1/", "https://exämple.com/",
    "https://localhost/", "https://localhost:8000/", "https://LOCALHOST/", "https://localhost./", "https://shop/",
    "https://127.0.0.1/", "https://127.0.0.1:5432/", "https://127.1/", "https://127.0.1/", "https://2130706433/",
    "https://0x7f000001/", "https://0x7f.0x0.0x0.0x1/", "https://0x7f.1/", "https://0177.0.0.1/", "https://017700000001/",
    "https://127.0.0.01/", "https://127.000.000.001/", "https://①②⑦.⓪.⓪.①/", "https://0/", "https://0.0.0.0/",
    "https://10.0.0.1/", "https://172.16.0.1/", "https://172.31.255.255/", "https://192.168.1.1/", "https://100.64.0.1/",
    "https://100.100.100.200/", "https://169.254.169.254/latest/meta-data/", "https://169.254.0.23/",
    "https://168.63.129.16/", "https://192.0.0.192/", "https://192.0.2.1/", "https://198.18.0.1/", "https://203.0.113.9/",
    "https://224.0.0.1/", "https://255.255.255.255/", "https://240.0.0.1/", "https://[::1]/", "https://[::]/",
    "https://[0:0:0:0:0:0:0:1]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/", "https://[::ffff:8.8.8.8]/",
    "https://[::127.0.0.1]/", "https://[64:ff9b::127.0.0.1]/", "https://[64:ff9b::a9fe:a9fe]/",
    "https://[64:ff9b:1::7f00:1]/", "https://[fe80::1]/", "https://[fe80::1%25eth0]/", "https://[fc00::1]/",
    "https://[fd00:ec2::254]/", "https://[ff02::1]/", "https://[2001:db8::1]/", "https://[2002:7f00:1::]/",
    "https://[2001:0:7f00:1::]/", "https://[100::1]/", "https://[3fff::1]/", "https://[::1", "https://example..com/",
    "https://-example.com/", "https://" + "a" * 64 + ".com/", "https://example.com/" + "x" * 2000,
)  # fmt: skip
ALLOWED_URLS = (
    "https://example.com/hook", "https://erp.example.com.cn:8443/a/b?c=d&e=%20", "https://8.8.8.8/",
    "https://[2606:4700:4700::1111]/", "https://xn--fiqs8s.cn/", "https://[64:ff9b::8.8.8.8]/",
)  # fmt: skip
#: Only where everything is play, and only this machine.
TRIAL_URLS = ("http://127.0.0.1:9000/hook", "http://localhost:9000/", "https://localhost/", "http://[::1]:9000/")


@pytest.mark.parametrize("url", REFUSED_URLS)
def test_what_is_not_public_or_not_plain_is_refused(url):
    with pytest.raises(TargetRefused):
        read_target(url, trial=False)


def test_enough_spellings_are_tried():
    assert len(set(REFUSED_URLS)) == len(REFUSED_URLS) >= 60


@pytest.mark.parametrize("url", ALLOWED_URLS)
def test_public_addresses_are_taken_as_they_are_written(url):
    for trial in (False, True):
        assert read_target(url, trial=trial).url == url


@pytest.mark.parametrize("url", TRIAL_URLS)
def test_a_trial_may_reach_this_machine(url):
    assert read_target(url, trial=True).url == url
    with pytest.raises(TargetRefused):
        read_target(url, trial=False)


@pytest.mark.parametrize(
    "url",
    [
        url
        for url in REFUSED_URLS
        if "127" not in url and "localhost" not in url.lower() and not url.endswith(("::1]/", "0:1]/"))
    ],
)
def test_a_trial_opens_nothing_but_this_machine(url):
    with pytest.raises(TargetRefused):
        read_target(url, trial=True)


@given(st.ip_addresses())
def test_nothing_that_python_calls_private_is_public(address):
    if not address.is_global:
        embedded = address.version == 6 and address in ipaddress.IPv6Network("64:ff9b::/96")
        assert embedded or not is_public(address)


@pytest.mark.parametrize("text", ["93.184.216.34", "1.1.1.1", "2606:4700:4700::1111", "2408:8756::1", "223.5.5.5"])
def test_what_the_public_internet_uses_is_public(text):
    assert is_public(ipaddress.ip_address(text))
    assert may_go_to(ipaddress.ip_address(text), trial=False)


def sent(monkeypatch, addresses, *, trial=False, url="https://erp.example.com/hook"):
    """What is told of a send to a name that leads to these addresses, and what was connected to."""
    tried: list[str] = []

    def look_up(host, port, *_):
        if host not in ("erp.example.com", "localhost"):
            raise AssertionError(host)
        kinds = [socket.AF_INET6 if ":" in text else socket.AF_INET for text in addresses]
        return [(kind, socket.SOCK_STREAM, 6, "", (text, port)) for kind, text in zip(kinds, addresses, strict=True)]

    async def connect(_loop, sock, address):
        tried.append(address[0])
        raise ConnectionRefusedError

    async def main():
        sender = OutwardSender(trial=trial)
        loop = type(asyncio.get_running_loop())
        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        monkeypatch.setattr(loop, "sock_connect", connect)
        try:
            return await sender.post(url, {}, b"{}")
        finally:
            await sender.close()

    return asyncio.run(main()), tried


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["169.254.169.254"],
        ["93.184.216.34", "10.0.0.1"],
        ["::1"],
        ["::ffff:127.0.0.1"],
        ["fe80::1%1"],
        ["64:ff9b::7f00:1"],
        ["93.184.216.34"] * 2 + [f"93.184.217.{last}" for last in range(40)],
    ],
)
def test_a_name_that_leads_inside_is_never_connected_to(monkeypatch, addresses):
    told, tried = sent(monkeypatch, addresses)
    assert tried == []
    assert told.status == 0
    assert told.trouble in (Trouble.REFUSED, Trouble.NOT_RESOLVED)


def test_one_of_the_addresses_that_were_looked_at_is_connected_to(monkeypatch):
    told, tried = sent(monkeypatch, ["93.184.216.34", "93.184.216.35"])
    assert set(tried) == {"93.184.216.34", "93.184.216.35"}
    assert told.trouble is Trouble.UNREACHABLE


def test_a_trial_does_not_reach_private_networks_by_name(monkeypatch):
    told, tried = sent(monkeypatch, ["192.168.1.1"], trial=True)
    assert (told.trouble, tried) == (Trouble.REFUSED, [])
    told, tried = sent(monkeypatch, ["127.0.0.1"], trial=True, url="http://localhost:9/")
    assert tried == ["127.0.0.1"]


def test_names_whose_servers_are_silent_keep_nobody_else_from_looking_names_up(monkeypatch):
    silence_s = 0.6
    found = socket.getaddrinfo

    def look_up(host, *arguments):
        if host.endswith(".example"):
            time.sleep(silence_s)
            raise socket.gaierror(socket.EAI_AGAIN, "silent")
        return found(host, *arguments)

    async def main():
        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        sender = OutwardSender(trial=False)
        names = (f"https://silent-{number}.example/" for number in range(40))
        waiting = [asyncio.create_task(sender.post(url, {}, b"{}")) for url in names]
        await asyncio.sleep(0.1)
        began_s = time.monotonic()
        await asyncio.get_running_loop().getaddrinfo("127.0.0.1", 80)
        own_s = time.monotonic() - began_s
        troubles = {(await one).trouble for one in waiting}
        await sender.close()
        return own_s, troubles

    own_s, troubles = asyncio.run(main())
    assert own_s < silence_s / 2
    assert troubles == {Trouble.NOT_RESOLVED}
