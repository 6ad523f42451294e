"""What every signer promises, whatever its mode.

Takes an unopened signer, its context and a signatory whose key it holds; for a token, one that a person unlocked is needed
where a signature is asked for, and a promise that could not be tried for that reason is reported as not kept. Signs digests
of made-up documents only.
"""

import hashlib
from collections.abc import Callable, Coroutine
from dataclasses import replace
from functools import partial
from typing import Any

from engine.contracts.signing import (
    Cms,
    Declined,
    Document,
    Mode,
    RawCallback,
    RawSignature,
    Signatory,
    SignatureJob,
    Signed,
    Signer,
    SignerContext,
    SigningOutcome,
    Waiting,
    X509Chain,
)
from engine.errors import EngineError
from engine.issuing import cms
from engine.promises.promise import Broken, Promise, demand, keep

__all__ = ["promises"]

Unlock = Callable[[], Coroutine[Any, Any, None]]

CANARY = "canary-1f8b-secret"


async def promises(signer: Signer, ctx: SignerContext, signatory: Signatory, *, unlock: Unlock | None = None) -> list[Promise]:
    """Each promise of a signer and whether it was kept, in the order they are tried. Opens and closes the signer.

    `unlock` is what a person does before a key can be used (a PIN), run once after opening.
    """
    kept = [
        await keep("its settings are judged without reading anything", partial(_validates_purely, signer, ctx)),
        await keep("closing it before it was opened is harmless", partial(_closes, signer)),
        await keep("it opens", partial(signer.open, ctx)),
    ]
    if unlock is not None:
        kept.append(await keep("a person can make it ready", unlock))
    kept += [await keep(name, partial(vow, signer, ctx, signatory)) for name, vow in _OPENED]
    kept.append(await keep("closing it twice is safe", partial(_closes, signer)))
    return kept


async def _validates_purely(signer: Signer, ctx: SignerContext) -> None:
    before = dict(ctx.settings)
    first, second = list(signer.validate_config(ctx.settings)), list(signer.validate_config(ctx.settings))
    demand(not first, f"It finds its own settings wrong: {' '.join(first)}")
    demand(first == second and dict(ctx.settings) == before, "Judging the settings twice gave two answers or changed them.")
    demand(bool(signer.validate_config({**ctx.settings, "no_such_key": "x"})), "It accepts a setting that it does not know.")
    required = [f.name for f in signer.config_fields if f.required]
    demand(not required or bool(signer.validate_config({})), f"It does not miss {', '.join(required)}.")


async def _closes(signer: Signer, *_: object) -> None:
    await signer.close()
    await signer.close()


async def _declares(signer: Signer, ctx: SignerContext, signatory: Signatory) -> None:
    demand(signer.id.isidentifier() and signer.id == signer.id.lower(), f"Its id {signer.id!r} is no lower-case name.")
    demand(bool(signer.title.strip()), "It has no title.")
    demand(signer.max_documents >= 1, "It signs not even one document at a time.")
    demand(isinstance(signer.mode, Mode), f"Its mode {signer.mode!r} is none of {', '.join(Mode)}.")
    chain = await signer.identity(signatory)
    demand(chain is not None or signer.mode is Mode.REMOTE, f"A signer of mode {signer.mode} must know who signs before it signs.")


async def _identity_is_stable(signer: Signer, ctx: SignerContext, signatory: Signatory) -> None:
    first, second = await signer.identity(signatory), await signer.identity(signatory)
    demand(first == second, "Two questions for the same signatory gave two identities.")
    if first is not None:
        demand(first.unusable(ctx.clock.now()) is None, f"The signatory's X.509 certificate cannot sign: {first.unusable(ctx.clock.now())}")


async def _is_ready(signer: Signer, ctx: SignerContext, signatory: Signatory) -> None:
    await signer.ready(signatory)


async def _answers_each_document(signer: Signer, ctx: SignerContext, signatory: Signatory) -> None:
    job = await _job(signer, signatory, min(3, signer.max_documents))
    outcome = await signer.start(job)
    if isinstance(outcome, Signed):
        asked, answered = [d.id for d in job.documents], [d.id for d in outcome.documents]
        demand(sorted(asked) == sorted(answered), f"Asked to sign {asked}, it answered {answered}.")
    demand(not isinstance(outcome, Declined), f"It declined: {getattr(outcome, 'say', '')}")
    demand(not isinstance(outcome, Waiting) or signer.mode is not Mode.SERVER, "A signer of mode server makes a job wait for somebody.")


async def _signatures_verify(signer: Signer, ctx: SignerContext, signatory: Signatory) -> None:
    chain = await signer.identity(signatory)
    job = await _job(signer, signatory, 1)
    _demand_valid(await signer.start(job), job, chain)


async def _repeats(signer: Signer, ctx: SignerContext, signatory: Signatory) -> None:
    chain = await signer.identity(signatory)
    job = await _job(signer, signatory, 1)
    for outcome in (await signer.start(job), await signer.start(job), await signer.poll(job)):
        _demand_valid(outcome, job, chain)


async def _takes_as_many_as_it_says(signer: Signer, ctx: SignerContext, signatory: Signatory) -> None:
    count = min(signer.max_documents, 25)
    job = await _job(signer, signatory, count)
    _demand_valid(await signer.start(job), job, await signer.identity(signatory))


async def _refuses_unknown_keys(signer: Signer, ctx: SignerContext, signatory: Signatory) -> None:
    stranger = replace(signatory, key=f"{CANARY}-key", fingerprint=None)
    try:
        chain = await signer.identity(stranger)
    except EngineError as error:
        _demand_sentence(error.say)
        return
    demand(chain is None, "It claims to know a signatory whose key nobody ever made.")


async def _refuses_another_certificate(signer: Signer, ctx: SignerContext, signatory: Signatory) -> None:
    if await signer.identity(signatory) is None:
        return
    outcome: SigningOutcome | None = None
    try:
        await signer.identity(replace(signatory, fingerprint="0" * 64))
        outcome = await signer.start(await _job(signer, replace(signatory, fingerprint="0" * 64), 1))
    except EngineError as error:
        _demand_sentence(error.say)
        return
    demand(isinstance(outcome, Declined), "It signs for a signatory whose enrolled X.509 certificate is another one.")


async def _keeps_secrets(signer: Signer, ctx: SignerContext, signatory: Signatory) -> None:
    secrets = [value for name, value in ctx.settings.items() if any(w in name for w in ("pass", "pin", "secret", "token_key")) and value]
    shown = [repr(signer), str(signer), repr(getattr(signer, "__dict__", {}))]
    try:
        await signer.identity(replace(signatory, key=f"{CANARY}/../x", fingerprint=None))
    except EngineError as error:
        shown += [repr(error), error.say]
    leaked = [s for s in secrets if any(s in text for text in shown)]
    demand(not leaked and not any("PRIVATE KEY" in text for text in shown), "A secret of its settings shows in its repr or its errors.")


async def _knows_its_callbacks(signer: Signer, ctx: SignerContext, signatory: Signatory) -> None:
    nonsense = RawCallback("POST", {}, {}, b"\x00nonsense", ctx.clock.now())
    signer.locate(nonsense)
    try:
        evidence = await signer.verify(ctx, nonsense)
    except EngineError as error:
        demand(error.code in ("untrusted", "refused") or bool(error.say), "It refuses a callback without a sentence.")
        return
    raise Broken(f"It believes a nonsense callback: {type(evidence).__name__}.")


_OPENED = (
    ("it is what it declares", _declares),
    ("a signatory's identity does not change", _identity_is_stable),
    ("it says that it is ready for a signatory who can sign", _is_ready),
    ("each document of a job is answered", _answers_each_document),
    ("its signatures verify against the identity", _signatures_verify),
    ("a repeated job gives valid signatures again", _repeats),
    ("it signs as many documents at once as it says", _takes_as_many_as_it_says),
    ("an unknown key is refused in words", _refuses_unknown_keys),
    ("another certificate than the enrolled one is refused", _refuses_another_certificate),
    ("no secret shows in its repr or its errors", _keeps_secrets),
    ("a nonsense callback is not believed", _knows_its_callbacks),
)


async def _job(signer: Signer, signatory: Signatory, count: int) -> SignatureJob:
    chain = await signer.identity(signatory)
    documents = []
    for number in range(count):
        digest = hashlib.sha256(f"promise {number}".encode()).digest()
        attributes = None if chain is None else await cms.attributes_for(chain, digest)
        documents.append(Document(f"document-{number}", f"Promise {number}", digest, attributes, digest.hex()))
    return SignatureJob("promise", f"promise-{count}", signatory, tuple(documents))


def _demand_valid(outcome: SigningOutcome, job: SignatureJob, chain: X509Chain | None) -> None:
    if isinstance(outcome, Waiting):
        return  # a person must act first; what comes then is checked when it comes
    demand(isinstance(outcome, Signed), f"It declined: {getattr(outcome, 'say', '')}")
    results = {d.id: d.result for d in outcome.documents} if isinstance(outcome, Signed) else {}
    for document in job.documents:
        result = results.get(document.id)
        if isinstance(result, Cms):
            cms.check(result.der, document.digest, chain)
        elif isinstance(result, RawSignature) and chain is not None and document.attributes is not None:
            demand(chain.verifies(document.attributes, result), "A signature does not verify against the identity it gave before.")
        else:
            raise Broken(f"{document.id} was answered with {type(result).__name__}.")


def _demand_sentence(say: str) -> None:
    demand(len(say.split()) >= 4 and say.rstrip()[-1] in ".?!", f"It refuses with {say!r}, which is no sentence for a person.")
    demand("Traceback" not in say and "object at 0x" not in say, "Its refusal shows the inside of the program.")
