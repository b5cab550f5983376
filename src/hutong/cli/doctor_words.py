"""What each of the doctor's rules means, in a sentence for people; what was found in a row is told beside it."""

from __future__ import annotations

from typing import Final

import msgspec


class Meaning(msgspec.Struct, frozen=True):
    """What must hold, in both languages."""

    zh: str
    en: str


#: Rule -> what it demands. A test holds it against the rules of all rooms.
MEANINGS: Final[dict[str, Meaning]] = {
    "ledger.batch_balances": Meaning("每一批分录借贷相等", "the legs of each batch add up to zero"),
    "ledger.books_balance": Meaning("全部账目借贷相等", "the books as a whole add up to zero"),
    "ledger.posting_belongs": Meaning(
        "每条分录都有它的批次和同币种的科目", "each posting has its batch, and an account of its currency"
    ),
    "ledger.balance_is_fold": Meaning("科目余额等于分录之和", "each balance is the sum of its account's postings"),
    "ledger.refunded_order_is_zero": Meaning(
        "全额退款的订单，各科目都归零", "an order that was refunded whole leaves nothing on any account"
    ),
    "ledger.statement_is_fold": Meaning("结算单的合计等于各行之和", "a statement's figures are the sums of its lines"),
    "ledger.chain_holds": Meaning(
        "账链环环相扣，内容和入账时一样", "every batch follows the one before it and is as it was posted"
    ),
    "ledger.day_holds": Meaning(
        "每天的封印相连，并与账链一致", "the seals of the days follow one another and agree with the chain"
    ),
    "ledger.end_has_last_time": Meaning(
        "账链末端记的时间就是最后一批或最后一次封印的时间", "the chain's end has the time of the last batch or seal"
    ),
    "ledger.account_is_of_its_kind": Meaning(
        "科目的类别与它的名称相符", "each account is of the kind that its path names"
    ),
    "ledger.hold_ends_once": Meaning("每笔预留最多结束一次", "each reserve ends once, as its state says"),
    "ledger.hold_in_chain": Meaning("每笔预留都在账链里", "each reserve is in the chain"),
    "ledger.leg_in_place": Meaning(
        "预留的分录与入账的分录各在其位", "legs of reserves are kept as reserved, all others as posted"
    ),
    "ledger.pending_is_fold": Meaning(
        "科目的预留金额等于未结束的预留之和", "what an account has reserved is the sum of its open reserves"
    ),
    "ledger.settled_within_hold": Meaning("入账不超过预留", "no more is posted than was reserved"),
    "ledger.external_apart": Meaning(
        "外部调用方的科目与本系统的科目互不混用", "callers' accounts and the hub's own never share a batch"
    ),
    "ledger.mark_in_chain": Meaning(
        "每个快照点都指向账链里的一批", "each mark of the snapshots is a batch of the chain"
    ),
    "ledger.snapshot_is_fold": Meaning(
        "余额快照等于当时的分录之和", "each snapshot is the sum of the postings up to its mark"
    ),
    "ledger.flow_is_fold": Meaning(
        "每天、每小时的发生额等于分录之和", "each day's and hour's flow is the sum of its postings"
    ),
    "ledger.commission_is_booked": Meaning(
        "佣金与账上欠分账方的钱一致", "commissions are what the books owe the party"
    ),
    "ledger.settlement_is_booked": Meaning(
        "付给分账方的钱与账上一致", "what commissions say was paid to a party is what the books say"
    ),
    "ledger.payout_is_its_moves": Meaning(
        "每笔钱包外付款付清的佣金等于它的金额，撤销的全部退回",
        "a payment outside the wallet settled its whole sum, and undoing it took back just that",
    ),
    "ledger.settled_is_fold": Meaning(
        "佣金的已付金额等于它的流水之和", "what was paid of a commission is the sum of its journal"
    ),
    "ledger.split_within_sale": Meaning(
        "一单的佣金不超过它扣除手续费和退款后的金额", "an order's commissions stay within what it left"
    ),
    "ledger.commission_is_in_proportion": Meaning(
        "退款按比例收回佣金", "a refund claws each commission back in proportion"
    ),
    "ledger.commission_state_is_its_sums": Meaning(
        "全部收回的佣金才是已收回状态", "a commission is called reversed where all of it is, and nowhere else"
    ),
    "ledger.statement_is_of_its_party": Meaning(
        "结算单的每一行都是它那位分账方的账", "each line of a statement is on its party's account, in its currency"
    ),
    "ledger.statement_is_sealed": Meaning(
        "结算单记的是账链的一处末端，各行都在其前", "a statement names an end of the chain that has its lines behind it"
    ),
    "ledger.commission_levels": Meaning("分佣最多两级", "commissions have two levels at most"),
    "shops.stock_is_fold": Meaning("库存等于库存流水之和", "stock is the sum of its journal"),
    "shops.stock_not_oversold": Meaning("预留不超过现货", "no more is reserved than is on hand"),
    "shops.refund_within_paid": Meaning("订单退款不超过实付", "no order gives back more than it took"),
    "shops.state_is_its_sums": Meaning(
        "订单状态与实付、退款、付款时间相符", "an order's state is what its sums and its time of payment say"
    ),
    "shops.reservation_has_unpaid_order": Meaning(
        "只有未付款的订单占用库存", "only orders that wait for money hold goods"
    ),
    "shops.short_order_is_flagged": Meaning("缺货的订单都有缺货标记", "an order with a short line says so"),
    "shops.flagged_order_is_short": Meaning(
        "标记缺货的订单确有缺货的行", "an order that is called short has a short line"
    ),
    "shops.line_refund_fits": Meaning(
        "订单行的退款不是负数，自有收银的退款只记在订单上",
        "no line gives back less than nothing, and lines of our own checkout give back nothing by themselves",
    ),
    "shops.total_is_lines": Meaning("自有订单的总额等于各行与运费之和", "our own order's total is lines and freight"),
    "shops.line_is_price_times_pieces": Meaning("行金额等于单价乘数量", "a line is its price times its pieces"),
    "shops.journal_is_lines": Meaning("卖出的件数与库存流水一致", "the pieces sold are those that left the stock"),
    "payments.one_capture_stays": Meaning(
        "一笔付款最多留下一次收款", "at most one capture of a payment stays, all others go back"
    ),
    "payments.surplus_goes_back_once": Meaning("多收的钱恰好退回一次", "money taken twice goes back exactly once"),
    "payments.open_suspense_has_ticket": Meaning(
        "待查的款项都有待办，已决定的待办已了结", "money in suspense has an open ticket, and what was decided has none"
    ),
    "payments.mismatched_try_is_a_case": Meaning(
        "金额或归属对不上的付款尝试，都有一笔待决定的款项",
        "each try that does not fit has a sum that can be decided on",
    ),
    "payments.decision_says_who": Meaning(
        "每个决定都记下了是谁、何时、为什么", "each decision on money in suspense says who, when and why"
    ),
    "payments.sent_back_is_its_refund": Meaning(
        "决定退回的款项，正好有一笔同样金额的退款", "what was decided to go back has exactly one refund of the same sum"
    ),
    "payments.taken_is_captured": Meaning(
        "收下的款项就是订单的付款", "money that was taken from suspense is what its order was paid with"
    ),
    "all.suspense_is_booked": Meaning(
        "每笔待查款项入账一次，决定之后了结一次",
        "each sum in suspense is booked once, and taken out once by its decision",
    ),
    "payments.refunds_within_capture": Meaning("退款之和不超过收款", "refunds stay within what was captured"),
    "payments.bill_is_its_rows": Meaning(
        "账单的行数和合计等于存下的各行之和", "a bill's counts and sums are those of the rows that were kept"
    ),
    "payments.bill_wait_ends": Meaning(
        "次日账单到后，等它的款项都有了结论", "what waits for the next day's bill is told once that one is in"
    ),
    "payments.expected_bill_has_job": Meaning("等着的每份账单都有人去取", "each bill that is waited for is asked for"),
    "payments.odd_row_has_difference": Meaning(
        "账单里每一行对不上的，都有一条差异", "each row of a bill that does not agree has its difference"
    ),
    "payments.refunded_is_fold": Meaning("已退金额等于成功退款之和", "what went back is the sum of the refunds"),
    "payments.state_is_its_sums": Meaning("付款状态与已退金额相符", "a payment's state is what its sums say"),
    "payments.paid_has_capture": Meaning(
        "已付的付款都有收款，未付的没有", "what is paid has a capture, what is not has none"
    ),
    "payments.capture_is_its_attempt": Meaning(
        "收款对应一次已付的钱包尝试，金额币种相同", "a capture is a paid attempt of that payment, amount and currency"
    ),
    "payments.refund_is_of_a_paid_attempt": Meaning(
        "每笔退款都对应一次已付的钱包尝试", "each refund is of a paid attempt of its payment"
    ),
    "payments.open_payment_ends": Meaning(
        "未付款项要么已向钱包下单，要么会到期关闭", "an open payment was tried at a wallet, or something closes it"
    ),
    "payments.combined_is_its_parts": Meaning(
        "合单的笔数、金额、币种就是其中各笔付款之和", "a combined payment is the count and sum of its parts"
    ),
    "payments.combined_state_is_its_tries": Meaning(
        "合单的状态与其中各笔的收款结果相符", "a combined payment stands where the attempts of its parts stand"
    ),
    "payments.combined_try_is_whole": Meaning(
        "每次合单下单都包含全部各笔", "each try of a combined payment has every part of it"
    ),
    "customers.identity_leads_to_one": Meaning(
        "每个身份对应一位顾客，每位顾客都有身份", "each identity leads to a customer, each customer has one"
    ),
    "customers.total_is_fold": Meaning("顾客累计等于其订单之和", "a customer's totals are the sums of his orders"),
    "customers.refund_within_order": Meaning(
        "顾客的订单退款不超过实付", "no customer's order gives back more than it took"
    ),
    "analytics.refund_within_sale": Meaning(
        "统计中退款不超过销售额", "no sale in the figures gives back more than it took"
    ),
    "analytics.line_of_sale": Meaning("统计的每一行都有它的销售", "each line in the figures has its sale"),
    "analytics.click_of_one_link": Meaning(
        "一次点击只属于一个链接和渠道", "a click's sales name one link and one channel"
    ),
    "links.promoted_order_of_lines": Meaning(
        "推广订单的金额等于它已付款的各行之和", "a promoted order's sum is that of its paid lines"
    ),
    "webhooks.event_is_queued": Meaning(
        "每个对外事件都已排入每个订阅地址", "each public event is on its way to each endpoint that hears it"
    ),
    "webhooks.state_is_its_times": Meaning(
        "等待中的推送有下次时间，结束的推送有结束时间",
        "a delivery that waits has a next try, one that ended has an end",
    ),
    "webhooks.arrival_has_attempt": Meaning(
        "送达的推送都有一次成功的记录", "each delivery that arrived has an attempt that says so"
    ),
    "all.paid_order_is_booked": Meaning("已付的订单都已入账", "each paid order is in the books"),
    "all.books_are_the_orders": Meaning(
        "账上的销售与退款就是订单的实付与退款", "the books hold what orders were paid, and what went back"
    ),
    "all.captured_payment_has_paid_order": Meaning("收到款的订单是已付状态", "the order of a captured payment is paid"),
    "all.refund_reached_order": Meaning("付款与订单的退款一致", "payment and order agree on what went back"),
    "all.order_is_what_was_captured": Meaning("订单实付就是收到的钱", "an order was paid what was captured for it"),
    "all.paid_order_is_counted": Meaning("统计中恰好有全部已付订单", "the figures hold the paid orders and no others"),
    "all.figures_are_the_orders": Meaning(
        "统计与订单的金额、来源、顾客、付款时间一致", "figures and orders agree on amounts, origin, customer and time"
    ),
    "all.figures_have_the_lines": Meaning("统计中的商品行与订单一致", "the figures hold the lines of the orders"),
    "all.customers_orders_are_the_orders": Meaning(
        "顾客名下的订单与订单本身一致", "customers' orders agree with the orders themselves"
    ),
    "tenancy.rows_are_walled": Meaning("每张表都开启按商户隔离", "row-level security is on for every table"),
    "tenancy.policy_is_ours": Meaning("隔离策略没有被改动或绕开", "no policy was changed or opens rows to others"),
    "tenancy.role_is_bound": Meaning("数据库角色不能绕开隔离", "no role of ours can step around row-level security"),
    "jobs.none_failed": Meaning("没有彻底失败的后台任务", "no job has used up its attempts"),
}
