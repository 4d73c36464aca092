"""Model cards as one HTML page that brings everything it shows: no script, no address outside, all text escaped."""

from __future__ import annotations

from mlops.formatting import format_change, format_metric, format_moment
from mlops.html_pages import page, text
from mlops.model_registry.card import (
    Block,
    Facts,
    Gallery,
    History,
    Metric,
    Metrics,
    ModelCard,
    Prose,
    Section,
    Table,
    card_sections,
)
from mlops.model_registry.card_charts import bar, spans_chart
from mlops.model_registry.card_style import STYLE
from mlops.model_registry.entities import ModelMove, MoveKind

__all__ = ["card_html"]

_MANY = 6  # facts beyond which names and values stand in columns
_DONE = {
    MoveKind.REGISTER: "registered",
    MoveKind.IMPORT: "imported",
    MoveKind.PROMOTE: "promoted",
    MoveKind.DEMOTE: "demoted",
    MoveKind.ARCHIVE: "archived",
    MoveKind.ROLLBACK: "rolled back to",
    MoveKind.FAIL: "failed",
    MoveKind.DELETE: "deleted",
}
_PARAGRAPH = 100_000  # characters
_SHORT = 48  # characters of name and value that fit one of those columns


def card_html(card: ModelCard) -> str:
    """Return a card as an HTML page, light or dark as the reader's system is, and fit to be printed.

    Raises:
        InvalidInput: A plot is no picture.
    """
    sections = "".join(_section(section) for section in card_sections(card))
    title = f"{card.title} {card.metadata.version}".strip()
    main = (
        f'{_header(card)}\n<div class="grid">\n{sections}</div>\n'
        f"<footer>Made {format_moment(card.made_at)} by TracSeq MLOps.</footer>\n"
    )
    return page(title, main, style=STYLE, has_pictures=True)


def _header(card: ModelCard) -> str:
    item = card.metadata
    facts = [
        f'<span class="{item.status}"><span class="dot"></span>{item.status}</span>',
        text(item.model_id),
        f"registered {format_moment(item.created_at)}" if item.created_at else "",
        f"in production since {format_moment(item.promoted_at)}"
        if item.promoted_at and item.status == "production"
        else "",
        f"by {text(item.created_by)}" if item.created_by else "",
    ]
    line = "".join(f"<span>{fact}</span>" for fact in facts if fact)
    lead = f'<p class="lead">{text(item.description, _PARAGRAPH)}</p>' if item.description else ""
    words = [name if value == "true" else f"{name}: {value}" for name, value in item.tags.items()]
    tags = "".join(f'<span class="tag">{text(word)}</span>' for word in words)
    return (
        f'<header><div class="eyebrow">Model card</div><h1>{text(card.title)}'
        f'<span class="version">{text(item.version)}</span></h1><div class="line">{line}</div>{lead}{tags}</header>'
    )


def _section(section: Section) -> str:
    body = "".join(_block(block) for block in section.blocks)
    wide = ' class="wide"' if section.is_wide else ""
    return f"<section{wide}><h2>{text(section.title)}</h2>{body}</section>\n"


def _block(block: Block) -> str:
    if isinstance(block, Prose):
        missing = ' class="missing"' if block.is_missing else ""
        return f"<p{missing}>{text(block.text, _PARAGRAPH)}</p>"
    if isinstance(block, Facts):
        return _facts(block)
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Metrics):
        return _metrics(block)
    return _history(block) if isinstance(block, History) else _gallery(block)


def _facts(block: Facts) -> str:
    pairs = [f"<dt>{text(name)}</dt><dd>{text(value)}</dd>" for name, value in block.pairs]
    if len(pairs) > _MANY and all(len(name) + len(value) <= _SHORT for name, value in block.pairs):
        return f'<dl class="many">{"".join(f"<div>{pair}</div>" for pair in pairs)}</dl>'
    return f"<dl>{''.join(pairs)}</dl>"


def _table(block: Table) -> str:
    heads = "".join(f"<th>{text(head)}</th>" for head in block.heads)
    rows = "".join(f"<tr>{''.join(f'<td>{text(cell)}</td>' for cell in row)}</tr>" for row in block.rows)
    return f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'


def _metrics(block: Metrics) -> str:
    against = f'<th class="num">In {text(block.against)}</th><th class="num">Change</th>' if block.against else ""
    rows = "".join(_metric(row, has_before=bool(block.against)) for row in block.rows)
    return (
        f'<div class="scroll"><table><thead><tr><th>Metric</th><th class="bar"></th><th class="num">Value</th>{against}'
        f"</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _metric(row: Metric, *, has_before: bool) -> str:
    before = ""
    if has_before:
        before = f'<td class="num quiet">{format_metric(row.before)}</td>{_change(row)}'
    return (
        f'<tr><td class="name">{text(row.name)}</td><td class="bar">{bar(row.value, row.before)}</td>'
        f'<td class="num">{format_metric(row.value)}</td>{before}</tr>'
    )


def _change(row: Metric) -> str:
    if row.before is None:
        return '<td class="num quiet">new</td>'
    kind = {True: "good", False: "bad", None: "quiet"}[row.is_better]
    word = {True: " better", False: " worse", None: ""}[row.is_better]
    difference = row.value - row.before
    sign = "+" if difference > 0 else "−" if difference < 0 else ""
    return f'<td class="num {kind}">{sign}{format_change(abs(difference), row.value)}{word}</td>'


def _history(block: History) -> str:
    items = "".join(_move(move, is_mine=move.version == block.version) for move in block.moves)
    return spans_chart(block.spans, block.version, until=block.until) + f"<ol>{items}</ol>"


def _move(move: ModelMove, *, is_mine: bool) -> str:
    route = (
        f"{move.from_status} → {move.to_status or 'deleted'}" if move.from_status else f"{move.to_status or 'deleted'}"
    )
    replaced = f", replacing {text(move.replaced_version)}" if move.replaced_version else ""
    actor = f" by {text(move.actor)}" if move.actor else ""
    why = f'<div class="why">{text(move.reason)}</div>' if move.reason else ""
    return (
        f'<li class="{"mine" if is_mine else "other"}"><span class="when">{format_moment(move.at)}</span>'
        f"<strong>{text(move.version)}</strong> {_DONE[move.kind]}{actor}: {route}{replaced}{why}</li>"
    )


def _gallery(block: Gallery) -> str:
    figures = "".join(
        f'<figure><figcaption>{text(picture.title)}</figcaption><img alt="{text(picture.title)}" '
        f'src="{picture.data_url}"></figure>'
        for picture in block.pictures
    )
    return f'<div class="plots">{figures}</div>'
