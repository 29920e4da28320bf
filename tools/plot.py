"""Draws the plots of docs/performance.md as SVG, readable on light and on dark pages.

`draw(folder, lines)` takes result lines (bench/README.md) and draws what they have: percentiles of
latency at rest and under load, and throughput and latency over the number of tokens stored.
"""

import math
from html import escape

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 72, 250, 44, 54
INNER_WIDTH, INNER_HEIGHT = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

# A page that shows it says by prefers-color-scheme which of the two it is.
STYLE = """
  text { font: 13px system-ui, "Segoe UI", "DejaVu Sans", sans-serif; fill: #1f2328; }
  .title { font-size: 15px; font-weight: 600; }
  .back { fill: #ffffff; } .grid { stroke: #d1d9e0; stroke-width: 1; }
  .line { fill: none; stroke-width: 2; } .dot { stroke: none; }
  .c0 { stroke: #0969da; } .c1 { stroke: #bc4c00; }
  .f0 { fill: #0969da; } .f1 { fill: #bc4c00; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; } .back { fill: #0d1117; } .grid { stroke: #3d444d; }
    .c0 { stroke: #4493f8; } .c1 { stroke: #f0883e; }
    .f0 { fill: #4493f8; } .f1 { fill: #f0883e; }
  }
"""
DASHES = ["", "7 4", "2 4"]
PERCENTILES = [("p50", "50 %"), ("p90", "90 %"), ("p99", "99 %"), ("p99_9", "99.9 %"),
               ("max", "most")]


class Curve:
    """Points (x, y) under one name; colour and dashes by number."""

    def __init__(self, name, points, colour, dash=0):
        self.name, self.points, self.colour, self.dash = name, points, colour, dash


def short(value):
    """A tick's label: 1, 10, 1 k, 10 M."""
    for size, letter in ((1e6, " M"), (1e3, " k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def nice_step(top):
    """The distance of about five ticks from 0 to `top`: 1, 2 or 5 times a power of ten."""
    rough = top / 5
    power = 10 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)


class Axis:
    """Maps values to 0..1; its ticks are (value, label)."""

    def __init__(self, values, is_log, labels=None):
        self.is_log = is_log
        if labels:
            self.low, self.high = 0, max(1, len(labels) - 1)
            self.ticks = list(enumerate(labels))
        elif is_log:
            self.low = 10 ** math.floor(math.log10(min(values)))
            self.high = 10 ** math.ceil(math.log10(max(max(values), self.low * 10)))
            powers = range(round(math.log10(self.low)), round(math.log10(self.high)) + 1)
            self.ticks = [(10.0 ** power, short(10.0 ** power)) for power in powers]
        else:
            step = nice_step(max(values))
            self.low, self.high = 0, step * math.ceil(max(values) / step)
            self.ticks = [(step * i, short(step * i)) for i in range(round(self.high / step) + 1)]

    def at(self, value):
        if self.is_log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)


def svg(title, x_label, y_label, x, y, curves):
    def place(point):
        return LEFT + x.at(point[0]) * INNER_WIDTH, TOP + (1 - y.at(point[1])) * INNER_HEIGHT

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
             f'width="{WIDTH}" height="{HEIGHT}" role="img">',
             f"<title>{escape(title)}</title><style>{STYLE}</style>",
             f'<rect class="back" width="{WIDTH}" height="{HEIGHT}"/>',
             f'<text class="title" x="{LEFT}" y="24">{escape(title)}</text>']
    for value, label in y.ticks:
        height = TOP + (1 - y.at(value)) * INNER_HEIGHT
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{LEFT + INNER_WIDTH}" y1="{height:.1f}" '
                     f'y2="{height:.1f}"/><text x="{LEFT - 8}" y="{height + 4:.1f}" '
                     f'text-anchor="end">{escape(label)}</text>')
    for value, label in x.ticks:
        along = LEFT + x.at(value) * INNER_WIDTH
        parts.append(f'<text x="{along:.1f}" y="{TOP + INNER_HEIGHT + 20}" '
                     f'text-anchor="middle">{escape(label)}</text>')
    parts.append(f'<text x="{LEFT + INNER_WIDTH / 2}" y="{HEIGHT - 12}" '
                 f'text-anchor="middle">{escape(x_label)}</text>')
    parts.append(f'<text transform="translate(18 {TOP + INNER_HEIGHT / 2}) rotate(-90)" '
                 f'text-anchor="middle">{escape(y_label)}</text>')
    for number, curve in enumerate(curves):
        places = [place(point) for point in curve.points]
        dash = f' stroke-dasharray="{DASHES[curve.dash]}"' if DASHES[curve.dash] else ""
        path = " ".join(f"{a:.1f},{b:.1f}" for a, b in places)
        parts.append(f'<polyline class="line c{curve.colour}"{dash} points="{path}"/>')
        parts += [f'<circle class="dot f{curve.colour}" cx="{a:.1f}" cy="{b:.1f}" r="3"/>'
                  for a, b in places]
        row = TOP + 8 + number * 22
        edge = LEFT + INNER_WIDTH + 16
        parts.append(f'<line class="line c{curve.colour}"{dash} x1="{edge}" x2="{edge + 26}" '
                     f'y1="{row}" y2="{row}"/><text x="{edge + 34}" y="{row + 4}">'
                     f'{escape(curve.name)}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def percentile_chart(title, curves):
    values = [y for curve in curves for _, y in curve.points]
    return svg(title, "share of the requests", "latency, us",
               Axis([], False, [label for _, label in PERCENTILES]), Axis(values, True), curves)


def latency_curves(lines, servers):
    """A colour for each server, dashes for each load."""
    curves = []
    for colour, server in enumerate(servers):
        cases = [line for line in lines if line.get("series") == server and "case" in line]
        for dash, line in enumerate(cases):
            points = [(i, line[name]) for i, (name, _) in enumerate(PERCENTILES)]
            # The name without its article, with the load: "our proxy, one client".
            name = f"{server.removeprefix('a ')}, {line['case']}"
            curves.append(Curve(name, points, colour, dash % len(DASHES)))
    return curves


def by_tokens(lines, series, field="value"):
    return sorted((line["x"], line[field]) for line in lines
                  if line.get("series") == series and "x" in line)


def tokens_chart(title, y_label, curves):
    values = [y for curve in curves for _, y in curve.points]
    x = Axis([x for curve in curves for x, _ in curve.points], True)
    return svg(title, "tokens stored", y_label, x, Axis(values, False), curves)


def charts(lines):
    """(file, title, SVG) of what the lines have points for."""
    for name, title, servers in (
            ("latency-forward-auth", "Latency of a forward-auth check",
             ("a forward-auth check", "nginx return 200")),
            ("latency-proxy", "Latency through the proxy", ("our proxy", "nginx proxy_pass"))):
        curves = latency_curves(lines, servers)
        if curves:
            yield name, title, percentile_chart(title, curves)
    rate = by_tokens(lines, "forward-auth checks a second")
    if rate:
        title = "Forward-auth checks a second on one core, by tokens stored"
        yield "throughput-by-tokens", title, tokens_chart(title, "checks a second",
                                                          [Curve("checks a second", rate, 0)])
    curves = [Curve(f"{label} of checks", by_tokens(lines, "forward-auth latency", field), colour)
              for colour, (field, label) in enumerate((("p50", "50 %"), ("p99", "99 %")))]
    if curves[0].points:
        title = "Latency of forward-auth checks at 20,000 a second, by tokens stored"
        yield "latency-by-tokens", title, tokens_chart(title, "latency, us", curves)
    curves = [Curve("check", by_tokens(lines, "check in process"), 0),
              Curve("hash and one memory miss",
                    by_tokens(lines, "check in process", "reference_value"), 1, 1)]
    if curves[0].points:
        title = "A check in process, by tokens stored"
        yield "check-by-tokens", title, tokens_chart(title, "ns", curves)


def draw(folder, lines):
    """Writes the plots into `folder`; (file name, title) of each."""
    drawn = []
    for name, title, text in charts(lines):
        (folder / f"{name}.svg").write_text(text, encoding="utf-8")
        drawn.append((f"{name}.svg", title))
    return drawn
