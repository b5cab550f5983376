"""What the judges of the TOP gateway have in common: calls by the SDK's own classes, refusals, and the control port."""

from __future__ import annotations

import json
import urllib.request
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlsplit

from top import appinfo
from top.api.base import TopException
from verdicts import Disagreement, expect

CHINA = timezone(timedelta(hours=8))


class TopJudge:
    """The SDK's request classes against a simulator; ``named`` is what control requests say of whom they mean."""

    def __init__(self, setting: dict[str, Any], session: str | None, named: dict[str, str]) -> None:
        self.control = setting["control"]
        self.credentials = setting["platform"]["credentials"]
        self.session = session
        self.named = named
        place = urlsplit(setting["platform"]["base_url"])
        self.place = (place.hostname, place.port)
        self.app = appinfo(self.credentials["app_key"], self.credentials["app_secret"])

    def call(self, kind: type, *, app: Any = None, session: str | None = None, **arguments: Any) -> dict[str, Any]:
        request = kind(*self.place)
        request.set_app_info(app or self.app)
        for name, value in arguments.items():
            if not hasattr(request, name):
                raise Disagreement(f"the SDK knows no {name}")
            setattr(request, name, value)
        answer = request.getResponse(session or self.session, timeout=10)
        return answer[request.getapiname().removeprefix("taobao.").replace(".", "_") + "_response"]

    def refused(self, code: int, kind: type, **arguments: Any) -> TopException:
        try:
            self.call(kind, **arguments)
        except TopException as error:
            expect(error.errorcode, code)
            return error
        raise Disagreement(f"not refused with {code}")

    def post(self, path: str, **body: Any) -> Any:
        data = json.dumps({**self.named, **body}).encode()
        request = urllib.request.Request(self.control + path, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def now(self, ahead_s: int = 0) -> str:
        with urllib.request.urlopen(self.control + "/clock", timeout=20) as answer:
            moment = datetime.fromisoformat(json.load(answer)["now"]) + timedelta(seconds=ahead_s)
        return moment.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")
