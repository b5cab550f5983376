"""A form that is not right is told by the field's name on the form, with sums as people write them and the true reason;
the way back leads to the form.
"""

from __future__ import annotations

import re
from html import unescape

import httpx
import pytest

from hutong.merchants.keys import SCOPES
from hutong.platforms.registry import Registry
from hutong.web.session import CSRF_FIELD

pytestmark = pytest.mark.slow

CODE = {"title": "早餐摊", "amount": "", "payment_max": "500", "buyer_day_max": "500", "code_day_max": "20000"}
FIXED = "固定金额，不填就由顾客输入"
#: Never on a page: names and units that only programs know.
RAW = re.compile(r"\b(amount|\w+_minor|\w+_bps|\w+_max|total_cap|return_window_days)\b|\d 分\b|--platform|generic")
LANGUAGES = ("zh-CN", "zh-TW", "en")


@pytest.fixture
def registry():
    return Registry.from_entry_points()


async def sent(caller, path, form, language="zh-CN", **further):
    """The answer to a form, sent from its page."""
    headers = {"accept-language": language, "referer": f"http://hub{further.pop('page', path)}"}
    return await caller.client.post(path, data=form, headers=headers, follow_redirects=False, **further)


def told(answer: httpx.Response) -> str:
    """What a refusal says: sentence, cause, fix."""
    found = re.search(r"<h1>.*?</dl>", answer.text, re.DOTALL) or re.search(
        r'<div class="ht-alert bad".*?</div>', answer.text, re.DOTALL
    )
    assert found, answer.text
    return unescape(re.sub(r"<[^>]+>", " ", found[0]))


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        ({"amount": "-5"}, (FIXED, "要大于 ¥0.00", "填的是 -5")),
        ({"amount": "-0"}, (FIXED, "要大于 ¥0.00", "填的是 -0")),
        ({"amount": "0"}, (FIXED, "要大于 ¥0.00", "填的是 0")),
        ({"amount": "600"}, (FIXED, "不能超过 ¥500.00", "“单笔最多”填的是 ¥500.00")),
        ({"amount": "1e3"}, (FIXED, "1e3", "不是金额")),
        ({"amount": "1.234"}, (FIXED, "最多 2 位小数")),
        ({"amount": "9" * 50}, (FIXED, "不能超过 ¥1,000,000,000.00")),
        ({"payment_max": "0"}, ("单笔最多", "要大于 ¥0.00")),
        ({"payment_max": ""}, ("单笔最多", "没有填写")),
        ({"buyer_day_max": " "}, ("每位顾客每天最多", "没有填写")),
        ({"code_day_max": "１２"}, ("这张码每天最多", "不是金额")),
    ],
)
def test_a_shop_code_names_the_field_the_bound_and_the_reason(calling, change, parts):
    async def work(caller):
        form = {**CODE, **change, CSRF_FIELD: await caller.sign_in()}
        page = (await caller.client.get("/codes")).text
        answer = await sent(caller, "/codes", form)
        text = told(answer)
        assert answer.status_code == 400
        assert all(part in text for part in parts), text
        assert parts[0] in page, "the form calls it so"
        assert not RAW.search(text), text
        assert "没有填写" in text or "按元填写，例如 12.30" in text, text
        assert 'href="/codes"' in answer.text, "the way back to the form"
        others = {language: told(await sent(caller, "/codes", form, language)) for language in LANGUAGES}
        assert len(set(others.values())) == len(LANGUAGES)
        assert not re.search(r"[\u4e00-\u9fff]", others["en"]), others["en"]

    calling(work)


def test_limits_below_a_fixed_amount_say_so(calling):
    async def work(caller):
        token = await caller.sign_in()
        made = await sent(caller, "/codes", {**CODE, "amount": "12.30", CSRF_FIELD: token})
        assert made.status_code == 303
        limits = {name: value for name, value in CODE.items() if name.endswith("max")}
        answer = await sent(
            caller, f"{made.headers['location']}/limits", {**limits, "payment_max": "12", CSRF_FIELD: token}
        )
        assert "“单笔最多”里的金额不能小于 ¥12.30" in told(answer)
        assert "固定金额是 ¥12.30" in told(answer)

    calling(work)


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        ({"total_cap": "101"}, ("一笔销售最多分出百分之几", "101", "0 到 100")),
        ({"total_cap": ""}, ("一笔销售最多分出百分之几", "没有填写")),
        ({"total_cap": "abc"}, ("一笔销售最多分出百分之几", "abc", "例如填 12.5")),
        ({"total_cap": "1.234"}, ("一笔销售最多分出百分之几", "最多两位小数")),
        ({"return_window_days": "1.5"}, ("几天之后才算数（退货期）", "0 到 365 的整数")),
        ({"return_window_days": "-1"}, ("几天之后才算数（退货期）", "-1")),
        ({"return_window_days": "x" * 500}, ("几天之后才算数（退货期）", "x" * 40 + "…")),
        ({"return_window_days": ""}, ("几天之后才算数（退货期）", "没有填写")),
        ({"return_window_days": "9" * 5_000}, ("几天之后才算数（退货期）", "0 到 365")),
    ],
)
def test_the_bounds_of_splits_name_their_field(calling, change, parts):
    async def work(caller):
        form = {"total_cap": "50", "return_window_days": "7", **change, CSRF_FIELD: await caller.sign_in()}
        assert parts[0] in (await caller.client.get("/splits")).text
        answers = [await sent(caller, "/splits/terms", form, language, page="/splits") for language in LANGUAGES]
        assert {answer.status_code for answer in answers} == {400}
        text = told(answers[0])
        assert all(part in text for part in parts), text
        assert not RAW.search(text), text
        assert len({told(answer) for answer in answers}) == len(LANGUAGES)
        assert 'href="/splits"' in answers[0].text

    calling(work)


@pytest.mark.parametrize(
    ("form", "parts"),
    [
        ({"kind": "fixed", "amount": "五"}, ("多少元", "不是金额", "请按元填写，例如 12.30")),
        ({"kind": "fixed", "amount": ""}, ("多少元", "没有填写")),
        ({"kind": "fixed", "amount": "0"}, ("多少元", "要大于 ¥0.00")),
        ({"kind": "fixed", "amount": "5", "period_max": "-1"}, ("每月最多多少元", "不能小于 ¥0.00")),
        ({"kind": "percent", "rate": "0"}, ("百分之几", "0.01 到 100")),
        ({"kind": "remainder", "rate": "1e1"}, ("一共分百分之几", "1e1")),
        ({"kind": "tier", "step_from_0": "0", "step_rate_0": ""}, ("百分之几", "没有填写")),
        ({"kind": "tier", "step_from_0": "5", "step_rate_0": "5"}, ("满多少元起", "从 0 元起")),
        (
            {"kind": "tier", "step_from_0": "0", "step_rate_0": "5", "step_from_1": "a", "step_rate_1": "8"},
            ("满多少元起", "不是金额"),
        ),
        ({"kind": "cap"}, ("每单最多百分之几", "没有填写上限")),
    ],
)
def test_a_rule_names_its_field(calling, form, parts):
    async def work(caller):
        made = await caller.post("/parties", {"name": "小王"})
        token = await caller.sign_in()
        given = {"party_id": made["party_id"], "scope": "", "base": "gross", **form, CSRF_FIELD: token}
        assert parts[0] in (await caller.client.get(f"/splits/new?kind={form['kind']}")).text
        answer = await sent(caller, "/splits/rules", given, page="/splits/new")
        text = told(answer)
        assert answer.status_code == 422
        assert all(part in text for part in parts), text
        assert not RAW.search(text), text

    calling(work)


async def imported(caller, text, platform, language="zh-CN", **further):
    token = await caller.sign_in() if "authorization" in caller.client.headers else caller.token
    caller.token = token
    files = {"files": ("sales.csv", text.encode(), "text/csv")}
    form = {"platform": platform, "currency": "CNY", **further, CSRF_FIELD: token}
    return await sent(caller, "/imports", form, language, files=files)


@pytest.mark.parametrize(
    ("platform", "choice", "advice"),
    [
        ("generic", "其他（通用表格）", "请改选文件所属的平台"),
        ("taobao", "淘宝", "请在“哪个平台的文件”里改选"),
    ],
)
def test_a_file_of_another_platform_is_told_in_words_of_the_page(calling, platform, choice, advice):
    async def work(caller):
        answers = [await imported(caller, "hello,world\n1,2\n", platform, language) for language in LANGUAGES]
        assert {answer.status_code for answer in answers} == {400}
        text = told(answers[0])
        assert choice in text
        assert advice in text
        assert not RAW.search(text), text
        assert choice in (await caller.client.get("/imports")).text
        assert 'href="/imports"' in answers[0].text, "the way back to the form"
        assert len({told(answer) for answer in answers}) == len(LANGUAGES)
        assert not re.search(r"[\u4e00-\u9fff]", told(answers[2]))

    calling(work)


SALES = (
    "order no,date,quantity,unit price,sku\n1,2026-01-02,1,5.00,MUG\n2,2026-01-02,1,NaN,MUG\n3,2026-01-02,1,abc,MUG\n"
)
REASON = re.compile(r'data-label="[^"]+"><span data-raw>([^<]+)</span></td></tr>')


def test_refused_rows_are_told_in_the_readers_language_with_the_files_own_words(calling):
    async def work(caller):
        pages = {language: (await imported(caller, SALES, "generic", language)).text for language in LANGUAGES}
        reasons = {language: [unescape(each) for each in REASON.findall(page)] for language, page in pages.items()}
        assert all(len(each) == 2 for each in reasons.values()), reasons
        assert all("“unit price”" in reason for each in reasons.values() for reason in each)
        assert [("NaN" in blank, "abc" in bad) for blank, bad in reasons.values()] == [(True, True)] * 3
        assert reasons["zh-CN"][1] == "“unit price”的值“abc”不是金额。"
        assert reasons["zh-TW"][1] == "“unit price”的值“abc”不是金額。"
        assert not any("为空" in reason for reason in reasons["zh-CN"])

    calling(work)


def test_imported_orders_make_no_products_and_the_stock_page_says_so(calling):
    async def work(caller):
        key = await caller.key(*SCOPES)
        assert (await imported(caller, SALES, "generic")).status_code == 200
        stock = await caller.client.get("/api/v1/stock", headers=key)
        assert stock.json()["total"] == 0
        page = (await caller.client.get("/stock")).text
        assert "导入的订单文件只记订单，不会建立商品" in page
        assert "自动建立商品" not in page

    calling(work)


@pytest.mark.parametrize("referer", ["http://elsewhere/codes", "http://hub//elsewhere", "javascript:alert(1)", ""])
def test_the_way_back_is_ours_or_none(calling, referer):
    async def work(caller):
        form = {**CODE, "amount": "0", CSRF_FIELD: await caller.sign_in()}
        answer = await caller.client.post("/codes", data=form, headers={"referer": referer})
        assert answer.status_code == 400
        assert "回到刚才的页面" not in answer.text
        assert "elsewhere" not in answer.text

    calling(work)


BAD_SALES = "order no,date,quantity,unit price,sku\n1,2026-01-02,1,NaN,MUG\n2,2026-01-02,1,abc,MUG\n"
FAILED = {"zh-CN": ("导入失败", "试读失败"), "zh-TW": ("匯入失敗", "試讀失敗"), "en": ("Import failed", "Try failed")}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_file_of_which_no_row_was_taken_is_a_failure(calling, language):
    async def work(caller):
        failed, tried = FAILED[language]
        page = (await imported(caller, BAD_SALES, "generic", language)).text
        box = re.search(r'<div class="ht-alert bad" role="alert">.*?</div>', page)
        assert box, page
        assert failed in box[0]
        assert 'class="ht-alert" ' not in page, "nothing is told as a success"
        assert len(REASON.findall(page)) == 2
        listed = (await caller.client.get("/imports", headers={"accept-language": language})).text
        assert f'<span class="ht-badge bad">{failed}</span>' in listed
        partly = (await imported(caller, SALES, "generic", language)).text
        assert 'class="ht-alert" ' in partly
        assert "ht-alert bad" not in partly
        assert len(REASON.findall(partly)) == 2
        only_try = (await imported(caller, BAD_SALES, "generic", language, only_try="yes")).text
        assert tried in only_try
        assert "ht-alert act" not in only_try

    calling(work)
