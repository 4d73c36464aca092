"""The style sheet of model cards: the look of the dashboard, light and dark, and plain on paper."""

from __future__ import annotations

import base64
import hashlib

__all__ = ["STYLE", "content_policy"]

_LIGHT = (
    "--page:#f6f7f9;--panel:#ffffff;--line:#e3e6ea;--text:#1a1d21;--muted:#5f6874;--accent:#3b5bdb;--track:#eceff2;"
    "--good:#147a4b;--bad:#c9372c;--warn:#8a5a00;--tint:#f3f5fe"
)
_DARK = (
    "--page:#0b0c0e;--panel:#111316;--line:#20242a;--text:#e8eaed;--muted:#8b939e;--accent:#6d8dff;--track:#1b1f24;"
    "--good:#46c48a;--bad:#ff6f61;--warn:#e0b04b;--tint:#151a2b"
)
STYLE = f"""
:root{{color-scheme:light dark;{_LIGHT}}}
@media (prefers-color-scheme:dark){{:root{{{_DARK}}}}}
*{{box-sizing:border-box}}
body{{margin:0;background:var(--page);color:var(--text);font:14px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}}
main{{max-width:1040px;margin:0 auto;padding:32px 20px 40px}}
header{{padding:0 4px 20px}}
.eyebrow{{color:var(--muted);font-size:12px}}
h1{{font-size:26px;line-height:1.25;font-weight:600;margin:2px 0 6px;overflow-wrap:anywhere}}
h1 .version{{color:var(--muted);font-weight:400;font-variant-numeric:tabular-nums;margin-left:6px}}
h2{{font-size:13px;font-weight:600;margin:0 0 10px}}
.line{{color:var(--muted);display:flex;flex-wrap:wrap;gap:4px 16px}}
.lead{{font-size:15px;max-width:72ch;margin:12px 0 0;overflow-wrap:anywhere}}
.dot{{display:inline-block;width:8px;height:8px;border-radius:50%;background:currentColor;margin-right:6px}}
.production{{color:var(--good)}}.failed{{color:var(--bad)}}.staging,.validating{{color:var(--accent)}}
.training,.archived{{color:var(--muted)}}
.grid{{display:grid;grid-template-columns:1fr 1fr;gap:14px}}
section{{background:var(--panel);border:1px solid var(--line);border-radius:8px;padding:16px 18px;min-width:0}}
section.wide{{grid-column:1/-1}}
p{{margin:0 0 8px;max-width:78ch;overflow-wrap:anywhere;white-space:pre-line}}p:last-child{{margin-bottom:0}}
.missing{{color:var(--warn)}}
.scroll{{overflow-x:auto}}
table{{border-collapse:collapse;width:100%;font-size:13px}}
th,td{{padding:6px 16px 6px 0;border-bottom:1px solid var(--line);text-align:left;vertical-align:middle;
font-weight:400}}
th:last-child,td:last-child{{padding-right:0}}
tbody tr:last-child td,tbody tr:last-child th{{border-bottom:0}}
thead th{{color:var(--muted);white-space:nowrap;padding-top:0}}
td.num,th.num{{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}}
td.name{{overflow-wrap:break-word}}
td.bar{{width:42%}}
.bar svg{{display:block;width:100%;height:8px}}
.track{{fill:var(--track)}}.fill{{fill:var(--accent)}}.tick{{fill:var(--text)}}
.good{{color:var(--good)}}.bad{{color:var(--bad)}}.quiet{{color:var(--muted)}}
dl{{display:grid;grid-template-columns:minmax(110px,max-content) 1fr;gap:5px 18px;margin:0;font-size:13px}}
dl.many{{display:block;columns:3 220px;column-gap:28px}}
dl+dl{{margin-top:14px;padding-top:12px;border-top:1px solid var(--line)}}
dt{{color:var(--muted);overflow-wrap:anywhere}}dd{{margin:0;overflow-wrap:anywhere;font-variant-numeric:tabular-nums}}
dl.many div{{display:flex;justify-content:space-between;gap:12px;break-inside:avoid;padding:1px 0}}
dl.many dd{{text-align:right}}
figure{{margin:0}}figcaption{{color:var(--muted);font-size:12px;margin-bottom:6px}}
.plots{{display:grid;grid-template-columns:repeat(auto-fit,minmax(300px,1fr));gap:18px}}
.plots img{{display:block;width:100%;height:auto;background:#fff;border-radius:6px;padding:6px}}
.spans{{margin:0 0 16px}}.spans svg{{display:block;width:100%;height:auto;overflow:visible}}
.spans text{{fill:var(--muted);font:11px system-ui,-apple-system,"Segoe UI",sans-serif}}
.spans .mine{{fill:var(--accent)}}.spans .other{{fill:var(--muted);opacity:.45}}
.spans text.label{{fill:var(--text)}}
ol{{list-style:none;margin:0;padding:0 0 0 18px;border-left:1px solid var(--line);font-size:13px}}
li{{position:relative;padding:0 0 12px}}li:last-child{{padding-bottom:0}}
li::before{{content:"";position:absolute;left:-22px;top:6px;width:7px;height:7px;border-radius:50%;background:var(--muted)}}
li.mine::before{{background:var(--accent)}}
li.other{{color:var(--muted)}}
li strong{{font-weight:600}}li .when{{display:inline-block;min-width:165px;color:var(--muted);
font-variant-numeric:tabular-nums}}
li .why{{color:var(--muted);overflow-wrap:anywhere;padding-left:165px}}
.tag{{display:inline-block;border:1px solid var(--line);border-radius:6px;padding:0 7px;margin:10px 6px 0 0;
font-size:12px}}
footer{{color:var(--muted);font-size:12px;padding:18px 4px 0}}
@media (max-width:700px){{.grid{{grid-template-columns:1fr}}dl{{grid-template-columns:1fr;gap:0}}dd{{margin-bottom:6px}}
.bar{{display:none}}li .when{{display:block}}li .why{{padding-left:0}}main{{padding:20px 12px}}}}
@media print{{:root{{{_LIGHT};--page:#fff}}body{{font-size:11px}}main{{max-width:none;padding:0}}
section{{border-color:#c9ced6}}section,figure,li,tr{{break-inside:avoid}}h2{{break-after:avoid}}}}
"""
"""The whole style sheet; the content policy allows it by its digest."""


def content_policy() -> str:
    """Return the policy of a card's page: this style sheet, pictures within the page, and nothing else."""
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
