"""Each rule is needed: take a policy away, or any part of its condition, and the matrix notices.

Permits and forbids are judged one by one in Cedar (allowed: any permit and no forbid), so a mutated policy is asked
alone and its answer put back among the others'. A mutant dies when a decision, or the reason a refusal gives, changes:
both are compared with the table by test_matrix.py. What survives is printed with the part that nobody would miss.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

import cedarpy
from security.matrix import resources

from answerable.authority import engine

NEEDED = 0.95
AT_ONCE = 300


@dataclass(frozen=True)
class Policy:
    """One policy's text in parts: who and what it speaks of, its condition, its effect."""

    name: str
    effect: str
    head: str
    condition: str  # "when { … }" or "unless { … }", or ''

    @property
    def text(self) -> str:
        return f"{self.effect} ({self.head})\n{self.condition};"


def policies() -> list[Policy]:
    """Every policy in force."""
    plain = re.sub(r"^\s*//.*$", "", engine.policies().text, flags=re.M)
    found = []
    for block in re.findall(r"@id\(.*?\n.*?;\s*$", plain, re.M | re.S):
        name = re.search(r'@id\("([^"]+)"\)', block)[1]
        effect, rest = re.search(r"^(permit|forbid)\s*(\(.*);\s*$", block, re.M | re.S).groups()
        end = _closing(rest, 0)
        found.append(Policy(name, effect, rest[1:end].strip(), rest[end + 1 :].strip()))
    return found


def _closing(text: str, start: int) -> int:
    """Where the bracket that opens at `start` closes."""
    depth = 0
    for n in range(start, len(text)):
        depth += (text[n] in "([{") - (text[n] in ")]}")
        if not depth:
            return n
    raise ValueError(f"unbalanced: {text}")


def _split(text: str, by: str) -> list[tuple[int, int]]:
    """The stretches of `text` between `by` at the outermost level."""
    cuts, depth, last = [], 0, 0
    for n, c in enumerate(text):
        depth += (c in "([{") - (c in ")]}")
        if not depth and text.startswith(by, n):
            cuts.append((last, n))
            last = n + len(by)
    return [*cuts, (last, len(text))]


def _weakened(text: str) -> Iterator[tuple[str, str]]:
    """(what was done, the expression after it): each operand dropped or negated, at every depth."""
    whole = text.strip()
    for by in ("||", "&&"):
        parts = [text[a:b].strip() for a, b in _split(text, by)]
        if len(parts) > 1:
            for n, part in enumerate(parts):
                others = [*parts[:n], *parts[n + 1 :]]
                yield f"drop {by} {part}", f" {by} ".join(others)
                yield f"negate {part}", f" {by} ".join([*parts[:n], f"!({part})", *parts[n + 1 :]])
                for done, inner in _weakened(part):
                    yield done, f" {by} ".join([*parts[:n], f"({inner})", *parts[n + 1 :]])
            return
    bang = "!" if whole.startswith("!(") else ""
    inner = whole.removeprefix(bang)
    if inner.startswith("(") and _closing(inner, 0) == len(inner) - 1:
        if bang:
            yield f"drop the not of {inner}", inner
        for done, weaker in _weakened(inner[1:-1]):
            yield done, f"{bang}({weaker})"


def names_of(policy: Policy) -> set[str]:
    """The actions a policy names in its head, groups resolved."""
    return {m for n in re.findall(r'Action::"(\w+)"', policy.head) for m in _groups().get(n, [n])}


def _implied(actions: set[str], slot: str) -> bool:
    """Whether the schema already lets these actions meet no other kind of object than the one `slot` names."""
    return {k for a in actions for k in resources.schema_actions()[a]} == {slot.split()[-1]}


def mutants(policy: Policy) -> Iterator[tuple[str, str]]:
    """(what was done, the policy's text after it; '' when the policy is gone)."""
    yield "delete", ""
    if policy.condition:
        word, _brace, body = policy.condition.partition("{")
        body = body.rstrip().removesuffix("}")
        yield f"drop {word.strip()}", f"{policy.effect} ({policy.head});"
        yield f"negate {word.strip()}", f"{policy.effect} ({policy.head}) {word} {{ !({body.strip()}) }};"
        for done, weaker in _weakened(body):
            yield done, f"{policy.effect} ({policy.head}) {word} {{ {weaker} }};"
    slots = [policy.head[a:b].strip() for a, b in _split(policy.head, ",")]
    for n, slot in enumerate(slots):
        listed = re.fullmatch(r"action in \[(.*)\]", slot, re.S)
        names = re.findall(r'Action::"(\w+)"', listed[1]) if listed else []
        for name in names if len(names) > 1 else []:
            kept = ", ".join(f'Action::"{x}"' for x in names if x != name)
            head = ", ".join([*slots[:n], f"action in [{kept}]", *slots[n + 1 :]])
            yield f"drop action {name}", f"{policy.effect} ({head})\n{policy.condition};"
        if n == 0 and " in " in slot or n == 2 and " is " in slot and not _implied(names_of(policy), slot):
            head = ", ".join([*slots[:n], slot.split()[0], *slots[n + 1 :]])
            yield f"drop {slot}", f"{policy.effect} ({head})\n{policy.condition};"


@cache
def _groups() -> dict[str, list[str]]:
    """Group of actions → its members, from the schema."""
    found: dict[str, list[str]] = {}
    for names, groups in re.findall(
        r"^action\s+([^;]*?)\s*in\s*\[([^\]]*)\]", engine.policies().schema_text, re.M | re.S
    ):
        for group in groups.split(","):
            found.setdefault(group.strip(), []).extend(n.strip() for n in names.replace('"', "").split(","))
    return found


@cache
def _questions(policy: Policy) -> list[tuple[str, str]]:
    """The actions and kinds of object that a policy's text can reach; of one that names no action, few of each kind.

    Such a policy speaks of the kinds it names, and of two more that it must leave alone; one that names no kind speaks of
    people, whatever they act on.
    """
    pairs = [(a, k) for a, kinds in resources.schema_actions().items() for k in kinds]
    named = set(re.findall(r"resource is (\w+)", policy.text))
    if reach := names_of(policy):
        found = [(a, k) for a, k in pairs if a in reach]
        others = [k for _a, k in found if k not in named][:1]
        return [(a, k) for a, k in found if not named or k in named or k in others]
    also = set(re.findall(r'Action::"(\w+)"', policy.condition))
    # Reading what is sealed is asked with every purpose, so another act on the same kind is taken here, where there is one.
    acted_on = {k for a, k in pairs if a != "read_sealed"}
    rest = [(a, k) for a, k in pairs if a not in also and k in named | {"Place", "State"}]
    rest = [(a, k) for a, k in rest if a != "read_sealed" or k not in acted_on]
    kinds = [k for _a, k in rest]
    few = 1 if named else 2
    return [p for p in pairs if p[0] in also] + [p for n, p in enumerate(rest) if kinds[:n].count(p[1]) < few]


# Besides the roles a policy names: a few of each body, so that a rule made too wide is caught as well.
OTHERS = ("registrar", "council_delegate", "intake_officer", "verifier", "finance_approver", "public")


@lru_cache(maxsize=40)
def _sample(policy: Policy, action: str, kind: str) -> resources.Question:
    """The part of a question that can tell a policy's mutants apart: people it names, and the few others."""
    roles = {*re.findall(r'Role::"(\w+)"', policy.text), *OTHERS}
    return resources.question(action, kind, roles=frozenset(roles))


@cache
def _policies(effect: str, action: str, kind: str) -> tuple[tuple[str, ...], cedarpy.PolicySet]:
    """The policies of one effect that could speak about an action, whatever they say."""
    chosen = [p for p in policies() if p.effect == effect and (not names_of(p) or action in names_of(p))]
    return tuple(p.name for p in chosen), cedarpy.PolicySet.from_str("\n".join(p.text for p in chosen))


def _speaking(effect: str, q: resources.Question, case: int) -> frozenset[str]:
    """The policies of one effect that speak in one case."""
    names, alone = _policies(effect, q.action, q.kind)
    (result,) = resources.ask(q, alone, chosen=[case])
    return frozenset(names[int(r.removeprefix("policy"))] for r in result.diagnostics.reasons)


def _speaks(alone: cedarpy.PolicySet, q: resources.Question, chosen: range) -> list[bool]:
    # An error in a rule is a deny, and it is loud: as good as the rule speaking where it should not.
    return [bool(r.diagnostics.reasons or r.diagnostics.errors) for r in resources.ask(q, alone, chosen=chosen)]


@lru_cache(maxsize=40)
def _before(policy: Policy, action: str, kind: str) -> list[bool]:
    q = _sample(policy, action, kind)
    return _speaks(cedarpy.PolicySet.from_str(policy.text), q, range(len(q.cases)))


def _killed(policy: Policy, mutant: str) -> bool:
    """Whether any decision, or reason for a refusal, is another with the mutant in the policy's place."""
    alone = cedarpy.PolicySet.from_str(mutant) if mutant else None
    for action, kind in _questions(policy):
        q, before = _sample(policy, action, kind), _before(policy, action, kind)
        # A few cases from everywhere first: most mutants die on those.
        step = -(-len(before) // AT_ONCE)
        for start in range(step):
            chosen = range(start, len(before), step)
            after = _speaks(alone, q, chosen) if alone is not None else [False] * len(chosen)
            for case, now in zip(chosen, after, strict=True):
                if before[case] is now:
                    continue
                if policy.effect == "forbid":
                    return True  # the reason given changes, and with it the decision where someone may
                if not _speaking("forbid", q, case) and not _speaking("permit", q, case) - {policy.name}:
                    return True
    return False


def test_every_policy_is_read_by_the_mutator():
    names = re.findall(r'@id\("([^"]+)"\)', engine.policies().text)
    assert [p.name for p in policies()] == names
    again = cedarpy.validate_policies("\n".join(p.text for p in policies()), engine.policies().schema_text)
    assert again.validation_passed


def _valid(texts: list[str]) -> list[bool]:
    """Which of many policies the schema lets stand; asked together, since reading the schema is most of the work."""
    readable = [n for n, text in enumerate(texts) if _readable(text)]
    found = cedarpy.validate_policies("\n".join(texts[n] for n in readable), engine.policies().schema_text)
    wrong = {e.policy_id for e in found.errors}
    assert found.validation_passed is not bool(wrong)
    stands = {n for at, n in enumerate(readable) if f"policy{at}" not in wrong}
    return [n in stands for n in range(len(texts))]


def _readable(text: str) -> bool:
    try:
        cedarpy.PolicySet.from_str(text)
    except ValueError:
        return False
    return True


def test_without_any_one_rule_or_part_of_a_rule_an_answer_changes():
    killed, survivors, skipped = 0, [], 0
    for policy in policies():
        made = list(mutants(policy))
        valid = iter(_valid([text for _done, text in made if text]))
        for done, text in made:
            if text and not next(valid):
                skipped += 1
            elif _killed(policy, text):
                killed += 1
            else:
                survivors.append(f"{policy.name}: {done}")
    rate = killed / (killed + len(survivors))
    print(f"\n{killed + len(survivors)} mutants, {rate:.1%} killed, {skipped} did not validate")
    print("\n".join(f"survived {s}" for s in survivors))
    assert killed > 300
    assert rate >= NEEDED, survivors
    assert not [s for s in survivors if s.endswith(": delete")], "a rule that nobody would miss"
