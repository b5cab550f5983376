"""What the books refuse."""

from __future__ import annotations

from hutong.core.errors import ErrorText, HutongError


class UnbalancedBatch(HutongError):
    """The legs of a batch do not add up to zero in every currency."""

    code = "ledger_unbalanced"
    status = 422
    zh = ErrorText(
        "分录“{key}”借贷不平：{currency} 相差 {difference_minor}。",
        "同一笔分录中，每个币种的借方与贷方必须相等。",
        "请更正金额后重新记账。",
    )
    en = ErrorText(
        "Batch “{key}” does not balance: {difference_minor} {currency} too much.",
        "Debits and credits of a batch are equal in every currency.",
        "Correct the amounts and post again.",
    )


class MalformedBatch(HutongError):
    """A batch has too few or too many legs, an unknown account path, a zero leg or a time without a zone."""

    code = "ledger_malformed"
    status = 422
    zh = ErrorText(
        "分录“{key}”无法记账：{problem}。",
        "分录至少两行、金额不为零、科目路径有效、时间带时区。",
        "请更正后重新记账。",
    )
    en = ErrorText(
        "Batch “{key}” cannot be posted: {problem}.",
        "A batch has two legs or more, no zero amount, valid account paths and an aware time.",
        "Correct it and post again.",
    )


class BatchKeyReused(HutongError):
    """The idempotency key was posted before with other content."""

    code = "ledger_key_reused"
    status = 409
    zh = ErrorText(
        "记账编号“{key}”已用于另一笔内容不同的分录。",
        "同一编号只能对应同一笔分录；已记的账不能修改。",
        "请查看原分录；需要更正时另记一笔冲正分录。",
    )
    en = ErrorText(
        "The posting key “{key}” serves another batch with other content.",
        "A key stands for one batch; what is posted does not change.",
        "Look at the first batch; correct it with a reversing one.",
    )


class AccountOverdrawn(HutongError):
    """A batch would drive a guarded account off its side, counting what is reserved."""

    code = "ledger_overdrawn"
    status = 409
    zh = ErrorText(
        "科目 {path} 余额不足：分录“{key}”超出可用额度 {headroom_minor}（{currency} 最小单位）。",
        "该科目设置了不得透支；已冻结的金额也计算在内。",
        "请减少金额，或先入账、解冻后再试。",
    )
    en = ErrorText(
        "Account {path} has too little: batch “{key}” takes more than its {headroom_minor} minor units of {currency}.",
        "The account must not leave its side; what is reserved counts.",
        "Take less, or post or release something first.",
    )


class AccountBeyondBooks(HutongError):
    """A batch or a reserve would drive an account or what is reserved on it, beyond what the books can hold."""

    code = "ledger_beyond_books"
    status = 422
    zh = ErrorText(
        "这笔金额会使科目超出账簿能容纳的范围，没有记账。",
        "一个科目的余额、借方冻结和贷方冻结各自不超过 {most_minor}（最小货币单位）。",
        "请检查金额是否多写了位数；确实无误时改记到另一个科目。",
    )
    en = ErrorText(
        "With these amounts an account would leave what the books can hold; nothing was posted.",
        "An account holds {most_minor} minor units at most: as its balance, and reserved on each side.",
        "Check the amounts for digits too many; if they are right, post to another account.",
    )


class AccountNotExternal(HutongError):
    """A caller of the API names an account that only the hub itself posts to."""

    code = "ledger_not_external"
    status = 403
    zh = ErrorText(
        "科目 {path} 不能由接口记账。",
        "钱包、收入、应付等科目只由互通根据真实付款记账；接口只能使用以 external: 开头的科目。",
        "请改用 external: 开头的科目，例如 external:points:issued。",
    )
    en = ErrorText(
        "Account {path} is not posted to by the API.",
        "Wallets, revenue, debts and the like follow real payments only; callers use accounts under external:.",
        "Use an account such as external:points:issued.",
    )


class HoldResolved(HutongError):
    """A reserve was posted, given up or has run out already."""

    code = "ledger_hold_resolved"
    status = 409
    zh = ErrorText(
        "冻结 {hold_id} 已结束：{state}。",
        "一笔冻结只能结束一次：入账、解冻或到期。",
        "请查看该笔冻结的结果；需要时另记一笔分录。",
    )
    en = ErrorText(
        "Hold {hold_id} has ended: {state}.",
        "A hold ends once: it is posted, voided or runs out.",
        "Look at how it ended; post another batch if one is needed.",
    )


class HoldExceeded(HutongError):
    """More would be posted of a reserve than was reserved, or something else."""

    code = "ledger_hold_exceeded"
    status = 422
    zh = ErrorText(
        "冻结 {hold_id} 不足以入账：{path} 入账 {posted_minor}，冻结 {held_minor}。",
        "入账的科目、方向和金额必须在冻结的范围之内。",
        "请更正金额，或另记一笔分录。",
    )
    en = ErrorText(
        "Hold {hold_id} does not cover it: {posted_minor} on {path}, {held_minor} held.",
        "What is posted stays within what was reserved: account, side and amount.",
        "Correct the amounts, or post another batch.",
    )


class BooksBusy(HutongError):
    """More posts wait for one merchant's books than they take in."""

    code = "ledger_busy"
    status = 503
    zh = ErrorText("账簿繁忙：已有 {waiting_count} 笔在等待。", "记账请求超过处理速度。", "请稍后用同一编号重试。")
    en = ErrorText(
        "The books are busy: {waiting_count} posts wait.",
        "More is posted than can be written.",
        "Try again later with the same key.",
    )


class PostingUnclear(HutongError):
    """The database did not answer: the batch may stand in the books or not."""

    code = "ledger_unclear"
    status = 503
    zh = ErrorText(
        "分录“{key}”结果未知。", "数据库没有应答，可能已入账，也可能没有。", "请用同一编号重试：已入账的不会重复。"
    )
    en = ErrorText(
        "Whether batch “{key}” was posted is unknown.",
        "The database did not answer; it may have been written or not.",
        "Post it again with the same key: what stands in the books is not doubled.",
    )


class RefundBeyondSale(HutongError):
    """A refund is not positive, or all refunds together exceed the sale."""

    code = "refund_beyond_sale"
    status = 422
    zh = ErrorText(
        "退款金额有误：已退 {before_minor}，本次 {refunded_minor}，订单 {gross_minor}。",
        "退款必须大于零，累计退款不能超过订单金额。",
        "请核对订单的退款记录。",
    )
    en = ErrorText(
        "The refund does not fit: {before_minor} refunded before, {refunded_minor} now, sale {gross_minor}.",
        "A refund is above zero and all refunds together stay within the sale.",
        "Check the refunds of the order.",
    )


class SaleNotPosted(HutongError):
    """A refund arrived for an order whose sale is not in the books (yet)."""

    code = "sale_not_posted"
    status = 409
    zh = ErrorText("订单 {order_id} 的销售尚未入账。", "退款按原销售分录冲回，因此销售必须先入账。", "系统会自动重试。")
    en = ErrorText(
        "The sale of order {order_id} is not in the books yet.",
        "A refund reverses the postings of its sale, so the sale comes first.",
        "It is tried again automatically.",
    )


class ShareTooLarge(HutongError):
    """The fee or the shares of a sale are negative or more than the sale."""

    code = "share_too_large"
    status = 422
    zh = ErrorText(
        "订单 {order_id} 的手续费或分成为 {shared_minor}，不在订单金额 {gross_minor} 之内。",
        "分成只能来自本订单的收入，且不能为负。",
        "请调整分成规则。",
    )
    en = ErrorText(
        "Fee or shares of order {order_id} come to {shared_minor}, not within its {gross_minor}.",
        "Shares are paid from the sale's own money and are never negative.",
        "Change the split rules.",
    )


class StatementRefused(HutongError):
    """A statement's period is empty, has not begun, or overlaps another one of the same party."""

    code = "statement_refused"
    status = 409
    zh = ErrorText(
        "不能出具该账期的结算单：{problem}。",
        "开始时间必须早于结束时间，账期要已经开始，且同一收款方的账期不能重叠。",
        "请检查起止时间，或查看已有的结算单。",
    )
    en = ErrorText(
        "No statement can be drawn for this period: {problem}.",
        "A period begins before it ends, has begun, and does not overlap another one of the same party.",
        "Check start and end, or look at the statements that exist.",
    )


class StatementTorn(HutongError):
    """A statement's lines no longer add up to what it says: the books were changed behind the hub's back."""

    code = "statement_torn"
    status = 409
    zh = ErrorText(
        "这张结算单的明细加起来和它的合计不一致，不能导出。",
        "账本被人绕过系统改过，或数据库损坏。",
        "请运行 hutong doctor 查明，在此之前不要按它付款。",
    )
    en = ErrorText(
        "The lines of this statement do not add up to its totals, so it is not printed.",
        "The books were changed behind the hub's back, or the database is damaged.",
        "Run hutong doctor, and pay nobody by this statement before.",
    )


class StatementTooLong(HutongError):
    """A statement has more lines than one file takes."""

    code = "statement_too_long"
    status = 422
    zh = ErrorText(
        "这张结算单有 {lines} 行，超过一个文件的上限。",
        "PDF 最多 {most_pdf} 行，表格最多 {most} 行。",
        "请改用 CSV 或 XLSX，或从接口分页读取。",
    )
    en = ErrorText(
        "This statement has {lines} lines, more than one file takes.",
        "A PDF takes {most_pdf} lines at most, a table {most}.",
        "Take CSV or XLSX, or read it page by page from the API.",
    )
