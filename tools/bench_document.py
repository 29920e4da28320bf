"""Makes the tables of docs/performance.md, and its plots, of result lines (bench/README.md)."""

import re

import plot

BEGIN = "<!-- Made by ./dev bench from here: do not edit -->"
END = "<!-- to here -->"
IMAGES = "docs/images"
BUSY = 3  # load average; server and loader of the part before leave two

# Every goal of the programme, so that one that was not measured is seen.
GOALS = {
    "P1": "a forward-auth check over HTTP among 10 million tokens, CPU, to nginx `return 200`",
    "P2": "a check in process at 10 million tokens, to a keyed hash and one memory miss",
    "P3": "index memory at 10 million tokens, bytes a token",
    "P4": "start to ready with 10 million tokens, to scanning the token rows",
    "P5": "durable creates, 64 at once, to single-insert commits of the same engine",
    "P6": "\"revoked\" answered until every node refuses, p99, to NOTIFY's own, p99",
    "P7": "our proxy, small requests, CPU, to nginx `proxy_pass`",
    "P8": "checks a second and core over HTTP, to others'",
    "P9": "a decision among 10,000 routes, to one among 10",
    "P10": "a page of 100 of the list out of 100,000 tokens, to out of 100",
}

# What docs/operating/sizing.md has: the result's name, and how it is called there.
SIZES = [
    ("P3 index memory, resident", "memory of a token, on servers and gates"),
    ("memory of a server without tokens", "memory of a server without tokens"),
    ("memory of a kept connection", "memory of a kept connection"),
    ("checks, the gate of latchkey serve", "a check by forward-auth"),
    ("forward-auth through nginx, nginx and gate", "a guarded request through nginx, all in all"),
    ("P7 proxy", "a small request through the gate's own proxy"),
    ("checks, latchkey serve, introspection", "a check by introspection"),
    ("TLS 1.3, a kept request", "a small answer with TLS, over a kept connection"),
    ("P5 durable creates, SQLite", "changes, SQLite"),
    ("P5 durable creates, PostgreSQL", "changes, PostgreSQL"),
    ("disk of a token created", "disk of a new token"),
    ("disk of a token revoked", "disk of a further event"),
    ("sent to a gate for a token created", "network to each gate, a change"),
    ("sent to a gate at its start, a token", "network to each gate at its start, a token"),
    ("sent to a gate when nothing changes", "network to each gate, at rest"),
]


def number(value):
    """A number for people: three digits that say something, thousands with commas."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    if abs(value) >= 10:
        return f"{value:.1f}"
    if abs(value) >= 0.01:
        return f"{value:.2f}"
    return f"{value:.3g}"


def measured(line):
    """What the goal speaks of: the ratio, or the value of a line without."""
    return line.get("ratio", line["value"])


def is_held(line):
    if line.get("goal_is", "at most") == "at least":
        return measured(line) >= line["goal"]
    return measured(line) <= line["goal"]


def verdict(line):
    return "held" if is_held(line) else "not held"


def spread(line):
    if "ratio_low" not in line:
        return ""
    return f" ({number(line['ratio_low'])} to {number(line['ratio_high'])})"


def values(line):
    text = f"{number(line['value'])} {line['unit']}"
    if "reference_value" in line:
        text += f"; {line['reference']}: {number(line['reference_value'])}"
    return text


def summary(line):
    """A result in one line of text."""
    text = f"{line['name']}: {values(line)}"
    if "ratio" in line:
        text += f"; ratio {number(line['ratio'])}{spread(line)}"
    if "goal" in line:
        text += f"; goal {line.get('goal_is', 'at most')} {line['goal']}: {verdict(line)}"
    return text


def goal_number(line):
    found = re.match(r"P\d+(?= )", line["name"])
    return found.group(0) if found and "goal" in line else None


def lines_by_goal(lines):
    return {goal: [line for line in lines if goal_number(line) == goal] for goal in GOALS}


def goals_text(lines):
    """The table at the end of a run, for a terminal."""
    rows = [("", "goal", "measured", "")]
    for goal, found in lines_by_goal(lines).items():
        if not found:
            rows.append((f"{goal} {GOALS[goal]}", "", "", "not measured"))
        for line in found:
            quick = ", in a quick run" if line.get("quick") else ""
            rows.append((line["name"], f"{line.get('goal_is', 'at most')} {line['goal']}",
                         number(measured(line)) + spread(line), verdict(line) + quick))
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
                     for row in rows)


def table(head, rows):
    return "\n".join(["| " + " | ".join(head) + " |", "|" + "---|" * len(head),
                      *("| " + " | ".join(row) + " |" for row in rows)])


def goals_table(lines):
    rows = []
    for goal, found in lines_by_goal(lines).items():
        if not found:
            rows.append([goal, GOALS[goal], "", "", "**not measured**"])
        for line in found:
            name = line["name"].split(" ", 1)[1]
            held = verdict(line) if is_held(line) else f"**{verdict(line)}**"
            sign = "≥" if line.get("goal_is") == "at least" else "≤"
            rows.append([goal, f"{name}: {values(line)}", f"{sign} {line['goal']}",
                         number(measured(line)) + spread(line), held])
    return table(["#", "what: measured, and the reference beside it", "goal", "ratio or value", ""],
                 rows)


def remark(line):
    """What stands beside a result: percentiles, the note, or who was at the limit."""
    unit = line.get("percentile_unit", line["unit"])
    names = {"p99": "p99", "p99_9": "p99.9", "p99_99": "p99.99", "max": "most"}
    told = ", ".join(f"{name} {number(line[key])}" for key, name in names.items() if key in line)
    parts = [f"{told} {unit}"] if told else []
    if line.get("note") or line.get("bottleneck"):
        parts.append(line.get("note") or "at its limit: " + line["bottleneck"])
    return "; ".join(parts)


def details_table(lines):
    rows = []
    for line in lines:
        if "series" in line or goal_number(line):
            continue
        rows.append([line["name"], values(line),
                     number(line["ratio"]) + spread(line) if "ratio" in line else "",
                     remark(line)])
    return table(["what", "measured, and beside it", "ratio", "and"],
                 rows)


def latency_table(lines):
    names = ("p50", "p90", "p99", "p99_9", "max")
    rows = [[line["series"], f"{line['case']} ({number(line['per_second'])}/s)",
             *(number(line[name]) for name in names)] for line in lines if "case" in line]
    return table(["latency in us of", "load", "p50", "p90", "p99", "p99.9", "most"], rows)


def where(lines):
    machine = lines[-1]["machine"]
    text = (f"{machine.get('processor', 'processor unknown')}, {machine['cores']} cores, "
            f"{machine['memory_gib']} GiB; {machine['system']}, Linux {machine['kernel']}; nginx "
            f"{machine['nginx']}, Node.js {machine['node']}; {machine['compiler']}.")
    busiest = max(line.get("load_average", 0) for line in lines)
    if busiest > BUSY:
        text += (f" **Other programs ran: the load average was {busiest} when a part began**, so "
                 "latencies and rates say little, and ratios less than on a quiet machine.")
    runs = {}
    for line in lines:
        runs.setdefault((line["commit"], line["at"], line["quick"]), []).append(line["part"])
    if len(runs) == 1:
        (name, day, is_quick), = runs
        return f"{text} Commit {name}, {day}" + (", a quick run." if is_quick else ".")
    parts = [f"{', '.join(dict.fromkeys(parts))}: {name}, {day}" + (", quick" if is_quick else "")
             for (name, day, is_quick), parts in runs.items()]
    return f"{text} Commits: " + "; ".join(parts) + "."


def plots_text(root, lines):
    """Draws the plots; what refers to them."""
    drawn = plot.draw(root / IMAGES, lines)
    return "\n\n".join(f"![{title}](images/{name})" for name, title in drawn)


def generated(root, lines):
    parts = [BEGIN, where(lines), goals_table(lines), "### All other results",
             details_table(lines)]
    if any("case" in line for line in lines):
        parts += ["### Latencies", latency_table(lines)]
    pictures = plots_text(root, lines)
    if pictures:
        parts += ["### Plots", pictures]
    return "\n\n".join([*parts, END])


def sizes_table(lines):
    """The rows of SIZES that were measured, for docs/operating/sizing.md."""
    found = {line["name"]: line for line in lines}
    rows = [[title, f"{number(found[name]['value'])} {found[name]['unit']}",
             found[name].get("note", "")] for name, title in SIZES if name in found]
    return table(["what", "takes", ""], rows)


def replace_between_marks(path, made):
    text = path.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{path}: the marks '{BEGIN}' and '{END}' are not there")
    path.write_text(before + made + after, encoding="utf-8")


def write(root, lines):
    """Puts the tables between the marks of the documents."""
    replace_between_marks(root / "docs/performance.md", generated(root, lines))
    replace_between_marks(root / "docs/operating/sizing.md",
                          "\n\n".join([BEGIN, where(lines), sizes_table(lines), END]))
