"""An HTML page that is complete in itself: its style is inside, it runs nothing and may load nothing."""

from html import escape

STYLE = """
:root {
  color-scheme: light;
  --ink: #1b1f24; --soft: #5b6470; --line: #d9dee5; --back: #f4f6f8;
  --blue: #0072b2; --green: #00734f; --red: #b03a00; --orange: #e69f00;
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--back); color: var(--ink);
  font: 16px/1.5 system-ui, "Segoe UI", Helvetica, Arial, sans-serif;
}
main { max-width: 52rem; margin: 0 auto; padding: 2rem 1rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0; }
h2 { font-size: 1.1rem; margin: 0; flex: 1; }
p { margin: 0.5rem 0; }
pre {
  margin: 0; font: 0.9rem/1.45 ui-monospace, SFMono-Regular, Consolas, "DejaVu Sans Mono", monospace;
  white-space: pre-wrap; overflow-wrap: anywhere;
}
code { font: 0.9em ui-monospace, SFMono-Regular, Consolas, "DejaVu Sans Mono", monospace; }
.who { color: var(--soft); margin: 0.25rem 0 1rem; overflow-wrap: anywhere; }
.total { display: flex; align-items: center; gap: 1rem; margin-bottom: 1.5rem; }
.total strong { font-size: 1.5rem; white-space: nowrap; }
.bar { flex: 1; height: 0.7rem; border-radius: 0.35rem; background: #dbe1e8; overflow: hidden; }
.bar span { display: block; height: 100%; background: var(--blue); }
.notes, section {
  background: #fff; border: 1px solid var(--line); border-left-width: 0.35rem; border-radius: 0.5rem;
  padding: 1rem 1.25rem; margin: 0 0 1rem;
}
.notes { border-left-color: var(--orange); }
.notes ul { margin: 0.25rem 0 0; padding-left: 1.25rem; }
section { border-left-color: var(--state); }
.passed { --state: var(--green); }
.failed, .stopped { --state: var(--red); }
.blank, .to_mark { --state: var(--soft); }
header { display: flex; align-items: baseline; gap: 0.75rem; }
.sign { color: var(--state); font-weight: 700; width: 1rem; }
.points { color: var(--state); font-weight: 700; white-space: nowrap; }
.state { color: var(--soft); font-size: 0.9rem; margin: 0 0 0 1.75rem; }
.message, details { margin: 0.75rem 0 0 1.75rem; }
table { border-collapse: collapse; width: 100%; }
th {
  text-align: left; vertical-align: top; color: var(--soft); font-weight: 600; font-size: 0.95rem;
  padding: 0.2rem 1rem 0.2rem 0; white-space: nowrap; width: 1%;
}
td { padding: 0.2rem 0; overflow-wrap: anywhere; }
.block { background: var(--back); border-radius: 0.35rem; padding: 0.6rem 0.8rem; }
summary { cursor: pointer; color: var(--blue); }
details pre { margin-top: 0.5rem; }
footer { color: var(--soft); font-size: 0.9rem; margin-top: 2rem; }
@media print { body { background: #fff; } section, .notes { break-inside: avoid; } }
"""


def page(title: str, body: str) -> str:
    """Return the page with this title; `body` is HTML in which all foreign text has been escaped."""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{STYLE}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""
