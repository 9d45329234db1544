"""The one function that decides. Cedar policies, default deny, and any error is a deny.

Cedar skips a `forbid` whose condition errors and then allows (measured, security.md finding 4); so a decision
with any diagnostic is a deny here, and the reason is logged without values.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import cedarpy
from django.utils.translation import gettext as _

from answerable.authority.principals import HasPrincipal, Place, Principal
from answerable.common.errors import Refused

log = logging.getLogger("answerable.authority")
# The policy that asks for a fresh confirmation (00_common.cedar).
STEP_UP = "votes-payments-and-openings-are-confirmed"
FOLDER = Path(__file__).with_name("policies")
_DESCRIBERS: dict[type, Callable[[Any], tuple[str, Mapping[str, Any]]]] = {}


@dataclass(frozen=True)
class Decision:
    """Whether an act is allowed, and which policies said so (ids) or why not (sentences)."""

    allowed: bool
    policies: tuple[str, ...] = ()
    says: tuple[str, ...] = ()
    # Not now, and yes as soon as the person confirms that it is they: the one obstacle a page offers to remove.
    confirm: bool = False

    @property
    def words(self) -> str:
        """Why not, in the reader's language; "" where it is allowed or no policy says a sentence."""
        return " ".join(_(s) for s in self.says)


@dataclass(frozen=True)
class Policies:
    """The policy set in force: parsed once, identified by its hash in every record entry."""

    text: str
    schema_text: str
    set: Any
    schema: Any
    says: Mapping[str, str]
    sha256: str
    _about: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def about(self, action: str) -> Any:
        """The policies whose scope holds an action: what the others say of it is nothing, and they are most of them.

        Cedar itself says which those are, so that no second reading of a scope can leave a forbid out: each policy is asked as a
        permit of its action scope alone. They keep the names they have in the whole set.
        """
        if action not in self._about:
            self._about[action] = _about(self.text, self.schema_text, action)
        return self._about[action]


@cache
def _scopes(text: str, schema_text: str) -> tuple[dict[str, Any], Any, Any]:
    """The policies of a text by name, the set that permits what each one's action scope holds, and the schema's actions."""
    anyone = {"principal": {"op": "All"}, "resource": {"op": "All"}, "effect": "permit", "conditions": []}
    every = json.loads(cedarpy.policies_to_json_str(text))["staticPolicies"]
    scopes = {name: {**anyone, "action": policy["action"]} for name, policy in every.items()}
    return every, _set(scopes), cedarpy.Entities.from_json_str("[]", schema_text)


def _set(policies: Mapping[str, Any]) -> Any:
    return cedarpy.PolicySet.from_json_str(
        json.dumps({"templates": {}, "staticPolicies": policies, "templateLinks": []})
    )


def _about(text: str, schema_text: str, action: str) -> Any:
    every, scopes, actions = _scopes(text, schema_text)
    request = {
        "principal": {"type": "Person", "id": ""},
        "action": {"type": "Action", "id": action},
        "resource": {"type": "Place", "id": ""},
        "context": {},
    }
    found = cedarpy.is_authorized(request, scopes, actions)
    if found.diagnostics.errors:
        raise ValueError(f"The scopes of {action} could not be read.")
    return _set({name: every[name] for name in found.diagnostics.reasons})


@cache
def policies() -> Policies:
    """Read, parse and validate every policy file. Raises ValueError when one does not validate: nothing starts."""
    text = "\n".join(p.read_text() for p in sorted(FOLDER.glob("*.cedar")))
    schema_text = "\n".join(p.read_text() for p in sorted(FOLDER.glob("*.cedarschema")))
    validated = cedarpy.validate_policies(text, schema_text)
    if not validated.validation_passed:
        raise ValueError("The policies do not validate: " + "; ".join(str(e) for e in validated.errors))
    says: dict[str, str] = {}
    names: list[str] = []
    for block in re.finditer(r'((?:@\w+\("(?:[^"\\]|\\.)*"\)\s*)+)(?:permit|forbid)\b', text):
        annotations = dict(re.findall(r'@(\w+)\("((?:[^"\\]|\\.)*)"\)', block.group(1)))
        names.append(annotations["id"])
        if "says" in annotations:
            says[annotations["id"]] = annotations["says"]
    if len(set(names)) != len(names):
        raise ValueError("Two policies carry the same @id.")
    return Policies(
        text=text,
        schema_text=schema_text,
        set=cedarpy.PolicySet.from_str(text),
        schema=cedarpy.Schema.from_str(schema_text),
        says=says,
        sha256=hashlib.sha256(f"{schema_text}\n---\n{text}".encode()).hexdigest(),
    )


def describes(model: type) -> Callable[[Callable[[Any], tuple[str, Mapping[str, Any]]]], Any]:
    """Register how objects of `model` look to policies: `(entity type, attributes)`."""

    def register(func: Callable[[Any], tuple[str, Mapping[str, Any]]]) -> Any:
        _DESCRIBERS[model] = func
        return func

    return register


def _cedar(value: Any) -> Any:
    if isinstance(value, (set, frozenset, tuple, list)):
        return sorted(_cedar(v) for v in value)
    return value


def _entity(resource: Any) -> tuple[dict[str, Any], str]:
    if isinstance(resource, str):
        resource = Place(resource)
    if isinstance(resource, Place):
        kind, attributes, name = "Place", resource.attributes, resource.name
    else:
        for cls in type(resource).__mro__:
            if describe := _DESCRIBERS.get(cls):
                kind, attributes = describe(resource)
                name = resource.ref
                break
        else:
            raise LookupError(f"No policy view of {type(resource).__name__}")
    uid = {"type": kind, "id": str(name)}
    return {"uid": uid, "attrs": {k: _cedar(v) for k, v in attributes.items()}, "parents": []}, kind


def _person(p: Principal) -> dict[str, Any]:
    return {
        "uid": {"type": "Person", "id": p.ref},
        "attrs": {
            "ref": p.ref,
            "active": p.active,
            "body": p.body,
            "bodyKind": p.body_kind,
            "state": p.state,
            "nationality": p.nationality,
            "compartments": sorted(p.compartments),
            "purposes": sorted(p.purposes),
            "via": p.via,
            "fresh": p.fresh,
            "enrolled": p.enrolled,
        },
        "parents": [{"type": "Role", "id": r} for r in sorted(p.roles)],
    }


def decide(by: HasPrincipal, action: str, resource: Any, **context: Any) -> Decision:
    """May `by` do `action` to `resource` in `context`? Default deny; an error of any kind is a deny.

    Where only a fresh confirmation is missing, the decision says so; whoever may not do it anyway hears that instead.
    """
    decision = _decide(by, action, resource, context)
    if STEP_UP not in decision.policies:
        return decision
    fresh = _decide(by, action, resource, context, confirmed=True)
    return replace(decision, confirm=True) if fresh.allowed else fresh


def _decide(
    by: HasPrincipal, action: str, resource: Any, context: Mapping[str, Any], *, confirmed: bool = False
) -> Decision:
    try:
        current = policies()
        principal = by.principal()
        if confirmed:
            principal = replace(principal, fresh=True)
        entity, _kind = _entity(resource)
        roles = [{"uid": {"type": "Role", "id": r}, "attrs": {}, "parents": []} for r in sorted(principal.roles)]
        result = cedarpy.is_authorized(
            {
                "principal": {"type": "Person", "id": principal.ref},
                "action": {"type": "Action", "id": action},
                "resource": entity["uid"],
                "context": {"via": principal.via, **{k: _cedar(v) for k, v in context.items()}},
            },
            current.about(action),
            [_person(principal), entity, *roles],
            current.schema,
        )
    except Exception as error:
        log.error("deny: %s could not be decided (%s)", action, type(error).__name__)
        return Decision(False, says=(_("This could not be decided, so it is not allowed. The office has been told."),))
    if result.diagnostics.errors:
        log.error("deny: %s met an error in a policy", action)
        return Decision(False, says=(_("This could not be decided, so it is not allowed. The office has been told."),))
    allowed = result.decision == cedarpy.Decision.Allow
    ids = tuple(sorted(_annotated(result.diagnostics.reasons)))
    return Decision(allowed, ids, () if allowed else tuple(current.says[i] for i in ids if i in current.says))


@cache
def _id_by_position() -> Mapping[str, str]:
    """Cedar numbers policies policy0, policy1 … in file order; our @id annotations name them."""
    names = re.findall(r'@id\("([^"]+)"\)', policies().text)
    return {f"policy{n}": name for n, name in enumerate(names)}


def _annotated(reasons: list[str]) -> list[str]:
    return [_id_by_position().get(r, r) for r in reasons]


def allows(by: HasPrincipal, action: str, resource: Any, **context: Any) -> bool:
    """`decide` as a yes or no, for pages that show or hide a button; yes too where only confirming is missing."""
    decision = decide(by, action, resource, **context)
    return decision.allowed or decision.confirm


def require(by: HasPrincipal, action: str, resource: Any, **context: Any) -> Decision:
    """`decide`, raising Refused with the rule's own words when the answer is no."""
    decision = decide(by, action, resource, **context)
    if not decision.allowed:
        what = action.replace("_", " ")
        says = decision.words or _(
            "Your role does not cover this step (%(what)s). The registrar can tell you whose it is."
        ) % {"what": what}
        raise Refused(says, reason="confirm" if decision.confirm else "not_authorised")
    return decision
