/** How airferry's pages look, on screens light and dark, and on paper. */
export const STYLE = `
:root{--paper:#fbfaf7;--card:#fff;--ink:#1c2126;--soft:#5c6670;--line:#e3e0d8;--accent:#0b5c6b;--good:#14693a;--bad:#a81e22;--warn:#80550a;
--goodbg:#e3f2e8;--badbg:#fae5e3;--warnbg:#f8edd3;--plainbg:#eceae4;
--k0:#2c7a86;--k1:#8a6d3b;--k2:#6b7686;--k3:#b0533c;--k4:#4d6fae;--k5:#7a5a94;--k6:#55803f;--k7:#a3487a;--k8:#3d7f6b;--k9:#8d6a1f;--shared:#39414a}
@media (prefers-color-scheme:dark){:root{--paper:#14181b;--card:#1b2024;--ink:#e6e4df;--soft:#9aa4ac;--line:#2e353a;--accent:#6fc3d0;--good:#76cf99;--bad:#f39088;--warn:#e2b65c;
--goodbg:#17331f;--badbg:#431b1a;--warnbg:#3b2e10;--plainbg:#2a3035;
--k0:#2b6f7a;--k1:#7d6335;--k2:#5d6775;--k3:#9c4a36;--k4:#45639b;--k5:#6d5085;--k6:#4b7238;--k7:#91406c;--k8:#367160;--k9:#7c5d1c;--shared:#4a545e}}
*{box-sizing:border-box}
html{scroll-padding-top:1rem}
body{margin:0 auto;max-width:72rem;padding:2.5rem 1.5rem 4rem;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI","Noto Sans","DejaVu Sans",sans-serif;font-variant-numeric:tabular-nums}
.skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:1rem;background:var(--card);padding:.5rem 1rem}
a{color:var(--accent)}a:focus-visible,summary:focus-visible{outline:3px solid var(--accent);outline-offset:2px;border-radius:3px}
.kind{margin:0;color:var(--accent);font-weight:650;letter-spacing:.01em}.kind span{color:var(--soft);font-weight:400}
h1{margin:.1rem 0 .4rem;font-size:2.3rem;line-height:1.15;letter-spacing:-.02em;overflow-wrap:anywhere}h1 small{color:var(--soft);font-weight:400;font-size:.62em;letter-spacing:0}
h2{margin:0 0 .9rem;font-size:1.28rem;letter-spacing:-.01em}
h3{margin:0;font-size:1.04rem;overflow-wrap:anywhere}
p{margin:.3rem 0}.soft{color:var(--soft)}
section{margin-top:2.6rem}
nav{display:flex;flex-wrap:wrap;gap:.3rem 1.2rem;margin-top:1.4rem;padding:.6rem 0;border-top:1px solid var(--line);border-bottom:1px solid var(--line)}nav a{text-decoration:none}nav a:hover{text-decoration:underline}
code,pre{font:.86em/1.45 ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace}
.digest{overflow-wrap:anywhere;color:var(--soft)}
pre{margin:0;padding:1rem;overflow:auto;background:var(--card);border:1px solid var(--line);border-radius:8px;white-space:pre-wrap;overflow-wrap:anywhere}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(9rem,1fr));gap:.8rem;margin:1.4rem 0 0}
.tiles div{display:flex;flex-direction:column-reverse;justify-content:flex-end;background:var(--card);border:1px solid var(--line);border-radius:10px;padding:.7rem .9rem}
.tiles dt{color:var(--soft);font-size:.84rem}.tiles dd{margin:0;font-size:1.24rem;font-weight:650;letter-spacing:-.01em;overflow-wrap:anywhere}
.facts{display:grid;grid-template-columns:max-content 1fr;gap:.3rem 1.4rem;margin:0}.facts dt{color:var(--soft)}.facts dd{margin:0;min-width:0;overflow-wrap:anywhere}
.scroll{overflow-x:auto}
table{width:100%;border-collapse:collapse;font-size:.92rem}
caption{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
th{color:var(--soft);font-weight:500;text-align:left;font-size:.84rem}
th,td{padding:.36rem .8rem .36rem 0;border-bottom:1px solid var(--line);vertical-align:top}
td{overflow-wrap:anywhere}td:first-child:not(.right){min-width:9rem}.nowrap{white-space:nowrap}.right{text-align:right;white-space:nowrap}
.card{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:1rem 1.2rem;margin-bottom:.9rem}
.card>p:last-child,.card>ul:last-child{margin-bottom:0}
.variant{padding-top:.7rem;margin-top:.7rem;border-top:1px solid var(--line)}
.row{display:flex;flex-wrap:wrap;align-items:baseline;gap:.2rem .9rem}.row .end{margin-left:auto}
.badge{display:inline-block;padding:.02rem .55rem;border-radius:99px;background:var(--plainbg);font-size:.82rem;white-space:nowrap}
.badge.good,.badge.signature{background:var(--goodbg);color:var(--good)}.badge.bad{background:var(--badbg);color:var(--bad)}.badge.warn,.badge.attestation{background:var(--warnbg);color:var(--warn)}
.verdict{border-left:6px solid;border-radius:8px;padding:.9rem 1.2rem;margin:1.2rem 0 0;font-size:1.08rem}.verdict b{display:block;font-size:1.3rem}
.verdict.good{border-color:var(--good);background:var(--goodbg)}.verdict.bad{border-color:var(--bad);background:var(--badbg)}.verdict.warn{border-color:var(--warn);background:var(--warnbg)}
.good b{color:var(--good)}.bad b{color:var(--bad)}.warn b{color:var(--warn)}
.note{margin-top:1rem;max-width:56rem}
ul.plain{list-style:none;margin:.5rem 0 0;padding:0}ul.plain ul{margin:.2rem 0 0 1.4rem;list-style:none;padding:0}ul.plain li{padding:.12rem 0}
summary{cursor:pointer;color:var(--accent);padding:.2rem 0}
svg{display:block;width:100%;height:auto;border-radius:10px}
svg text{font:500 12px system-ui,-apple-system,"Segoe UI","Noto Sans","DejaVu Sans",sans-serif;fill:#fff;pointer-events:none}svg text.sub{font-weight:400;fill:#ffffffd9}
.bar{height:10px;border-radius:5px;margin:.45rem 0 .2rem}
.track{fill:var(--plainbg)}
.k0{fill:var(--k0)}.k1{fill:var(--k1)}.k2{fill:var(--k2)}.k3{fill:var(--k3)}.k4{fill:var(--k4)}.k5{fill:var(--k5)}.k6{fill:var(--k6)}.k7{fill:var(--k7)}.k8{fill:var(--k8)}.k9{fill:var(--k9)}.shared{fill:var(--shared)}.hurt{fill:var(--bad)}.fine{fill:var(--good)}
rect.cell{stroke:var(--paper);stroke-width:1}g.item:hover rect{opacity:.86}
.legend{display:flex;flex-wrap:wrap;gap:.25rem 1.3rem;list-style:none;margin:.8rem 0 0;padding:0;font-size:.9rem}.legend svg{display:inline-block;width:.8em;height:.8em;margin-right:.45em;border-radius:3px}
footer{margin-top:3.5rem;padding-top:1rem;border-top:1px solid var(--line);color:var(--soft);font-size:.88rem}
@media (max-width:40rem){body{padding:1.4rem 1rem 3rem}h1{font-size:1.7rem}.facts{grid-template-columns:1fr;gap:0}.facts dd{margin-bottom:.5rem}}
@media screen and (min-width:64rem){td .digest{overflow-wrap:normal;white-space:nowrap;font-size:.8em}}
@media print{:root{--paper:#fff;--card:#fff;--ink:#000;--soft:#444;--line:#bbb;--accent:#000;--good:#14693a;--bad:#a81e22;--warn:#80550a;--goodbg:#fff;--badbg:#fff;--warnbg:#fff;--plainbg:#eee}
body{max-width:none;padding:0;font-size:10pt}nav,.skip{display:none}section{margin-top:1.4rem}.variant,tr,svg{break-inside:avoid}h2,h3{break-after:avoid}thead{display:table-header-group}.scroll{overflow:visible}
.badge{border:1px solid}svg{print-color-adjust:exact;-webkit-print-color-adjust:exact}details::details-content{content-visibility:visible;block-size:auto}summary{list-style:none}}
`;
