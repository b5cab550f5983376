"""What splits refuse, each with its reason: rules that may not be, and payouts that do not fit."""

from __future__ import annotations

from hutong.core.errors import ErrorText, HutongError


class RuleRefused(HutongError):
    """A split rule would pay nothing, or its terms do not fit its kind."""

    code = "split_rule_refused"
    status = 422
    zh = ErrorText(
        "分成规则无效：{problem}。",
        "每种规则只使用自己的条款：比例、固定金额、阶梯、上限或余额，且必须大于零。",
        "请对照说明更正条款后再提交。",
    )
    en = ErrorText(
        "The split rule is refused: {problem}.",
        "Each kind of rule uses terms of its own (percent, fixed, tier, cap, remainder), all above zero.",
        "Correct the terms and send it again.",
    )


class TooManyLevels(RuleRefused):
    """A rule would pay somebody who stands more than two levels above the sale."""

    code = "split_levels_refused"
    zh = ErrorText(
        "分成规则被拒绝：奖励最多两级，这条规则要付到第 {level} 级。",
        "《禁止传销条例》不允许多级计酬；系统固定最多两级：带来订单的人，以及介绍他的人。",
        "请只给带来订单的人或其直接介绍人设置分成。",
    )
    en = ErrorText(
        "The split rule is refused: it would pay level {level}, and two are the most.",
        "The law forbids pay over many levels; here it is the one who brought the sale and who introduced that one.",
        "Share with the one who brought the sale or with the direct introducer only.",
    )


class PaysForRecruiting(RuleRefused):
    """A rule would pay for recruiting, head-count, an entry fee or for sharing as such."""

    code = "split_recruiting_refused"
    zh = ErrorText(
        "分成规则被拒绝：不能为“{paid_for}”付酬。",
        "拉人头、入门费和单纯转发都不得计酬；分成只能来自已付款且未退款的订单。",
        "请把规则改为按订单计算（paid_for = order）。",
    )
    en = ErrorText(
        "The split rule is refused: nothing may be paid for “{paid_for}”.",
        "Recruiting, head-count, entry fees and sharing earn nothing; shares come from paid, unrefunded orders.",
        "Make it a rule on orders (paid_for = order).",
    )


class TotalCapExceeded(RuleRefused):
    """The rules of one sale would give away more of its price than the merchant allows."""

    code = "split_cap_exceeded"
    zh = ErrorText(
        "分成规则被拒绝：同一笔销售合计会分出 {total_bps}/10000，超过商户上限 {cap_bps}/10000。",
        "一笔销售的全部分成之和不能超过商户设定的总上限。",
        "请降低比例、停用其他规则，或调整商户的分成总上限。",
    )
    en = ErrorText(
        "The split rule is refused: one sale would give away {total_bps}/10000, above the merchant's {cap_bps}/10000.",
        "All shares of a sale stay within the total cap that the merchant has set.",
        "Lower the rate, end another rule, or change the merchant's total cap.",
    )


class PartyCapExceeded(RuleRefused):
    """The rules of one party would promise more than that party's own cap."""

    code = "split_party_cap_exceeded"
    zh = ErrorText(
        "分成规则被拒绝：该收款方在一笔销售中合计可得 {total_bps}/10000，超过其上限 {cap_bps}/10000。",
        "收款方设有上限规则，他的全部分成不能超过这个上限。",
        "请降低比例，或先停用上限规则再重新设置。",
    )
    en = ErrorText(
        "The split rule is refused: the party could earn {total_bps}/10000 of a sale, above its cap {cap_bps}/10000.",
        "A cap rule holds for the party: all its shares together stay within it.",
        "Lower the rate, or end the cap rule and make another one.",
    )


class IntroducerRefused(HutongError):
    """A party cannot be introduced by itself, or by somebody it introduced."""

    code = "introducer_refused"
    status = 422
    zh = ErrorText(
        "不能这样设置介绍人：会形成循环，或已设置过介绍人。",
        "介绍关系是一条单向的链，设置后不再更改。",
        "请检查双方的介绍关系。",
    )
    en = ErrorText(
        "This introducer is refused: it would close a circle, or one is set already.",
        "Introductions are a one-way chain that does not change afterwards.",
        "Look at who introduced whom.",
    )


class OutsidePaymentTooLarge(HutongError):
    """More is said to be paid outside the wallet than stands there as payable."""

    code = "outside_payment_too_large"
    status = 409
    zh = ErrorText(
        "钱包外付款 {amount_minor} 超过该收款方的钱包外应付 {due_minor}（最小货币单位）。",
        "只能登记已到期、且钱包不能代付的部分；欠回的金额会先抵扣。",
        "请先查看该收款方的应付明细。",
    )
    en = ErrorText(
        "A payment of {amount_minor} outside the wallet exceeds what is payable there, {due_minor} (minor units).",
        "Only what is due and the wallet may not carry is paid outside; what the party owes back is netted first.",
        "Look at the party's commissions first.",
    )


class PayoutUndone(HutongError):
    """A payment outside the wallet was undone before."""

    code = "payout_undone"
    status = 409
    zh = ErrorText(
        "这笔付款已经撤销过了。",
        "一笔付款只能撤销一次，可能是别人刚刚撤销的。",
        "请刷新页面看现在的状态；确实付了钱就重新记一笔。",
    )
    en = ErrorText(
        "This payment was undone already.",
        "A payment is undone once; somebody else may just have done it.",
        "Reload the page; record the payment anew if it was really made.",
    )


class PayoutRelied(HutongError):
    """Something later rests on a payment outside the wallet."""

    code = "payout_relied_on"
    status = 409
    zh = ErrorText(
        "这笔付款不能撤销。",
        "它付清的佣金后来因退款欠回，已经和别的佣金抵扣，或被钱包退回；撤销会让后面的账对不上。",
        "请不要撤销；金额有出入的，在下一次付款里多付或少付。",
    )
    en = ErrorText(
        "This payment cannot be undone.",
        "What it paid was set off against other commissions since, or taken back by the wallet.",
        "Leave it; settle a difference with the next payment.",
    )
