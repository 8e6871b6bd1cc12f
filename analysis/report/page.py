"""The report's page: one self-contained HTML file, light or dark as its reader's screen is."""

from collections.abc import Mapping
from html import escape

from analysis.claims.claim import WORDS, Claim
from analysis.figures.drawing import Drawing
from analysis.frames.load import Header
from analysis.frames.regime import MEANINGS
from analysis.frames.types import Frame
from analysis.report.findings import Findings
from analysis.tables.cells import MEASURES, OF_PROBES, Glance, also, written
from analysis.tables.sheet import Sheet
from study.record import TABLES

UNDECLARED = {"mmd_imq": ["-", "unbiased inverse-multiquadratic MMD² between q(z) and N(0, I); may be negative"]}
"""Unit and meaning of a metric in homes whose plans do not give them."""

MOST_ROWS = 30
"""Rows of a table that are shown at once."""

STYLE = """
:root { color-scheme: light dark; --ink: #1f2328; --quiet: #5b6470; --rule: #d9dde3; --paper: #fff; --card: #f6f7f9;
  --balanced: #cfe8dc; --over: #cfdff3; --under: #fbdcc4; --unfit: #e3e3e8; --memorising: #ead6ec; --diverged: #f2c6c6; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --quiet: #9aa4b1; --rule: #3a414b; --paper: #16191d;
  --card: #1f242a; --balanced: #1d4a37; --over: #1f3d63; --under: #6a3a14; --unfit: #3c3f47; --memorising: #51325a;
  --diverged: #662525; } }
body { font: 15px/1.55 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 2.5rem auto;
  max-width: 74rem; padding: 0 1.25rem; }
h1 { font-size: 1.7rem; margin: 0 0 .2rem; } h2 { font-size: 1.12rem; margin: 2.4rem 0 .6rem; }
.caption { font-size: 1.05rem; margin: 0 0 1rem; } .quiet, figcaption { color: var(--quiet); font-size: .87rem; }
.scroll { overflow-x: auto; } .tall { max-height: max(30rem, 80vh); overflow-y: auto; border-bottom: 1px solid var(--rule); }
.tall th { position: sticky; top: 0; background: var(--paper); } figure { max-width: 62rem; }
table { border-collapse: collapse; font-size: .86rem; }
th, td { padding: .32rem .6rem; border-bottom: 1px solid var(--rule); text-align: left; white-space: nowrap; }
th { font-weight: 600; } td.number { font-variant-numeric: tabular-nums; }
td.number, th.number { text-align: right; }
.full th, .full td { font-size: .78rem; padding: .24rem .45rem; } td.meaning { white-space: normal; }
.counts { display: flex; flex-wrap: wrap; gap: .5rem 1.8rem; margin: 1rem 0; padding: .7rem 1rem; background: var(--card);
  border-radius: 6px; } .counts b { font-size: 1.15rem; }
.balanced { background: var(--balanced); } .over { background: var(--over); } .under { background: var(--under); }
.unfit { background: var(--unfit); } .memorising { background: var(--memorising); } .diverged { background: var(--diverged); }
.moving, .missing, .failed, .mixed, .unknown { color: var(--quiet); font-style: italic; }
.legend { list-style: none; padding: 0; display: grid; gap: .25rem; font-size: .87rem; }
.legend span { display: inline-block; min-width: 6.5rem; padding: 0 .5rem; border-radius: 3px; margin-right: .5rem; }
figure { margin: 1.2rem 0 2rem; } figure svg { width: 100%; height: auto; background: #fff; border-radius: 6px; }
.verdicts { list-style: none; padding: 0; } .verdicts li { padding: .5rem 0; border-bottom: 1px solid var(--rule); }
.verdicts b { display: inline-block; padding: 0 .5rem; border-radius: 3px; margin-right: .4rem; background: var(--unfit); }
.fault { padding: .5rem 1rem; border-left: .25rem solid #d1603d; background: var(--card); }
.verdicts b.holds { background: var(--balanced); } .verdicts b.fails { background: var(--under); }
"""


def page(
    header: Header,
    counted: dict[str, int],
    glance: Glance,
    found: Findings,
    summary: Frame,
    notes: list[str],
    runs: str = "",
) -> str:
    """The whole report as HTML: no file beside it and no network is needed to read it."""
    sections = [
        f"<h1>{escape(header.name)}</h1><p class='caption'>{escape(header.caption)}</p>",
        _counts(counted, header),
        "".join(f"<p class='fault'>{escape(fault)}</p>" for fault in found.faults),
        f"<h2>At a glance</h2>{_glance(glance)}{_legend(glance)}{_notes(notes)}" if glance.rows else "",
        _claims(found.claims),
        "<h2>Figures</h2>" + "".join(map(_figure, found.figures)) if found.figures else "",
        "".join(map(_sheet, found.sheets)),
        f"<h2>Table</h2><p class='quiet'>Mean ± half-width of the 95 % t-interval over the seeds of the finished trials. "
        f"A dash: nothing to average. n/a: one seed, no interval. As numbers: <a href='table.csv'>table.csv</a>.</p>"
        f"{_table(summary, header)}",
        f"<h2>Columns</h2>{_glossary(header, summary)}",
        runs,
    ]
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{escape(header.name)}</title><style>{STYLE}</style></head><body>{''.join(sections)}</body></html>\n"
    )


def _counts(counted: dict[str, int], header: Header) -> str:
    items = "".join(
        f"<span><b>{n}</b> {'not converged' if k == 'unconverged' else k}</span>"
        for k, n in counted.items()
        if header.trained or k in OF_PROBES
    )
    return f"<div class='counts'>{items}<span class='quiet'>scale: {escape(header.scale)}</span></div>"


def _glance(glance: Glance) -> str:
    head = "".join(f"<th>{escape(text)}</th>" for text in [*glance.axes, *glance.columns])
    body = ""
    for labels, line in zip(glance.sparse_rows(), glance.cells, strict=True):
        texts = "".join(f"<td>{escape(text)}</td>" for text in labels)
        marks = "".join(
            f"<td class='{escape(cell.regime)}{' moving' if cell.mark else ''}' "
            f"title='{cell.agreeing} of {cell.of}'>{escape(cell.text)}</td>"
            for cell in line
        )
        body += f"<tr>{texts}{marks}</tr>"
    return _scrolled(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>", len(glance.rows))


def _scrolled(table: str, rows: int) -> str:
    """A table that scrolls within the page if it is wide or long, so that what comes below stays in sight."""
    return f"<div class='scroll{' tall' if rows > MOST_ROWS else ''}'>{table}</div>"


def _legend(glance: Glance) -> str:
    seen = {text for line in glance.cells for cell in line for text in (cell.regime, cell.mark)}
    items = "".join(
        f"<li><span class='{name}'>{name}</span>{escape(meaning)}</li>"
        for name, meaning in MEANINGS.items()
        if name in seen
    )
    return (
        f"<p class='quiet'>Each cell: mean number of active latents, and the regime.</p><ul class='legend'>{items}</ul>"
    )


def _notes(notes: list[str]) -> str:
    return "".join(f"<p class='quiet'>{escape(note)}</p>" for note in notes)


def _claims(claims: list[Claim]) -> str:
    if not claims:
        return ""
    items = "".join(
        f"<li><b class='{item.verdict}'>{WORDS[item.verdict]}</b>{escape(item.data)}: {escape(item.claim)}."
        f"<br><span class='quiet'>{escape(item.measured)}. Expected: {escape(item.expected)} ({escape(item.tolerance)}; "
        f"{escape(item.source)}), {item.trials} trials.</span></li>"
        for item in claims
    )
    return f"<h2>What the numbers say</h2><ul class='verdicts'>{items}</ul>"


def _sheet(sheet: Sheet) -> str:
    head, body = sheet.text()
    top = "".join(f"<th>{escape(text)}</th>" for text in head)
    rows = "".join("<tr>" + "".join(f"<td>{escape(text)}</td>" for text in row) + "</tr>" for row in body)
    grid = _scrolled(f"<table><thead><tr>{top}</tr></thead><tbody>{rows}</tbody></table>", len(body))
    return f"<h2>{escape(sheet.caption)}</h2>{grid}"


def _figure(drawing: Drawing) -> str:
    svg = drawing.svg.decode()
    return f"<figure>{svg[svg.index('<svg') :]}<figcaption>{escape(drawing.caption)}</figcaption></figure>"


def _table(summary: Frame, header: Header) -> str:
    head, body = written(summary, header)
    first = len(header.varying("seed")) - (
        not header.trained
    )  # of the columns to the right of the labels, and the regime
    top = "".join(f"<th class='{'number' if i > first else ''}'>{escape(text)}</th>" for i, text in enumerate(head))
    rows = ""
    for row, regime in zip(body, summary["regime"], strict=True):
        kinds = ["number" if i > first else "" for i in range(len(row))]
        if header.trained:
            kinds[first] = str(regime)
        rows += "<tr>" + "".join(f"<td class='{k}'>{escape(t)}</td>" for k, t in zip(kinds, row, strict=True)) + "</tr>"
    return _scrolled(f"<table class='full'><thead><tr>{top}</tr></thead><tbody>{rows}</tbody></table>", len(body))


def _glossary(header: Header, summary: Frame) -> str:
    columns = [*glossary(header.metrics), *_of_metrics(header, summary)] if header.trained else []
    rows = "".join(
        f"<tr><td>{escape(heading)}</td><td>{escape(column)}</td><td>{escape(unit)}</td>"
        f"<td class='meaning'>{escape(meaning)}</td></tr>"
        for heading, column, unit, meaning in [*columns, *_of_probes(header)]
    )
    head = "<tr><th>heading</th><th>column</th><th>unit</th><th>meaning</th></tr>"
    return f"<div class='scroll'><table><thead>{head}</thead><tbody>{rows}</tbody></table></div>"


def _of_probes(header: Header) -> list[tuple[str, str, str, str]]:
    return [
        (name.replace("_", " "), f"evaluations.{name}", unit, meaning)
        for name, (unit, meaning) in header.measures.items()
    ]


def _of_metrics(header: Header, summary: Frame) -> list[tuple[str, str, str, str]]:
    """The table's further columns, as the metrics are declared."""
    shown = {n: text for n, text in also(header).items() if f"{n}_mean" in summary and n in header.metrics}
    return [(text, f"evaluations.{name}", *_declared(header.metrics, name)) for name, text in shown.items()]


def _declared(metrics: Mapping[str, list[str]], name: str) -> tuple[str, str]:
    unit, meaning = metrics[name]
    return unit, meaning


def glossary(metrics: Mapping[str, list[str]]) -> list[tuple[str, str, str, str]]:
    """Heading, column, unit and meaning of every measured column, from the records' field metadata and the plan's metrics."""
    rows = []
    for column, heading in MEASURES.items():
        if column == "mmd":
            rows.append((heading, "evaluations.mmd_imq", *_declared({**UNDECLARED, **metrics}, "mmd_imq")))
            continue
        name = "gamma" if column == "gamma_value" else column
        metadata = TABLES["trials"].field(name).metadata
        rows.append((heading, f"trials.{name}", metadata[b"unit"].decode(), metadata[b"meaning"].decode()))
    return rows
