"""A heterogeneous control flow graph as text, and in Graphviz' language."""

from collections.abc import Iterator, Mapping
from itertools import groupby

from dycl.ir.hcfg.graph import ControlEdge, Hcfg, Kind, Node

_STYLES: Mapping[Kind, str] = {
    Kind.KERNEL: 'shape=box, style="filled,rounded", fillcolor="#cfe8cf"',
    Kind.TENSOR: 'shape=box, style="filled,rounded", fillcolor="#e8f4e8"',
    Kind.HOST: 'shape=box, style=filled, fillcolor="#f2f2f2"',
    Kind.BRANCH: 'shape=diamond, style=filled, fillcolor="#fbe6c2"',
    Kind.JOIN: 'shape=ellipse, style=filled, fillcolor="#ffffff"',
    Kind.LOOP: 'shape=hexagon, style=filled, fillcolor="#d6e4f7"',
    Kind.ENTRY: "shape=oval, style=bold",
    Kind.EXIT: "shape=oval, style=bold",
}


def draw_text(graph: Hcfg) -> str:
    """Return a line per step, indented by the branches and loops around it, with the steps that follow; then the data.

    A step that is followed by the next line alone does not say so.
    """
    following: dict[int, list[ControlEdge]] = {}
    for edge in graph.control:
        following.setdefault(edge.source, []).append(edge)
    lines = [_counts(graph)]
    for node in graph.nodes:
        edges = following.get(node.id, [])
        falls_through = len(edges) == 1 and edges[0].target == node.id + 1 and not edges[0].label
        arrows = "" if falls_through or not edges else f" -> {', '.join(map(_arrow, edges))}"
        place = f"  [{node.place}]" if node.place else ""
        lines.append(f"{'  ' * node.depth}{node.id}: {_title(node)}{arrows}{place}")
    if graph.data:
        lines.append("data:")
        lines.extend(f"  {edge.source} -> {edge.target}: {edge.value}: {edge.type}" for edge in graph.data)
    return "\n".join(lines) + "\n"


def draw_dot(graph: Hcfg) -> str:
    return "\n".join(_dot_lines(graph)) + "\n"


def _dot_lines(graph: Hcfg) -> Iterator[str]:
    yield "digraph hcfg {"
    yield '  node [fontname="Helvetica", fontsize=10];'
    yield '  edge [fontname="Helvetica", fontsize=9];'
    for function, nodes in groupby(graph.nodes, key=lambda node: node.function):
        yield f"  subgraph {_quoted(f'cluster_{function}')} {{"
        yield f"    label={_quoted(f'@{function}')};"
        for node in nodes:
            label = _quoted(_title(node) + (f"\n{node.place}" if node.place else ""))
            yield f"    n{node.id} [label={label}, {_STYLES[node.kind]}];"
        yield "  }"
    for edge in graph.control:
        label = f" [label={_quoted(edge.label)}]" if edge.label else ""
        yield f"  n{edge.source} -> n{edge.target}{label};"
    for edge in graph.data:
        label = _quoted(f"{edge.value}: {edge.type}")
        yield (
            f"  n{edge.source} -> n{edge.target} "
            f'[label={label}, style=dashed, color="#808080", fontcolor="#808080", constraint=false];'
        )
    yield "}"


def _counts(graph: Hcfg) -> str:
    """Return `3 kernel, 2 branch`, of the kinds that are there."""
    return ", ".join(f"{graph.count(kind)} {kind}" for kind in Kind if graph.count(kind))


def _title(node: Node) -> str:
    return node.label if node.kind in (Kind.BRANCH, Kind.JOIN, Kind.LOOP, Kind.EXIT) else f"{node.kind} {node.label}"


def _arrow(edge: ControlEdge) -> str:
    return f"{edge.label} {edge.target}".strip()


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
