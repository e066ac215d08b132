"""How a page looks: on a phone and on a desk, light, dark, and on paper."""

from __future__ import annotations

from hosttune.render.pictures.plot import LINES
from hosttune.render.shapes import BACK, DARK, FILLS, GRID, INK, LINE, PALE, PAPER

_BRIGHT = ("#6db3f2", "#ffd75e", "#5fdcc4", "#b79bff", "#f08cc0", "#a3b0bc")
CURVES = {colour: other for (colour, _), other in zip(LINES, _BRIGHT, strict=True) if colour not in DARK}
"""What stands for the colour of a curve on a dark page."""

_NAMES = {"ink": INK, "pale": PALE, "grid": GRID, "edge": LINE, "soft": BACK, "back": PAPER}
_NAMES |= {role.value: fill for role, fill in FILLS.items()}

_LAYOUT = """
*{box-sizing:border-box}html{-webkit-text-size-adjust:100%}
body{font:1rem/1.5 system-ui,sans-serif;color:var(--ink);background:var(--back);margin:0 auto;padding:1rem;
max-width:76rem;overflow-wrap:anywhere}
h1{font-size:1.5rem;line-height:1.25;margin:.5rem 0}h2{font-size:1.15rem;margin:2rem 0 .5rem}
.about{color:var(--pale);margin:.25rem 0 1rem}ul{padding-left:1.25rem}li.deep1{margin-left:1.5rem}
li.deep2{margin-left:3rem}li.deep3{margin-left:4.5rem}
.bad{--role:var(--bad)}.drift{--role:var(--drift)}.good{--role:var(--good)}.unknown{--role:var(--unknown)}
.plain{--role:var(--ink)}
.answer{border-left:.4rem solid var(--role);background:var(--soft);padding:.75rem 1rem;margin:1rem 0}
.answer p{margin:.25rem 0}.answer p:first-child{font-size:1.2rem;line-height:1.35;font-weight:bold}
.wide{overflow-x:auto;position:relative;margin:.5rem 0}.wide:focus-visible,
pre:focus-visible,button:focus-visible{outline:2px solid var(--ink)}
table{border-collapse:collapse;width:100%;font-size:.9rem;font-variant-numeric:tabular-nums;overflow-wrap:normal}
th,td{border-bottom:1px solid var(--grid);padding:.35rem .6rem;text-align:left;vertical-align:top}
th{background:var(--soft);vertical-align:bottom}td.long{min-width:18rem}td{min-width:3rem}
th.right,td.right{text-align:right}td.right,td.short{white-space:nowrap}
tr td:first-child{color:var(--role)}tr.bad td:first-child,tr.drift td:first-child{font-weight:bold}
th button{font:inherit;font-weight:bold;color:inherit;background:none;border:0;padding:.25rem 0;min-height:1.5rem;
cursor:pointer;text-align:inherit;text-decoration:underline dotted}
th[aria-sort=ascending] button::after{content:" \\25B2"}th[aria-sort=descending] button::after{content:" \\25BC"}
pre,code{background:var(--soft);border-radius:4px;font-family:ui-monospace,monospace;font-size:.9rem}
pre{padding:.6rem;overflow-x:auto;overflow-wrap:normal;margin:.25rem 0}
dl{display:grid;grid-template-columns:minmax(5rem,max-content) minmax(0,1fr);gap:.25rem 1rem;margin:.5rem 0}
dt{color:var(--pale)}dd{margin:0;grid-column:2}.head{color:var(--role);margin:1.25rem 0 .25rem}
figure{margin:1rem 0}svg{display:block}.drawn svg{max-width:none}figcaption{color:var(--pale);font-size:.85rem}
.chart{border:1px solid var(--grid);border-radius:6px;padding:.75rem}
.row{display:grid;grid-template-columns:minmax(0,18rem) minmax(0,1fr) minmax(0,13rem);column-gap:1rem;
align-items:center;padding:.1rem 0}.row .figure{font-variant-numeric:tabular-nums}
.row.first .name,.row.first .figure{font-weight:bold}
.row .name{text-align:right;line-height:1.25}.row .state{color:var(--role);font-weight:bold}.row .about{margin:0;
font-size:.85rem;font-weight:normal}.scale .name{color:var(--pale);font-size:.85rem;align-self:end}
.legend{list-style:none;padding:0;margin:.5rem 0}.legend li{display:grid;grid-template-columns:2.5rem minmax(0,1fr);
align-items:start;margin:.25rem 0}.legend svg{margin-top:.5rem}.legend small{color:var(--pale);font-size:.85rem}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
details{margin:.5rem 0}summary{cursor:pointer;padding:.25rem 0}
@media(max-width:44rem){.row{grid-template-columns:minmax(0,1fr) max-content;padding:.4rem 0;row-gap:.2rem}
.row .name{text-align:left}.row .figure{text-align:right;max-width:11rem;line-height:1.25}
.row .track{grid-column:1/3;grid-row:2}
.scale .name{grid-column:1/3}dl{grid-template-columns:minmax(0,1fr)}dd{grid-column:1}dt{margin-top:.5rem}
ul{padding-left:1rem}li.deep1{margin-left:.75rem}li.deep2{margin-left:1.5rem}li.deep3{margin-left:2.25rem}}
@media print{body{max-width:none;padding:0;font-size:10pt}.wide,pre{overflow:visible}pre{white-space:pre-wrap}
table{overflow-wrap:anywhere}td.long{min-width:0}td.right,td.short{white-space:normal}thead{display:table-header-group}
tr,.row,.answer,.chart{break-inside:avoid}h2,.head{break-after:avoid}.drawn svg{max-width:100%;height:auto}
th button{text-decoration:none}details::details-content{content-visibility:visible;display:block;height:auto}
.answer{border:1px solid var(--ink);border-left:.4rem solid var(--role)}@page{margin:15mm}}
""".strip()


def style() -> str:
    """Return the style sheet; what is drawn has the light colours written in it, of which each has a dark one."""
    light = ";".join(f"--{name}:{colour}" for name, colour in _NAMES.items())
    dark = ";".join(f"--{name}:{DARK[colour]}" for name, colour in _NAMES.items())
    drawn = "".join(
        f'svg [{what}="{colour}"]{{{what}:{other}}}'
        for colour, other in (DARK | CURVES).items()
        for what in ("fill", "stroke")
    )
    return (
        f":root{{color-scheme:light dark;{light}}}\n"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}\n{drawn}}}\n"
        f"@media print{{:root{{color-scheme:light}}}}\n{_LAYOUT}"
    )
