"""Simulated readers of a post that leads to another platform: they open the link in an app and get away, or do not."""

from __future__ import annotations

import re
from html import unescape
from typing import Final
from urllib.parse import urljoin, urlsplit

import httpx

from hutong.cli.buyers import TIMEOUT_S, tls

_TELL: Final = re.compile(r'data-tell="([^"]+)"')
_WAY: Final = re.compile(r'data-form="(\w+)" data-kind="(?:scheme|wrapper)"')


def read_on(link_url: str, agent: str, *, arrives: bool) -> bool:
    """One reader. ``arrives``: the app lets him through. True where the page tried to open the other app."""
    with httpx.Client(headers={"user-agent": agent}, timeout=TIMEOUT_S, trust_env=False, verify=tls()) as browser:
        address = urljoin(link_url, browser.get(link_url).headers.get("location", ""))
        if urlsplit(address).netloc != urlsplit(link_url).netloc:
            return False  # straight on to the platform's page
        page = browser.get(address).text
        tell, way = _TELL.search(page), _WAY.search(page)
        if tell is None or way is None:
            return False
        told = {"form": way[1], "outcome": "left" if arrives else "stayed"}
        browser.post(urljoin(address, unescape(tell[1])), json=told)
        return True
