"""The style sheet of the report: light and dark, on the screen and on paper."""

STYLE = """
:root{color-scheme:light dark;--page:#fbfbf9;--card:#fff;--ink:#1d2126;--soft:#5a626c;--faint:#e3e4e0;
--before:#b85c00;--after:#1764ab;--reference:#1d2126;--accent:#1764ab;--fill:#c3c8ce;--rule:#8a5a9e;
--warn:#8a4b00;--warnback:#fff4e0;--good:#17663a;--code:#f2f3f0}
@media (prefers-color-scheme:dark){:root{--page:#14171a;--card:#1c2024;--ink:#e7e9ea;--soft:#a3abb3;--faint:#343a40;
--before:#f2a65a;--after:#6fb3f2;--reference:#e7e9ea;--accent:#8cc2f5;--fill:#4a525a;--rule:#c9a0dc;
--warn:#ffcf8a;--warnback:#3a2c14;--good:#7fd6a2;--code:#24292e}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,
"Helvetica Neue",Arial,sans-serif;-webkit-text-size-adjust:100%}
main{max-width:1180px;margin:0 auto;padding:2.2rem 1.4rem 4rem}
h1{font-size:1.75rem;line-height:1.2;margin:0 0 .3rem;font-weight:650;letter-spacing:-.01em;overflow-wrap:anywhere}
h2{font-size:1.2rem;margin:3rem 0 .5rem;padding-top:1.1rem;border-top:1px solid var(--faint);font-weight:650}
h3{font-size:1rem;margin:1.6rem 0 .4rem;font-weight:600}
p{margin:.5rem 0;max-width:76ch}
.lead{font-size:1.06rem}
.soft,figcaption{color:var(--soft)}
a{color:var(--accent)}
nav ul{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;margin:1.1rem 0 0;padding:0;list-style:none;font-size:.92rem}
figure{margin:0;min-width:0}
figcaption{font-size:.86rem;line-height:1.4;margin-top:.35rem}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:.7rem;margin:1.4rem 0 0;padding:0}
.facts div{background:var(--card);border:1px solid var(--faint);border-radius:.5rem;padding:.65rem .85rem}
.facts dt{font-size:.8rem;color:var(--soft)}
.facts dd{margin:0;font-size:1.32rem;font-weight:600;font-variant-numeric:tabular-nums;line-height:1.3}
.facts small{display:block;font-size:.76rem;font-weight:400;color:var(--soft);line-height:1.3}
.warnings{background:var(--warnback);color:var(--warn);border-radius:.5rem;padding:.7rem 1.1rem;margin:1.3rem 0 0}
.warnings ul{margin:.2rem 0;padding-left:1.2rem}
.row{display:grid;gap:1rem;margin:.8rem 0 1.4rem;align-items:start}
.row.three{grid-template-columns:repeat(3,minmax(0,1fr))}
.row.four{grid-template-columns:repeat(4,minmax(0,1fr))}
.row.two{grid-template-columns:repeat(2,minmax(0,1fr))}
.pic{position:relative;width:100%;background:#000;border-radius:2px;overflow:hidden}
.pic.plain{background:var(--faint)}
.pic img,.pic svg{position:absolute;inset:0;width:100%;height:100%;display:block}
.pic img.sharp{image-rendering:pixelated}
.over-it{position:absolute;inset:0;font:600 .72rem/1.2 system-ui,sans-serif;color:#fff;
text-shadow:0 0 2px #000,0 0 2px #000,0 0 3px #000}
.over-it span{position:absolute;padding:.1rem .3rem}
.over-it .top{top:0;left:50%;transform:translateX(-50%)}
.over-it .bottom{bottom:0;left:50%;transform:translateX(-50%)}
.over-it .left{left:0;top:50%;transform:translateY(-50%)}.over-it .right{right:0;top:50%;transform:translateY(-50%)}
.over-it .bar{left:.4rem;bottom:.4rem;padding:0 0 .1rem;border-bottom:2px solid #fff;white-space:nowrap;
box-shadow:0 1px 1px #0008}
.box{fill:none;stroke:#ffd23f;stroke-width:1.4;vector-effect:non-scaling-stroke}
.scale{display:flex;align-items:center;gap:.5rem;font-size:.78rem;color:var(--soft);margin-top:.3rem;
font-variant-numeric:tabular-nums}
.scale img{flex:1;height:.6rem;min-width:3rem;border-radius:2px;border:1px solid var(--faint)}
.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,27rem),1fr));gap:1.6rem;margin:.8rem 0}
.chart{width:100%;height:auto;display:block;background:var(--card);border:1px solid var(--faint);
border-radius:.5rem;padding:.4rem}
.chart text{font:11.5px system-ui,sans-serif;fill:var(--soft);font-variant-numeric:tabular-nums}
.chart .label{fill:var(--ink)}
.chart .power{font-size:9px}
.grid{stroke:var(--faint);stroke-width:1}
.axis{fill:none;stroke:var(--soft);stroke-width:1}
.line{fill:none;stroke:var(--after);stroke-width:1.8;stroke-linejoin:round}
.line.before{stroke:var(--before);stroke-width:1.6}.line.after{stroke:var(--after);stroke-width:2}
.line.reference{stroke:var(--reference);stroke-width:1.4;stroke-dasharray:5 4}
.line.rule{stroke:var(--rule);stroke-width:1.4;stroke-dasharray:2 3}
.area{stroke:none;fill:var(--fill)}
.dot{fill:var(--after)}.dot.before{fill:var(--before)}
.kernels{display:grid;grid-template-columns:repeat(auto-fill,minmax(8.6rem,1fr));gap:1rem;margin:.8rem 0}
.kernels figcaption b{color:var(--ink);font-weight:600}
.kernels .views{display:grid;gap:2px}.kernels .over-it{font-size:.62rem}
.swatch{display:inline-block;width:.75em;height:.75em;border-radius:2px;margin-right:.35em;vertical-align:-.05em}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1rem;font-size:.84rem;color:var(--soft);padding:0;margin:.4rem 0;
list-style:none}
.row.residual{grid-template-columns:minmax(0,5fr) minmax(0,6fr)}
.wide{overflow-x:auto}
table{border-collapse:collapse;font-size:.88rem;font-variant-numeric:tabular-nums;margin:.6rem 0}
th,td{text-align:left;padding:.28rem 1.1rem .28rem 0;border-bottom:1px solid var(--faint);vertical-align:top;
overflow-wrap:anywhere}
th{font-weight:600;white-space:nowrap}
.n{white-space:nowrap}caption{text-align:left;font-size:.84rem;padding-bottom:.3rem}
thead th{color:var(--soft);font-weight:500}
pre{background:var(--code);border-radius:.4rem;padding:.75rem .95rem;overflow:auto;max-height:26rem;
font:12.5px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;margin:.5rem 0}
pre.command{white-space:pre-wrap;overflow-wrap:anywhere;max-height:none}
code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.9em}
.flicker fieldset{grid-column:1/-1;border:0;padding:0;margin:.2rem 0 .6rem;display:flex;flex-wrap:wrap;
gap:.4rem 1.2rem;font-size:.92rem}
.flicker .over{opacity:0}
.flicker:has(#show-after:checked) .over{opacity:1}
.flicker:has(#show-both:checked) .over{animation:swap 1.4s steps(1) infinite}
@keyframes swap{0%{opacity:0}50%{opacity:1}}
footer{margin-top:3rem;font-size:.84rem;color:var(--soft);border-top:1px solid var(--faint);padding-top:.9rem}
@media (max-width:46rem){main{padding:1.2rem .9rem 3rem}.row.four{grid-template-columns:repeat(2,minmax(0,1fr))}}
@media (max-width:40rem){.row.two{grid-template-columns:minmax(0,1fr)}}
@media (max-width:30rem){.row.three{gap:.4rem}}
@media print{:root{color-scheme:light;--page:#fff;--card:#fff;--ink:#000;--soft:#444;--faint:#ccc;--before:#b85c00;
--after:#1764ab;--reference:#000;--accent:#000;--fill:#c3c8ce;--rule:#8a5a9e;--warn:#000;--warnback:#fff;
--code:#fff}
html{font-size:9.5pt}body{font-size:1rem}main{max-width:none;padding:0}
.charts{grid-template-columns:repeat(2,minmax(0,1fr));gap:.8rem}.kernels{grid-template-columns:repeat(6,1fr);gap:.6rem}
nav,.flicker{display:none}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}
figure,.facts div,tr,.row{break-inside:avoid}h2,h3{break-after:avoid}h2{margin-top:1.4rem}
section>p{break-after:avoid}
pre{max-height:none;white-space:pre-wrap;overflow-wrap:anywhere;border:1px solid #ccc}}
"""
