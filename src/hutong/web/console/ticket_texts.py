"""What each kind of ticket says: what happened, why, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from hutong.core.money import MINOR_DIGITS, Money
from hutong.merchants.queries import TicketRow
from hutong.web.console.credential_words import field_label
from hutong.web.format import Formats
from hutong.web.labels import label_of, mark
from hutong.workflows.commands.mismatch import SAME_MONEY


class TicketText(msgspec.Struct, frozen=True, kw_only=True):
    """Source texts; ``%(name)s`` fields come from the ticket's details."""

    sentence: str
    cause: str
    fix: str


TEXTS: Final[dict[str, TicketText]] = {
    "notice_mismatched": TicketText(
        sentence=mark("%(platform)s报来的付款与订单对不上：商户单号 %(out_trade_no)s，金额 %(amount)s。"),
        cause=mark("签名是真的，但%(field)s与我们的记录不同，没有记为已付款，款项记入待查。"),
        fix=mark("点“去决定”：按实收金额收下、原路退回或核销。拿不准时先到钱包的商户后台查这笔单。"),
    ),
    "surplus_captured": TicketText(
        sentence=mark("同一笔订单多收了 %(amount)s，已自动退款。"),
        cause=mark("买家付了两次，或在订单关闭之后才付款成功。"),
        fix=mark("不用操作；确认退款到账即可。"),
    ),
    "refund_abnormal": TicketText(
        sentence=mark("退款 %(amount)s 没有到达买家。"),
        cause=mark("钱包退不回原来的付款账户，例如银行卡已注销。"),
        fix=mark("点“去看看”，在这笔退款旁边选“换个方式退”；已在钱包的商户后台处理的，标为已处理。"),
    ),
    "refund_failed": TicketText(
        sentence=mark("退款 %(amount)s 没有办成：%(problem)s"),
        cause=mark("%(platform)s拒绝了这笔退款，钱没有退出去。"),
        fix=mark("按提示排除原因后重新退款，或与买家另行结清。"),
    ),
    "refund_waiting": TicketText(
        sentence=mark("退款 %(amount)s 暂时退不出去：%(problem)s"),
        cause=mark("多半是%(platform)s商户账户余额不足，或账户设置不对。"),
        fix=mark("充值或改正设置即可；系统会用同一个退款单号继续重试。"),
    ),
    "payment_unclear": TicketText(
        sentence=mark("一笔 %(amount)s 的付款在%(platform)s那边一直没有明确结果。"),
        cause=mark("钱包多次查询和关单都没有给出结果；订单保持打开，不会当作失败。"),
        fix=mark("在钱包的商户后台按商户单号 %(out_trade_no)s 查询；恢复后在这笔收款里点“现在就查”。"),
    ),
    "wallet_down": TicketText(
        sentence=mark("收款账户“%(title)s”出了问题，已暂时停用：%(word)s"),
        cause=mark("%(platform)s因账户自身的原因连续拒绝下单，或没有回应。"),
        fix=mark("检查该账户的权限、密钥和状态；恢复后会自动启用。期间由其他账户收款。"),
    ),
    "certificate_ending": TicketText(
        sentence=mark("账户“%(title)s”（%(platform)s）的“%(certificate)s”有效期到 %(ends_on)s。"),
        cause=mark("证书都有期限。过了这一天，%(platform)s不再认这个账户，收款和退款都会停下。"),
        fix=mark(
            "请赶在这天之前到%(platform)s的商户后台换新证书，再点“去看看”，在“平台连接”里打开这个账户，换上新的。"
        ),
    ),
    "account_refused": TicketText(
        sentence=mark("%(platform)s不认账户“%(title)s”了：%(code)s %(message)s"),
        cause=mark("密钥或授权失效，或者权限没有开通；恢复之前，这个账户的订单读不到，链接也换不成它的推广网址。"),
        fix=mark(
            "到%(platform)s的后台核对权限和授权，再点“去看看”，在“平台连接”里换上新的。恢复后会自动接着读，不会漏单。"
        ),
    ),
    "bill_differs": TicketText(
        sentence=mark("%(platform)s %(day)s 的账单和我们的记录对不上。"),
        cause=mark("钱包账单里多了或少了一笔，或者金额、手续费不同。"),
        fix=mark("点“去看看”逐笔核对；弄清楚之后写明原因，标为已处理。"),
    ),
    "bill_missing": TicketText(
        sentence=mark("%(platform)s %(day)s 的账单一直没有拿到。"),
        cause=mark("五天里反复去取，钱包没有给出账单，或给出的文件不能用。"),
        fix=mark("先在钱包的商户后台确认有没有这一天的账单，再点“去看看”重新读取。"),
    ),
    "stock_short": TicketText(
        sentence=mark("%(source)s订单 %(order_no)s 缺 %(missing_quantity)s 件：%(seller_code)s。"),
        cause=mark("几个平台几乎同时卖出了最后几件，或平台上的库存数字没有及时更新。"),
        fix=mark("补货后发货，或与买家协商退款。"),
    ),
    "job_failed": TicketText(
        sentence=mark("一项后台工作多次失败，已停下。"),
        cause=mark("对方系统一直出错，或授权、设置不对。"),
        fix=mark("检查平台连接；排除原因后运行 hutong doctor。"),
    ),
    "clicks_lost": TicketText(
        sentence=mark("有 %(count)s 次点击没有记下来。"),
        cause=mark("程序被强行结束时，最后几次点击还没有写入数据库。"),
        fix=mark("不用操作；统计时请记得这个数字。"),
    ),
    "webhook_failing": TicketText(
        sentence=mark("推送地址“%(title)s”一个多小时没有收到任何事件。"),
        cause=mark("对方没有应答、应答出错，或证书、域名有问题；系统在按计划重发，约三天后停止。"),
        fix=mark("点“去看看”，看对方每次怎么应答；恢复后，等着的事件会立刻补发。"),
    ),
    "webhook_disabled": TicketText(
        sentence=mark("推送地址“%(title)s”已停用，不再发送事件。"),
        cause=mark("对方三天多没有收下任何事件，或明确表示不再接收（410）。"),
        fix=mark("对方恢复后，点“去看看”重新启用，再补发停用期间的事件。"),
    ),
    "webhook_failed": TicketText(
        sentence=mark("有事件一直没能送达“%(title)s”：%(event_type)s。"),
        cause=mark("别的事件都送到了，只有它，对方每次都拒绝。"),
        fix=mark("点“去看看”，看对方的应答；对方改好后可以补发。"),
    ),
    "wall_closed": TicketText(
        sentence=mark("从%(container)s（%(system)s）打不开%(destination)s了：最近 %(tries)s 次只成功 %(left)s 次。"),
        cause=mark("应用改了放行名单，或买家多半没有装要打开的应用。链接已自动换用别的办法。"),
        fix=mark("点“去看看”：看还有哪些办法，给链接补上平台口令；平台恢复后会再告诉您。"),
    ),
    "link_winner": TicketText(
        sentence=mark("链接“%(title)s”规则 %(rule)s 的比较有了结果：方案 %(variant)s 卖得最好。"),
        cause=mark("它带来 %(clicks)s 次点击、%(orders)s 笔订单，满整周时领先已足够可靠；以后的访客都去这个方案。"),
        fix=mark("不用操作；想继续比较，点“去看看”，在编辑里把其他方案的份额改回来，系统不会再为同一个结果改动。"),
    ),
    "wall_opened": TicketText(
        sentence=mark("从%(container)s（%(system)s）能直接打开%(destination)s了：最近 %(tries)s 次成功 %(left)s 次。"),
        cause=mark("应用放行了，链接已自动先走这条路。"),
        fix=mark("不用操作；可以多在这个平台发链接。知道了就标为已处理。"),
    ),
    "host_lost": TicketText(
        sentence=mark("网址 %(host)s 的证明找不到了，它的链接不再直接跳转。"),
        cause=mark("连续几次检查，都没有在这个网址上找到证明文件：文件被删，域名到期，或网站打不开。"),
        fix=mark("点“去看看”，按步骤重新放好证明文件，再点“现在检查”。"),
    ),
    "link_reported": TicketText(
        sentence=mark("有人举报链接“%(title)s”，共 %(count)s 次。最近的原因：%(reason)s。"),
        cause=mark("访客在举报页里选了这个原因；没有登录，也可能是误报。"),
        fix=mark("点“去看看”，打开链接看看去了哪里；有问题就停用它。"),
    ),
    "link_broken": TicketText(
        sentence=mark("链接“%(title)s”要去的页面打不开了：%(problem)s。"),
        cause=mark("连续两次检查都打不开：商品可能下架，页面被删，或对方网站出了问题。"),
        fix=mark("点“去看看”，核对目标页面；换一条新链接，或先停用这一条。恢复后这条待办会自动关闭。"),
    ),
}
#: A notice that names no sum which could be booked: nothing stands in suspense either.
_WITHOUT_SUM: Final = TicketText(
    sentence=mark("%(platform)s报来的付款与订单对不上，也没有说出能入账的金额：商户单号 %(out_trade_no)s。"),
    cause=mark("签名是真的，但%(field)s与我们的记录不同，没有记为已付款；没有金额，账上也没有记待查款。"),
    fix=mark("在钱包的商户后台查这笔单，看实际收到多少，再手动处理或退款。"),
)
#: Beside the cause, where the order needs nothing more.
PAID_OTHERWISE: Final = mark("这笔订单已经由另一条通知付清，不受影响。")
#: A notice of money that is in suspense by another one.
_SAME_MONEY: Final = TicketText(
    sentence=mark("同一笔钱又报来一次，还有一处对不上：%(platform)s商户单号 %(out_trade_no)s，金额 %(amount)s。"),
    cause=mark("签名是真的，但%(field)s也与我们的记录不同；这笔钱已经记在待查里，没有再记一次。"),
    fix=mark("先处理同一个商户单号的另一条待办，再把这一条标为已处理。"),
)
_OTHER: Final = TicketText(
    sentence=mark("有一件事需要查看：%(kind)s"),
    cause=mark("系统拿不准该怎么处理。"),
    fix=mark("查看相关记录，处理后标为已处理。"),
)


def ticket_text(ticket: TicketRow, translate: Callable[[str], str], formats: Formats) -> tuple[str, str, str]:
    """Sentence, cause and fix of a ticket in the reader's language."""
    without_sum = ticket.kind == "notice_mismatched" and not ticket.details.get("amount_minor")
    text = _WITHOUT_SUM if without_sum else TEXTS.get(ticket.kind, _OTHER)
    if SAME_MONEY in ticket.details:
        text = _SAME_MONEY
    fields = _Fields(ticket.details, ticket.kind, translate, formats)
    sentence, cause, fix = (translate(part) % fields for part in (text.sentence, text.cause, text.fix))
    return sentence, cause, fix


class _Fields(dict[str, str]):
    """Details as people read them; a field that is missing shows as a dash, never as an error."""

    def __init__(
        self, details: Mapping[str, Any], kind: str, translate: Callable[[str], str], formats: Formats
    ) -> None:
        super().__init__({name: str(value) for name, value in details.items()})
        self["kind"] = kind
        amount, currency = details.get("amount_minor"), details.get("currency", "CNY")
        if isinstance(amount, int) and currency in MINOR_DIGITS:
            self["amount"] = formats.money(Money(amount, currency))
        if "field" in details:
            self["field"] = translate(label_of("notice_field", str(details["field"])))
        if "certificate" in details:
            self["certificate"] = translate(field_label(str(details.get("platform")), str(details["certificate"])))
        if "reason" in details:
            self["reason"] = translate(label_of("report_reason", str(details["reason"])))
        if "trouble" in details:
            self["problem"] = translate(label_of("health_trouble", str(details["trouble"])))
        if "event_type" in details:
            self["event_type"] = translate(label_of("webhook_event", str(details["event_type"])))
        for name, kind in (("container", "container"), ("system", "os"), ("destination", "destination")):
            if name in details:
                self[name] = translate(label_of(kind, str(details[name])))
        for name in ("platform", "source"):
            if name in details:
                self[name] = translate(label_of("platform", str(details[name])))

    def __missing__(self, key: str) -> str:
        return "–"
