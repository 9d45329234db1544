from answerable.accountability import rules


def opinions(concur, dissent):
    return {f"E{i}": "concur" if i < concur else "dissent" for i in range(concur + dissent)}


def test_s1_six_sitting_five_to_one_is_adopted():
    count = rules.count_panel(opinions(5, 1))
    assert (count.sitting, count.concurring, count.dissenting, count.adopted) == (6, 5, 1, True)


def test_a_panel_needs_five_sitting_and_four_concurring():
    assert not rules.count_panel(opinions(4, 0)).adopted
    assert rules.count_panel(opinions(4, 1)).adopted
    assert not rules.count_panel(opinions(3, 4)).adopted


def test_a_recused_experts_opinion_is_not_heard():
    assert rules.count_panel(opinions(5, 0), recused=frozenset({"E0"})).sitting == 4


def test_nationals_of_respondent_and_proposer_do_not_sit():
    assert rules.recused_expert("ILM", respondent="ILM") and rules.recused_expert("AVN", respondent="X", proposer="AVN")
    assert not rules.recused_expert("", respondent="") and not rules.recused_expert("BLM", respondent="ILM")


def test_standards_are_ordered():
    assert rules.reaches("SP3", "SP2") and not rules.reaches("SP1", "SP2") and rules.reaches("SP1", "none")


def test_a_pattern_finding_needs_the_test_and_the_standard():
    tests = {"PT": (True, ""), "LS": (False, "")}
    assert {c.status for c in rules.pattern_criteria("F-PAT", tests, "SP2", "SP2")} == {"MET"}
    assert [c.status for c in rules.pattern_criteria("F-LS", tests, "SP2", "SP3")] == ["NOT_MET", "NOT_MET"]
