"""A model's dossier as one self-contained page: no script, no address, readable on a phone and on paper."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from html import escape

from modelway.core import html
from modelway.core.dossier import Dossier, Entered, Place, Ran, Release, Said
from modelway.core.dossier_text import built_by, size
from modelway.core.plain import clean
from modelway.core.summary import BrokenGlass
from modelway.core.verdict import Answered

_MIB = 1 << 20
_TO_COMPARE = 2
_WIDEST = 200
"""Findings that make the longest bar."""
_STYLE = """
:root{color-scheme:light dark;--ok:#176b3a;--no:#a3201b;--line:#8884;--soft:#8882}
*{box-sizing:border-box}
body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;padding:1rem;max-width:60rem;overflow-wrap:break-word}
h1{font-size:1.4rem;margin:.2rem 0}h2{font-size:1.1rem;margin:2rem 0 .5rem}h3{font-size:1rem;margin:0}
code{font:0.85em ui-monospace,monospace}
.answer{border-left:.4rem solid var(--no);background:var(--soft);padding:.6rem 1rem;margin:1rem 0}
.answer.ok{border-color:var(--ok)}.answer strong{font-size:1.1rem}
table{border-collapse:collapse;width:100%}th{font-weight:600}
td .name,h3 code,td:last-child{overflow-wrap:anywhere}
th,td{text-align:left;vertical-align:top;padding:.25rem .6rem .25rem 0;border-bottom:1px solid var(--line)}
article{border:1px solid var(--line);border-radius:.5rem;padding:.8rem 1rem;margin:1rem 0;break-inside:avoid}
ul.packages{columns:16rem;padding-left:1rem;margin:.4rem 0}
ol.time{list-style:none;margin:.6rem 0;padding:0 0 0 1rem;border-left:2px solid var(--line)}
ol.time li{margin:.4rem 0}time{color:#777;font-size:.9em}li time{display:block}
.bad{color:var(--no);font-weight:600}
.layers{display:flex;height:1rem;margin:.4rem 0;border:1px solid var(--line)}
.layers span{border-right:1px solid var(--line);background:var(--soft);min-width:2px}
.layers span:nth-child(even){background:var(--line)}
.found{display:flex;height:.5rem}.found span{background:#8888}
.found .critical{background:#7d1128}.found .high{background:#c2410c}.found .medium{background:#d9a441}
footer{margin:2rem 0;color:#777;font-size:.85em}
@media print{body{font-size:11pt;max-width:none;padding:0}details{display:block}details>*{display:block}}
@media(max-width:44rem){th{display:none}td{display:block;border:0;padding:.1rem 0;overflow-wrap:anywhere}
td::before{content:attr(data-head) ": ";color:#777}
tr{display:block;border-bottom:1px solid var(--line);padding:.4rem 0}}
"""


def page(told: Dossier, now: datetime) -> str:
    """The whole document; nothing in it turns the direction of writing around."""
    return "\n".join(clean("\n".join(_lines(told, now)))) + "\n"


def _lines(told: Dossier, now: datetime) -> Iterator[str]:
    answer, title = told.answer, escape(f"Evidence of {told.model}")
    yield '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width,initial-scale=1">'
    yield f"<title>{title}</title><style>{_STYLE}</style></head><body>"
    yield f"<h1>{title}</h1>"
    yield f"<p>Owned by {escape(told.owner)}. Images in <code>{escape(told.repository)}</code></p>"
    question = f"Is {answer.environment} running the tested version?"
    broken = any(place.glass for place in told.places if place.name == answer.environment)
    yield f'<section class="answer{" ok" if answer.ok and not broken else ""}"><p>{escape(question)}</p>'
    yield f"<strong>{'Yes' if answer.ok else 'No'}: {escape(answer.reason)}</strong>"
    yield f"{html.paragraphs(answer.seen)}{html.paragraphs(answer.cure)}</section>"
    for place in told.places:
        if place.glass:
            what = f"BREAK-GLASS: what serves in {place.name} came in past its gate: {place.glass}"
            yield f'<section class="answer"><strong class="bad">{escape(what)}</strong></section>'
    yield "<h2>What serves now</h2>"
    yield from html.table(("environment", "on", "version", "image", "weights"), map(_place, told.places))
    yield from _over_releases(told.releases)
    yield f"<h2>Releases, newest first ({len(told.releases)})</h2>"
    serving = {place.image for place in told.places}
    for number, release in enumerate(told.releases):
        listed = number == 0 or str(release.image) in serving
        yield from _release(release, told.repository, listed=listed)
    yield f"<footer>Read back from the registry and the platforms on {now:%Y-%m-%d %H:%M} UTC.</footer>"
    yield "</body></html>"


def _place(place: Place) -> tuple[str, ...]:
    where = (escape(place.name), escape(place.target))
    if place.trouble or place.serving is None:
        return (*where, f'<span class="bad">{escape(place.trouble or "nothing serves")}</span>')
    weights = f"<code>{escape(place.artifact[:19])}</code>" if place.artifact else "none"
    return (*where, f"<code>{place.serving}</code>", f"<code>{escape(place.image[:19])}</code>", weights)


def _over_releases(releases: Sequence[Release]) -> Iterator[str]:
    """What scans found, release by release; nothing where there is nothing to compare."""
    if len([one for one in releases if one.findings]) < _TO_COMPARE:
        return
    yield "<h2>Findings over releases</h2>"
    yield from html.table(("image", "built", "found", "advisories of"), map(_found, releases))


def _found(release: Release) -> tuple[str, ...]:
    """Numbers, and bars as wide as they are many."""
    image = f"<code>{escape(str(release.image)[:19])}</code>"
    built_at = html.time(release.provenance.built if release.provenance else "")
    if release.findings is None:
        return image, built_at, "not known", ""
    bars = "".join(
        f'<span class="{escape(name)}" style="width:{min(n, _WIDEST) / 8:.2f}rem"></span>'
        for name, n in release.findings.by_severity.items()
    )
    day = escape(release.findings.as_of or "no known day")
    return image, built_at, f'{escape(release.findings.found)}<div class="found">{bars}</div>', day


def _release(release: Release, repository: str, *, listed: bool) -> Iterator[str]:
    """One image; its packages one by one where they are wanted, as of what serves."""
    yield f"<article><h3><code>{escape(str(release.image))}</code></h3><p>{escape(size(release))}</p>"
    if release.layers:
        largest = max(release.size, 1)
        parts = "".join(
            f'<span style="width:{100 * one / largest:.2f}%" title="layer {n}: {one / _MIB:.1f} MiB"></span>'
            for n, one in enumerate(release.layers, 1)
        )
        yield f'<div class="layers" role="img" aria-label="sizes by layer">{parts}</div>'
    yield from (f'<p class="bad">{escape(trouble)}</p>' for trouble in release.trouble)
    if release.findings:
        yield f"<p>{escape(release.findings.words)}</p>"
    if release.contents:
        yield from release.contents.page(repository, release.image, listed=listed)
    elif not release.gone:
        yield '<p class="bad">No SBOM that the build says is attached.</p>'
    yield from _timeline(release)
    if release.ran:
        heads = ("environment", "version", "release", "attempts", "stands")
        yield from html.table(heads, map(_ran, release.ran))
    yield "</article>"


def _timeline(release: Release) -> Iterator[str]:
    """From the commit to production."""
    yield '<ol class="time">'
    if release.provenance and release.provenance.source.commit:
        source = release.provenance.source
        named = f" ({source.ref.removeprefix('refs/')})" if source.ref else ""
        where = f" of {source.repository}" if source.repository else ""
        yield f"<li>Commit <code>{escape(source.commit)}</code>{escape(named + where)}</li>"
    yield f"<li>{html.time(release.provenance.built if release.provenance else '')}"
    yield f"Built by {escape(built_by(release))}</li>"
    happened = [(one.what.entry.at, _entered(one)) for one in release.entered]
    own = [one for one in release.verdicts if one.trusted]
    began = {(v.environment, v.version, v.began): one for one in own if (v := one.verdict).began}
    happened += [(at, _began(one)) for (_, _, at), one in began.items()]
    happened += [(one.verdict.passed, _said(one)) for one in release.verdicts]
    for _, lines in sorted(happened, key=lambda one: one[0]):
        yield from lines
    yield "</ol>"


def _ran(ran: Ran) -> tuple[str, ...]:
    version = f"<code>{ran.version}</code>"
    stands = escape(ran.standing)
    if ran.glass:
        stands += ', <span class="bad">BREAK-GLASS</span>'
    release = f'<span class="name">{escape(ran.release[:24])}</span>'
    return escape(ran.environment), version, release, str(ran.attempts), stands


def _entered(one: Entered) -> Iterator[str]:
    """A gate's answer; where the glass was broken, loudly."""
    entry = one.what.entry
    word = "" if one.trusted else ' <span class="bad">not its own word</span>'
    steps = f"{len(entry.steps)} steps"
    if isinstance(one.what, BrokenGlass):
        by = ", ".join(one.what.approval.approved_by) if one.what.approval else ""
        what = f'<span class="bad">BREAK-GLASS in {escape(entry.environment)}: {escape(one.broken)}</span>'
        what += f"<br>By {escape(one.what.role)}{f', approved by {escape(by)}' if by else ''}"
        steps = f"{steps} refused"
    else:
        what = f"Let in by the gate of {escape(entry.environment)}"
    yield f"<li>{html.time(entry.at)}{what}; said by {escape(one.by)}{word}"
    yield f"<details><summary>{steps}</summary>"
    yield from html.table(
        ("step", "what it said"), [(escape(step), escape(said)) for step, said in entry.steps]
    )
    yield "</details></li>"


def _began(said: Said) -> Iterator[str]:
    """The attempt that passed."""
    verdict = said.verdict
    where = f"{escape(verdict.environment)}, version <code>{escape(verdict.version)}</code>"
    yield f"<li>{html.time(verdict.began)}Its traffic began to move in {where}</li>"


def _said(said: Said) -> Iterator[str]:
    verdict = said.verdict
    word = "" if said.trusted else ' <span class="bad">not its own word</span>'
    yield f"<li>{html.time(verdict.passed)}"
    yield f"Passed in {escape(verdict.environment)}; said by {escape(said.by)}{word}"
    approval = verdict.approval
    if approval:
        by = f"approved by {', '.join(approval.approved_by) or 'nobody'}"
        who = approval.actor or "nobody known"
        yield f"<br>Started by {escape(who)}, {escape(by)}: {escape(approval.run)}"
    if verdict.glass:
        yield f'<br><span class="bad">Break-glass: {escape(verdict.glass)}</span>'
    if verdict.comparison:
        yield f"<br>Compared {escape(verdict.comparison.words)}"
    if verdict.transcript:
        heads = ("contract test", "status", "took", "answer")
        yield from html.table(heads, map(_answered, verdict.transcript))
    yield "</li>"


def _answered(one: Answered) -> tuple[str, ...]:
    return escape(one.test), str(one.status), f"{one.latency_ms:.0f}&nbsp;ms", escape(one.answer)
