"""What is wrong with a link's rules, told with the rule's number, the field and the reason."""

from __future__ import annotations

from typing import Final

from hutong.core.errors import ErrorText, HutongError, clipped

#: Fields of rules as people call them, in Chinese and English.
FIELDS: Final[dict[str, tuple[str, str]]] = {
    "version": ("版本", "version"),
    "zone": ("时区", "time zone"),
    "rules": ("规则", "rules"),
    "key": ("编号", "key"),
    "containers": ("在哪个应用里", "opened in"),
    "systems": ("手机系统", "system"),
    "languages": ("语言", "languages"),
    "from_date": ("开始日期", "first day"),
    "until_date": ("结束日期", "last day"),
    "from_time": ("每天从", "daily from"),
    "until_time": ("每天到", "daily until"),
    "query_name": ("链接参数", "parameter"),
    "query_value": ("参数的值", "parameter's value"),
    "url": ("目标网址", "address"),
    "sku_id": ("商品", "product"),
    "variants": ("对比方案", "variants"),
    "weight": ("份额", "share"),
    "utm": ("来源标记", "UTM"),
    "starts_at": ("开始时间", "start"),
    "expires_at": ("结束时间", "end"),
    "clicks_max": ("最多点击次数", "maximum clicks"),
    "over_url": ("结束后去哪里", "where to afterwards"),
    "password": ("密码", "password"),
}
#: Each reason in Chinese and English; ``{what}`` is what was given or the limit.
REASONS: Final[dict[str, tuple[str, str]]] = {
    "unknown": ("不认识“{what}”", "“{what}” is not known"),
    "unreadable": ("看不懂“{what}”", "“{what}” cannot be read"),
    "too_many": ("最多 {what} 个", "at most {what}"),
    "too_few": ("至少 {what} 个", "at least {what}"),
    "too_long": ("最多 {what} 个字", "at most {what} characters"),
    "too_short": ("至少 {what} 个字", "at least {what} characters"),
    "range": ("应在 {what} 之间", "must lie within {what}"),
    "twice": ("“{what}”出现了两次", "“{what}” stands here twice"),
    "both_times": ("开始和结束都要填，而且不能相同", "both ends are needed, and they differ"),
    "order": ("结束不能早于开始", "the end comes before the start"),
    "one_way": (
        "网址、商品、对比方案，三者填一种",
        "give one of address, product and variants",
    ),
    "destination": (
        "“{what}”不在允许的网站之内",
        "“{what}” is not on the allow-list",
    ),
    "never": ("前面的规则对所有人都成立，这一条永远用不到", "an earlier rule holds for everybody: never reached"),
}


class RuleBroken(HutongError):
    """A link's rules cannot be used; the ones before stay in force. Rule number 0: the link as a whole."""

    code = "rule_broken"
    status = 400
    zh = ErrorText(
        "第 {rule} 条规则的“{field}”不对：{reason}。", "这一项不符合链接规则的要求。", "请改正这一项再保存。"
    )
    en = ErrorText(
        "Rule {rule}, “{field}”: {reason}.",
        "This does not fit what rules of a link hold to.",
        "Correct it and save again.",
    )
    _zh_whole = "链接设置的“{field}”不对：{reason}。"
    _en_whole = "The link's “{field}”: {reason}."

    def __init__(self, rule: int, field: str, reason: str, what: str = "", *, variant: int = 0) -> None:
        super().__init__(rule=rule, field=field, reason=reason, what=clipped(what), variant=variant)

    def text(self, locale: str) -> ErrorText:
        """The texts in a locale, with field and reason in words of the same language."""
        side = 0 if locale.startswith("zh") else 1
        field = str(self.details["field"])
        words = {"field": FIELDS.get(field, (field, field))[side], "reason": self.reason(locale)}
        told = HutongError.text(self.with_details({**self.details, **words}), locale)
        if self.details["rule"]:
            return told
        return ErrorText((self._en_whole if side else self._zh_whole).format(**words), told.cause, told.fix)

    def reason(self, locale: str) -> str:
        """What is wrong, in words."""
        words = REASONS.get(str(self.details["reason"]))
        if words is None:
            return str(self.details["reason"])
        return words[0 if locale.startswith("zh") else 1].format(what=self.details["what"])
