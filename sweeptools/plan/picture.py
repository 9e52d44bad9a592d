"""The plan as a picture: the graph from left to right, a colour for each sweep, bytes on what is handed on."""

from html import escape

from ..machine import spell_size

WIDE, HIGH, ACROSS, DOWN, EDGE = 150, 62, 64, 34, 40     # pixels: of a box, between boxes, around all
COLOURS = ("#dbe9f6", "#fde8cf", "#dff0d8", "#eadcf0", "#f6dada")
SINK = "#eeeeee"


def svg(facts):
    """The text of an SVG file of what facts.facts gave."""
    nodes, edges = facts["graph"]["nodes"], facts["graph"]["edges"]
    at = _places(nodes, edges)
    across, down = (1 + max(place[k] for place in at) for k in (0, 1))
    sweeps = sorted({node["sweep"] for node in nodes if node["sweep"]})
    width = 2 * EDGE + across * (WIDE + ACROSS) - ACROSS
    bottom = EDGE + down * (HIGH + DOWN)
    parts = [_edge(edge, at) for edge in edges] + [_box(node, *_corner(place)) for node, place in zip(nodes, at)]
    for i, sweep in enumerate(sweeps):
        x = EDGE + i * 110
        parts.append(f'<rect x="{x}" y="{bottom}" width="14" height="14" fill="{_colour(sweep)}" stroke="#555"/>')
        parts.append(_text(x + 20, bottom + 12, f"sweep {sweep}", 12))
    memory = spell_size(facts["predicted_peak_bytes"])
    parts.append(_text(EDGE, bottom + 36, f"memory {memory}, in one process; {_sizes(facts)}", 12))
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {bottom + 52}" width="{width}" '
        f'font-family="Helvetica, Arial, sans-serif">\n<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" '
        f'markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 L8 4 L0 8 z" fill="#555"/></marker></defs>\n'
        f'<rect width="100%" height="100%" fill="white"/>\n{body}\n</svg>\n'
    )


def _sizes(facts):
    read, spool = facts["read"]["bytes"], facts["spool_bytes"]
    return f"{spell_size(read)} read" + (f", {spell_size(spool)} saved at most" if spool else "")


def _places(nodes, edges):
    """(column, row) of each node: right of all that it takes, below what is in its column already."""
    column = [0] * len(nodes)
    for edge in sorted(edges, key=lambda edge: edge["to"]):      # what is taken stands before who takes it
        column[edge["to"]] = max(column[edge["to"]], column[edge["from"]] + 1)
    row, used = [0] * len(nodes), {}
    for i in range(len(nodes)):
        before = [row[edge["from"]] for edge in edges if edge["to"] == i]
        wish = min(before, default=0)
        while wish in used.setdefault(column[i], set()):
            wish += 1
        used[column[i]].add(wish)
        row[i] = wish
    return list(zip(column, row))


def _corner(place):
    return EDGE + place[0] * (WIDE + ACROSS), EDGE + place[1] * (HIGH + DOWN)


def _colour(sweep):
    return COLOURS[(sweep - 1) % len(COLOURS)] if sweep else SINK


def _box(node, x, y):
    title = node["name"] if node["command"] in ("", node["name"]) else f"{node['command']}: {node['name']}"
    lines = [f"{'x'.join(map(str, node['shape']))} {node['dtype']}" if node["shape"] else "a value" if node["sweep"] else ""]
    lines.append(f"holds {spell_size(node['held_bytes'])}" if node["held_bytes"] else "")
    dash = ' stroke-dasharray="5 3"' if node["saved"] else ""
    texts = [_text(x + 8, y + 20, _short(title), 13, True)]
    texts += [_text(x + 8, y + 38 + 16 * i, _short(line, 26), 11) for i, line in enumerate(lines) if line]
    look = f'rx="6" fill="{_colour(node["sweep"])}" stroke="#555"{dash}'
    return f'<rect x="{x}" y="{y}" width="{WIDE}" height="{HIGH}" {look}/>' + "".join(texts)


def _edge(edge, at):
    (x0, y0), (x1, y1) = _corner(at[edge["from"]]), _corner(at[edge["to"]])
    x0, y0, y1 = x0 + WIDE, y0 + HIGH / 2, y1 + HIGH / 2
    bend, over = (x1 - x0) / 2, HIGH * (at[edge["to"]][0] - at[edge["from"]][0] > 1)     # over what lies between
    value = "" if edge["bytes"] else ' stroke-dasharray="2 3"'
    curve = f"M{x0} {y0} C{x0 + bend} {y0 - over} {x1 - bend} {y1 - over} {x1} {y1}"
    line = f'<path d="{curve}" fill="none" stroke="#555"{value} marker-end="url(#tip)"/>'
    return line + (_text(x0 + 6, y0 - 6, spell_size(edge["bytes"]), 10) if edge["bytes"] else "")


def _text(x, y, words, size, bold=False):
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x}" y="{y}" font-size="{size}" fill="#222"{weight}>{escape(words)}</text>'


def _short(words, most=20):
    return words if len(words) <= most else f"{words[: most - 1]}…"
