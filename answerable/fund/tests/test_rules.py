import pytest

from answerable.common.money import Money
from answerable.fund import rules


def usd(text):
    return Money.parse(text, "USD")


def test_s12_set_asides_of_cash_received():
    legs = {leg.account: -leg.amount.minor for leg in rules.receipt(usd("6250000"))}
    assert legs["administration"] == 31250000 and legs["urgent_window"] == 62500000
    assert legs["liquidity"] == 31250000 and legs["distributable"] == 500000000
    assert rules.balances(rules.receipt(usd("6250000")))


@pytest.mark.parametrize("minor", [1, 3, 19, 101, 99999])
@pytest.mark.parametrize("earmarked", [True, False])
def test_no_cent_is_lost_in_a_split(minor, earmarked):
    assert rules.balances(rules.receipt(Money(minor, "USD"), earmarked=earmarked))


def test_an_entry_that_does_not_sum_to_zero_does_not_balance():
    assert not rules.balances([rules.Leg("cash", usd("1"))]) and not rules.balances([])
    assert not rules.balances([rules.Leg("cash", Money(1, "USD")), rules.Leg("distributable", Money(-1, "EUR"))])
    with pytest.raises(ValueError):
        rules.balances([rules.Leg("pocket", usd("1"))])


def test_forbidden_earmarks_are_offered_another_way():
    assert "unearmarked" in rules.earmark_obstacle("side") and rules.earmark_obstacle("situation") == ""


def test_a_retry_has_the_same_key_and_another_instalment_another():
    assert rules.idempotency_key("L", 1) == rules.idempotency_key("L", 1) != rules.idempotency_key("L", 2)


@pytest.mark.parametrize(("hands", "clash"), [(("a", ["b", "c"], "d"), False), (("a", ["a"], ""), True),
                                              (("a", ["b", "b"], ""), True), (("a", ["b", "c"], "a"), True)])  # fmt: skip
def test_payment_hands_differ(hands, clash):
    assert bool(rules.hands_clash(*hands)) is clash
