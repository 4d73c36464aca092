"""What the style sheet of model cards adds to that of all pages."""

from __future__ import annotations

from mlops.html_pages import style_sheet

__all__ = ["STYLE"]

_OWN = """h1 .version{color:var(--muted);font-weight:400;font-variant-numeric:tabular-nums;margin-left:6px}
.lead{font-size:15px;max-width:72ch;margin:12px 0 0;overflow-wrap:anywhere}
.production{color:var(--good)}.failed{color:var(--bad)}.staging,.validating{color:var(--accent)}
.training,.archived{color:var(--muted)}
p{max-width:78ch;white-space:pre-line}
.missing{color:var(--warn)}
th,td{padding:6px 16px 6px 0;vertical-align:middle}
td.name{overflow-wrap:break-word}
td.bar{width:42%}
.bar svg{display:block;width:100%;height:8px}
.track{fill:var(--track)}.fill{fill:var(--accent)}.tick{fill:var(--text)}
dl{display:grid;grid-template-columns:minmax(110px,max-content) 1fr;gap:5px 18px;margin:0;font-size:13px}
dl.many{display:block;columns:3 220px;column-gap:28px}
dl+dl{margin-top:14px;padding-top:12px;border-top:1px solid var(--line)}
dt{color:var(--muted);overflow-wrap:anywhere}dd{margin:0;overflow-wrap:anywhere;font-variant-numeric:tabular-nums}
dl.many div{display:flex;justify-content:space-between;gap:12px;break-inside:avoid;padding:1px 0}
dl.many dd{text-align:right}
figure{margin:0}figcaption{color:var(--muted);font-size:12px;margin-bottom:6px}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(300px,1fr));gap:18px}
.plots img{display:block;width:100%;height:auto;background:#fff;border-radius:6px;padding:6px}
.spans{margin:0 0 16px}.spans svg{display:block;width:100%;height:auto;overflow:visible}
.spans text{fill:var(--muted);font:11px system-ui,-apple-system,"Segoe UI",sans-serif}
.spans .mine{fill:var(--accent)}.spans .other{fill:var(--muted);opacity:.45}
.spans text.label{fill:var(--text)}
ol{list-style:none;margin:0;padding:0 0 0 18px;border-left:1px solid var(--line);font-size:13px}
li{position:relative;padding:0 0 12px}li:last-child{padding-bottom:0}
li::before{content:"";position:absolute;left:-22px;top:6px;width:7px;height:7px;border-radius:50%;background:var(--muted)}
li.mine::before{background:var(--accent)}
li.other{color:var(--muted)}
li strong{font-weight:600}li .when{display:inline-block;min-width:165px;color:var(--muted);
font-variant-numeric:tabular-nums}
li .why{color:var(--muted);overflow-wrap:anywhere;padding-left:165px}
.tag{display:inline-block;border:1px solid var(--line);border-radius:6px;padding:0 7px;margin:10px 6px 0 0;
font-size:12px}
@media (max-width:760px){dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:6px}
.bar{display:none}li .when{display:block}li .why{padding-left:0}}
@media print{section,figure,li,tr{break-inside:avoid}}
"""
STYLE = style_sheet(_OWN, light="--tint:#f3f5fe", dark="--tint:#151a2b")
