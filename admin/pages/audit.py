"""The audit: who did what, when, to what; narrowed, paged, taken away as a file, and the chain over it checked."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from litestar import Request, get, post
from litestar.response import Response, Stream

from admin.acts import Group, acts_of, sentence_of, who_is
from admin.pages.audit_file import KINDS, lines_of
from admin.pages.forms import day_of, sent
from admin.pages.rendering import page
from admin.parts import count_by_address, site_of
from admin.persons import person_of
from engine.clock import IST, ist_day
from engine.errors import Refused
from engine.people import agencies_named, id_of_actor, names_of, offices_named, persons_called
from engine.people.access import Principal, RoleKind
from engine.store.audit import check_chain
from engine.store.audit_reading import Entry, Place, Wanted, chain, entries_of, every_entry, note_export

__all__ = ["HANDLERS"]

_FIELDS = ("since", "until", "group", "person", "about", "subject", "agency", "office")
_LONGEST = 120
_CHECKS_PER_MINUTE = 30
_NOBODY = "nobody"
_GROUPS = tuple((each.name.lower(), str(each)) for each in Group)


@dataclass(frozen=True, slots=True)
class Shown:
    """An entry in words: who did it, what comes before and after its subject, and what the codes in it are called."""

    entry: Entry
    who: str
    before: str
    about: str
    after: str | None
    named: bool
    agency: str
    office: str
    details: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Filter:
    """What a person looks for, as they typed it, what of it makes no sense, and what it narrows the entries to."""

    typed: Mapping[str, str]
    wanted: Wanted = field(default_factory=Wanted)
    wrong: Mapping[str, str] = field(default_factory=dict)

    @property
    def query(self) -> str:
        """The filter as the query of an address."""
        return urlencode({name: value for name, value in self.typed.items() if value})


@get("/", include_in_schema=False)
async def listed(request: Request[Any, Any, Any]) -> Response[Any]:
    """A page of entries, the newest first."""
    person, params = person_of(request), request.query_params
    asked = await _filter({name: _plain(params.get(name, "")) for name in _FIELDS}, person)
    if asked.wrong:
        return await _page(request, asked, status=422, entries=(), further="", looked_back_to=None)
    before = Place.of(params["before"]) if params.get("before") else None
    found = await entries_of(person.scope, person.actor, asked.wanted, before=before)
    further = urlencode([*((name, value) for name, value in asked.typed.items() if value), ("before", str(found.further))])
    return await _page(
        request,
        asked,
        entries=await _in_words(found.entries),
        further=further if found.further else "",
        looked_back_to=found.looked_back_to,
        paged=before is not None,
    )


@post("/export", status_code=200, include_in_schema=False)
async def export(request: Request[Any, Any, Any]) -> Response[Any] | Stream:
    """Everything that the filter finds, as a file, written while it is read."""
    person, site, told = person_of(request), site_of(request), await sent(request, "kind", *_FIELDS)
    asked = await _filter({name: _plain(told[name]) for name in _FIELDS}, person)
    kind = KINDS.get(told["kind"])
    if asked.wrong or kind is None:
        raise Refused("Choose CSV or JSON Lines, and dates that exist.", box="kind", rule="kind of file")
    agency, at = str(person.scope.agency_id or asked.wanted.agency), site.clock.now()
    before = await note_export(told["kind"], asked.wanted, actor=person.actor, agency=agency, at=at)
    entries = every_entry(person.scope, person.actor, asked.wanted, before=before)
    name = f"audit-{ist_day(at).isoformat()}.{kind.ending}"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Stream(lines_of(kind, entries), media_type=kind.media_type, headers=headers)


@get("/chain", include_in_schema=False)
async def chain_form(request: Request[Any, Any, Any]) -> Response[Any]:
    """How far the chain goes."""
    return page(request, "audit_chain.html", form=True, chain=await chain(), checked=None, links=0, broken=0)


@post("/chain", status_code=200, include_in_schema=False)
async def chain_check(request: Request[Any, Any, Any]) -> Response[Any]:
    """Checks a stretch of the chain, which takes about as long however long the chain is."""
    count_by_address(request, "audit_check", _CHECKS_PER_MINUTE)
    told = await sent(request, "mark", "links", "broken")
    checked = await check_chain(told["mark"][:60])
    links, broken = _count(told["links"]) + checked.links, _count(told["broken"]) + len(checked.breaks)
    return page(request, "audit_chain.html", form=True, chain=await chain(), checked=checked, links=links, broken=broken)


HANDLERS = [listed, export, chain_form, chain_check]


async def _page(request: Request[Any, Any, Any], asked: Filter, *, status: int = 200, paged: bool = False, **words: Any) -> Response[Any]:
    person = person_of(request)
    desk = person.role is not None and person.role.kind is RoleKind.PLATFORM
    own = person.role is not None and person.role.kind is RoleKind.OFFICER
    agency = asked.typed["agency"] if desk else str(person.scope.agency_id or "")
    return page(
        request,
        "audit.html",
        status=status,
        form=True,
        asked=asked,
        groups=_GROUPS,
        agencies=await agencies_named(person.scope) if desk else (),
        offices=() if own else await offices_named(person.scope, agency),
        own=own,
        desk=desk,
        chain=await chain(),
        paged=paged,
        **words,
    )


async def _filter(typed: Mapping[str, str], person: Principal) -> Filter:
    """What was typed, made out; a person that nobody is narrows the entries to none."""
    wrong = {}
    since, until = day_of(typed["since"]), day_of(typed["until"])
    for name, day in (("since", since), ("until", until)):
        if typed[name] and day is None:
            wrong[name] = "This is no date. Choose one, or write it as 2026-11-24."
    if since and until and until < since:
        wrong["until"] = "The last day must not lie before the first one."
    group = next((each for each in Group if each.name.lower() == typed["group"]), None)
    called = await persons_called(typed["person"]) if typed["person"] else None
    by = frozenset(f"{kind}{id}" for id in called.accounts for kind in ("account:", "key:")) if called else frozenset()
    wanted = Wanted(
        since=_midnight(since) if since else None,
        until=_midnight(until + timedelta(days=1)) if until else None,
        acts=acts_of(group) if group else frozenset(),
        actors=(by or frozenset({_NOBODY})) if called else frozenset(),
        persons=called.ids if called else frozenset(),
        subject=typed["subject"],
        about=typed["about"],
        agency=typed["agency"],
        office=typed["office"],
    )
    return Filter(typed, wanted, wrong)


def _count(text: str) -> int:
    """What the page itself sent along of the stretches before."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else 0


def _plain(text: str) -> str:
    """What can be looked for: nothing that is written holds a control character."""
    return "".join(filter(str.isprintable, text))[:_LONGEST].strip()


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), IST)


async def _in_words(entries: tuple[Entry, ...]) -> tuple[Shown, ...]:
    ids = {word for each in entries for word in (*_actors(each), each.subject, each.agency, each.office)}
    names = await names_of(ids | {word for each in entries for _, word in _details(each)})
    return tuple(_shown(each, names) for each in entries)


def _actors(entry: Entry) -> tuple[str, str]:
    """The ids that an entry's actor may have: of a person or a key, or of the change that is carried out."""
    return id_of_actor(entry.actor), entry.actor.removeprefix("change:")


def _shown(entry: Entry, names: Mapping[str, str]) -> Shown:
    before, after = sentence_of(entry.act)
    return Shown(
        entry=entry,
        who=who_is(entry.actor, names),
        before=before,
        about=names.get(entry.subject, entry.subject),
        after=after,
        named=entry.subject in names,
        agency=names.get(entry.agency, entry.agency),
        office=names.get(entry.office, entry.office),
        details=tuple((name, names.get(value, value)) for name, value in _details(entry)),
    )


def _details(entry: Entry) -> tuple[tuple[str, str], ...]:
    """The detail's fields as texts."""
    told = json.loads(entry.detail)
    return tuple(
        (str(name).replace("_", " "), value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for name, value in told.items()
    )
