"""What reviewers, publishers and admins ask and do; the pages do the same through the same functions."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, FiniteFloat, StringConstraints
from sqlalchemy import select
from sqlalchemy.orm import Session

from jupyter_tos_guard.central.casework import (
    appeals,
    audit,
    charts,
    exemptions,
    people,
    queue,
    restrictions,
    review,
    rulebook,
    standing,
)
from jupyter_tos_guard.central.casework.config import MAX_TEXT
from jupyter_tos_guard.central.casework.errors import ConflictError, InvalidError, NotFoundError
from jupyter_tos_guard.central.storage import retention, tokens
from jupyter_tos_guard.central.storage.tables import Client, Person, PolicyVersion, Stream
from jupyter_tos_guard.central.web import releasing, views
from jupyter_tos_guard.central.web.api import Cursor, Limit
from jupyter_tos_guard.central.web.callers import ADMIN, PUBLISH, READ, REVIEW, SCOPES
from jupyter_tos_guard.central.web.routes import Body, Call, Json, Query, Route
from jupyter_tos_guard.policy.release import Release

Id = Annotated[int, Field(ge=1, lt=2**63)]
Ids = Annotated[list[Id], Field(min_length=1, max_length=500)]
Text = Annotated[str, StringConstraints(max_length=500)]
Reason = Annotated[str, StringConstraints(min_length=1, max_length=MAX_TEXT)]
Time = Annotated[FiniteFloat, Field(ge=0, le=1e11)]
UserName = Annotated[str, StringConstraints(min_length=1, max_length=255)]


class StrikeFilter(Query):
    """Which strikes; empty fields take all."""

    state: Literal["", "open", "upheld", "overturned"] = ""
    rule: Text = ""
    clause: Text = ""
    user: Text = ""
    cell: Text = ""
    action: Literal["", "observe", "warn", "acknowledge", "block"] = ""
    policy_version: Text = ""
    since: Time | None = None
    until: Time | None = None
    before: Cursor = ""
    limit: Limit = 50

    def chosen(self) -> queue.Filter:
        """Return it as the queue takes it."""
        return queue.Filter(
            state=self.state,
            rule=self.rule,
            clause=self.clause,
            user=self.user,
            cell=self.cell,
            action=self.action,
            policy_version=self.policy_version,
            since=self.since,
            until=self.until,
        )


class PeopleFilter(Query):
    """Which people, by name."""

    level: Literal["", "good", "not-good", "warned", "restricted", "suspended"] = ""
    search: Text = ""
    after: Text = ""
    limit: Limit = 50


class ById(Query):
    """A page of a list that goes by number."""

    before: Annotated[int, Field(ge=1, lt=2**63)] | None = None
    limit: Limit = 50


class Days(Query):
    """How far back to count."""

    days: Annotated[int, Field(ge=1, le=400)] = 30


class AppealFilter(ById):
    """Which appeals."""

    state: Literal["", "open", "granted", "denied", "withdrawn"] = "open"


class ExemptionFilter(ById):
    """Which exemptions."""

    ended: bool = False


class ClientFilter(Query):
    """Which clients: all, those that are silent, those with a gap in their record."""

    only: Literal["", "silent", "gap"] = ""
    user: Text = ""
    after: Annotated[int, Field(ge=0, lt=2**63)] = 0
    limit: Limit = 50


class AuditFilter(ById):
    """Which entries."""

    actor: Text = ""
    action: Text = ""
    target: Text = ""


class Uphold(Body):
    """Strikes to agree with."""

    strikes: Ids
    reason: Annotated[str, StringConstraints(max_length=MAX_TEXT)] = ""


class Overturn(Body):
    """Strikes to take back."""

    strikes: Ids
    reason: Reason


class Reverse(Body):
    """Whose strikes to take back: a rule's, a version's, or a rule's under a version."""

    rule: Text = ""
    policy_version: Text = ""
    reason: Reason


class Exempt(Body):
    """A vetted use."""

    subject: Annotated[str, StringConstraints(max_length=300)] = Field(description="user:NAME or group:NAME")
    target: Annotated[str, StringConstraints(max_length=200)] = Field(description="rule:ID, clause:ID or *")
    until: Time
    reason: Reason


class EndExemption(Body):
    """Which exemption ends."""

    id: Id


class Restrict(Body):
    """Whom to restrict."""

    user: UserName
    level: Literal["restricted", "suspended"]
    until: Time | None = Field(description="null: until an admin lifts it")
    reason: Reason


class Lift(Body):
    """Whose restriction ends."""

    user: UserName
    reason: Reason


class AnswerAppeal(Body):
    """The answer to an appeal."""

    id: Id
    grant: bool
    text: Reason


class Soften(Body):
    """Which rule to take down."""

    rule: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    to: Literal["observe", "allow", "as-published"]
    reason: Reason


class Share(Body):
    """Which servers get the candidate."""

    share: Annotated[FiniteFloat, Field(ge=0, le=100)] | Literal["promote", "withdraw"]
    reason: Reason


class SetMode(Body):
    """Whether the hub acts on verdicts."""

    mode: Literal["monitor", "as-published"]
    reason: Reason


class Purge(Body):
    """Whose record is deleted; without a user, what is past its time."""

    user: Annotated[str, StringConstraints(max_length=255)] = ""


class TokenIn(Body):
    """A token for hubs without JupyterHub."""

    user: UserName
    scopes: Annotated[list[Literal["admin", "publish", "read", "review"]], Field(max_length=4)] = []  # noqa: RUF012 - pydantic copies it
    days: Annotated[FiniteFloat, Field(gt=0, le=36500)] | None = None
    note: Text = ""


class RevokeToken(Body):
    """Which token ends."""

    id: Id


# -- reading ----------------------------------------------------------------------------------


def list_strikes(call: Call, session: Session) -> Json:
    """Return strikes, newest first."""
    found = queue.page(session, call.query.chosen(), call.query.before, call.query.limit)
    return {
        "strikes": [
            {"user": found.users.get(each.person_id, ""), **views.plain(each, {"person_id"})}
            for each in found.strikes
        ],
        "next": found.after,
    }


def list_people(call: Call, session: Session) -> Json:
    """Return people by name."""
    query = call.query
    found = people.listed(
        session, level=query.level, search=query.search, after=query.after, limit=query.limit
    )
    return {
        "people": [views.plain(person) for person in found],
        "next": found[-1].name if len(found) == query.limit else None,
    }


def get_person(call: Call, session: Session) -> Json:
    """Return one person: standing, strikes, restrictions, appeals."""
    person = people.get(session, call.path["name"])
    strikes, restricted = people.history(session, person)
    now = call.now
    return {
        **views.plain(person),
        "standing": standing.standing_of(session, person, now)._asdict(),
        "strikes": [views.plain(each, {"person_id"}) for each in strikes],
        "restrictions": [views.plain(each, {"person_id"}) for each in restricted],
        "appeals": [views.plain(each, {"person_id"}) for each in appeals.of_person(session, person.name)],
        "exemptions": [
            views.plain(each) for each in exemptions.active(session, person.name, person.groups, now)
        ],
    }


def list_rules(call: Call, session: Session) -> Json:
    """Return the rules of the policy in force, and what they did."""
    book = rulebook.current(session)
    counts = {each.rule: each._asdict() for each in charts.by_rule(session, call.now, call.query.days)}
    names = [*book.rules, *(rule for rule in counts if rule not in book.rules)]
    release = _release(call)
    softened = {rule: verdict.label for rule, verdict in release.softened.items()} if release else {}
    return {
        "policy_version": book.version,
        "rules": [
            {
                "id": rule,
                "title": book.title_of(rule),
                "name": book.name_of(rule),
                "clause": book.rules.get(rule, {}).get("clause", ""),
                "softened": softened.get(rule),
                "counts": counts.get(rule, {}),
            }
            for rule in names
        ],
    }


def list_policies(call: Call, session: Session) -> Json:
    """Return the versions that were published, and the release."""
    release = _release(call)
    return {
        "versions": [dict(row._mapping) for row in rulebook.versions(session)],
        "release": releasing.shown(release) if release else None,
    }


def get_policy(call: Call, session: Session) -> Json:
    """Return one version as it was published."""
    found = session.get(PolicyVersion, call.path["version"])
    if found is None:
        raise NotFoundError("there is no such version of the policy")
    return views.plain(found)


def list_exemptions(call: Call, session: Session) -> Json:
    """Return exemptions."""
    query = call.query
    found = exemptions.listed(session, call.now, ended=query.ended, before=query.before, limit=query.limit)
    return {"exemptions": [views.plain(each) for each in found]}


def list_appeals(call: Call, session: Session) -> Json:
    """Return appeals."""
    query = call.query
    found = appeals.listed(session, state=query.state, before=query.before, limit=query.limit)
    names = people.names(session, (each.person_id for each in found))
    return {
        "appeals": [
            {"user": names.get(each.person_id, ""), **views.plain(each, {"person_id"})} for each in found
        ]
    }


def list_clients(call: Call, session: Session) -> Json:
    """Return clients and the streams of their records that have gaps."""
    wanted = call.query
    query = (
        select(Client, Person.name)
        .join(Person, Person.id == Client.person_id)
        .where(Client.id > wanted.after)
        .order_by(Client.id)
        .limit(wanted.limit)
    )
    if wanted.user:
        query = query.where(Person.name == wanted.user)
    if wanted.only == "silent":
        query = query.where(Client.silent_since > 0)
    elif wanted.only == "gap":
        query = query.where(
            select(Stream.id).where(Stream.client_id == Client.id, Stream.gap_since > 0).exists()
        )
    rows = session.execute(query).all()
    gaps: dict[int, list[dict[str, Any]]] = {}
    ids = [client.id for client, _ in rows]
    broken = select(Stream).where(Stream.client_id.in_(ids), Stream.gap_since > 0).limit(1000)
    for stream in session.scalars(broken):
        gaps.setdefault(stream.client_id, []).append(views.plain(stream, {"id", "client_id"}))
    return {
        "clients": [
            {"user": name, **views.plain(client, {"person_id"}), "gaps": gaps.get(client.id, [])}
            for client, name in rows
        ],
        "next": ids[-1] if len(ids) == wanted.limit else None,
    }


def list_audit(call: Call, session: Session) -> Json:
    """Return entries of the audit log, newest first."""
    query = call.query
    found = audit.entries(
        session,
        actor=query.actor,
        action=query.action,
        target=query.target,
        before=query.before,
        limit=query.limit,
    )
    return {
        "entries": [views.plain(each) for each in found],
        "next": found[-1].id if len(found) == query.limit else None,
    }


def list_tokens(call: Call, session: Session) -> Json:
    """Return tokens, without what they are."""
    return {"tokens": [views.plain(token, {"digest"}) for token in tokens.list_tokens(session)]}


def _release(call: Call) -> Release | None:
    repository = call.context.repository
    return repository.release() if repository is not None and repository.exists() else None


# -- doing ------------------------------------------------------------------------------------


def uphold(call: Call, session: Session) -> Json:
    """Agree with strikes."""
    body, config = call.body, call.context.casework
    return review.uphold(session, body.strikes, call.caller.name, call.now, config, body.reason)._asdict()


def overturn(call: Call, session: Session) -> Json:
    """Take strikes back."""
    body, config = call.body, call.context.casework
    return review.overturn(session, body.strikes, call.caller.name, body.reason, call.now, config)._asdict()


def reverse(call: Call, session: Session) -> Json:
    """Take back what a rule or a version did."""
    body = call.body
    return review.reverse(
        session,
        rule=body.rule,
        policy_version=body.policy_version,
        actor=call.caller.name,
        reason=body.reason,
        now=call.now,
        config=call.context.casework,
    )._asdict()


def exempt(call: Call, session: Session) -> Json:
    """Let rules not hold for somebody."""
    body, config = call.body, call.context.casework
    made = exemptions.exempt(
        session, body.subject, body.target, body.until, body.reason, call.caller.name, call.now, config
    )
    return views.plain(made)


def end_exemption(call: Call, session: Session) -> Json:
    """End an exemption."""
    return views.plain(exemptions.end(session, call.body.id, call.caller.name, call.now))


def restrict(call: Call, session: Session) -> Json:
    """Restrict somebody."""
    body, context = call.body, call.context
    return restrictions.restrict(
        session, body.user, body.level, body.until, body.reason, call.caller.name, call.now, context.casework
    )._asdict()


def lift(call: Call, session: Session) -> Json:
    """End what restricts somebody."""
    body, context = call.body, call.context
    return restrictions.lift(
        session, body.user, body.reason, call.caller.name, call.now, context.casework
    )._asdict()


def answer_appeal(call: Call, session: Session) -> Json:
    """Answer an appeal."""
    body, context = call.body, call.context
    found = appeals.answer(
        session, body.id, call.caller.name, body.grant, body.text, call.now, context.casework
    )
    return views.plain(found, {"person_id"})


def soften(call: Call) -> Json:
    """Take a rule down at once."""
    return releasing.soften(call.context, call.caller.name, call.body.rule, call.body.to, call.body.reason)


def share(call: Call) -> Json:
    """Set the share of servers that get the candidate."""
    return releasing.set_share(call.context, call.caller.name, call.body.share, call.body.reason)


def mode(call: Call) -> Json:
    """Set the mode of the hub."""
    return releasing.set_mode(call.context, call.caller.name, call.body.mode, call.body.reason)


def purge(call: Call, session: Session) -> Json:
    """Delete one person's record, or what is past its time."""
    user = call.body.user
    if user:
        done = retention.forget(session, people.get(session, user))
    else:
        done = retention.purge(session, call.now, call.context.casework.retention_days)
    target = f"user:{user}" if user else "past-retention"
    audit.record(session, call.caller.name, "purge", target, done._asdict(), call.now)
    return done._asdict()


def make_token(call: Call, session: Session) -> Json:
    """Make a token."""
    if call.context.auth.hub is not None:
        raise ConflictError("tokens are the Hub's here", "Make one on the Hub's token page.")
    body = call.body
    if not body.user.strip() or not body.user.isprintable():
        raise InvalidError("the user's name cannot be printed")
    token = tokens.make_token(session, body.user, body.scopes, call.now, days=body.days, note=body.note)
    detail = {"scopes": sorted(set(body.scopes) & SCOPES.keys()), "days": body.days}
    audit.record(session, call.caller.name, "make-token", f"user:{body.user}", detail, call.now)
    return {"token": token, "user": body.user}


def revoke_token(call: Call, session: Session) -> Json:
    """End a token."""
    if not tokens.revoke_token(session, call.body.id):
        raise NotFoundError("there is no such token")
    audit.record(session, call.caller.name, "revoke-token", f"token:{call.body.id}", {}, call.now)
    return {}


_P = "api/v1/admin"
ROUTES = [
    Route("GET", f"{_P}/strikes", READ, "Strikes, newest first", list_strikes, StrikeFilter),
    Route("GET", f"{_P}/people", READ, "People by name", list_people, PeopleFilter),
    Route("GET", f"{_P}/people/{{name}}", READ, "One person", get_person),
    Route("GET", f"{_P}/rules", READ, "Rules and what they did", list_rules, Days),
    Route("GET", f"{_P}/policies", READ, "Published versions and the release", list_policies),
    Route("GET", f"{_P}/policies/{{version}}", READ, "One version as published", get_policy),
    Route("GET", f"{_P}/exemptions", READ, "Exemptions", list_exemptions, ExemptionFilter),
    Route("GET", f"{_P}/appeals", READ, "Appeals", list_appeals, AppealFilter),
    Route("GET", f"{_P}/clients", READ, "Clients: silent ones, gaps in their records", list_clients,
          ClientFilter),
    Route("GET", f"{_P}/audit", ADMIN, "The audit log, newest first", list_audit, AuditFilter),
    Route("GET", f"{_P}/tokens", ADMIN, "Tokens for hubs without JupyterHub", list_tokens),
    Route("POST", f"{_P}/uphold", REVIEW, "Agree with strikes", uphold, body=Uphold, writes=True),
    Route("POST", f"{_P}/overturn", REVIEW, "Take strikes back", overturn, body=Overturn, writes=True),
    Route("POST", f"{_P}/reverse", ADMIN, "Take back everything that a rule or a version did", reverse,
          body=Reverse, writes=True),
    Route("POST", f"{_P}/exempt", REVIEW, "Let rules not hold for somebody", exempt, body=Exempt,
          writes=True),
    Route("POST", f"{_P}/end-exemption", REVIEW, "End an exemption", end_exemption, body=EndExemption,
          writes=True),
    Route("POST", f"{_P}/restrict", REVIEW, "Restrict or suspend somebody", restrict, body=Restrict,
          writes=True),
    Route("POST", f"{_P}/lift", REVIEW, "End what restricts somebody", lift, body=Lift, writes=True),
    Route("POST", f"{_P}/answer-appeal", REVIEW, "Answer an appeal", answer_appeal, body=AnswerAppeal,
          writes=True),
    Route("POST", f"{_P}/soften", PUBLISH, "Take a rule down to observe or allow at once", soften,
          body=Soften, writes=True, own_transaction=True),
    Route("POST", f"{_P}/share", PUBLISH, "Set the share of servers that get the candidate", share,
          body=Share, writes=True, own_transaction=True),
    Route("POST", f"{_P}/mode", PUBLISH, "Set the hub to monitor, or as published", mode, body=SetMode,
          writes=True, own_transaction=True),
    Route("POST", f"{_P}/purge", ADMIN, "Delete one person's record, or what is past its time", purge,
          body=Purge, writes=True),
    Route("POST", f"{_P}/tokens", ADMIN, "Make a token", make_token, body=TokenIn, writes=True),
    Route("POST", f"{_P}/revoke-token", ADMIN, "End a token", revoke_token, body=RevokeToken, writes=True),
]  # fmt: skip
