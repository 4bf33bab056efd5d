"""The heterogeneous control flow graph."""

import pygraphviz
import pytest

from dycl.ir.hcfg import Kind, build_hcfg
from dycl.ir.text import parse_module
from dycl.ir.verify import verify

KERNEL = """
dycl.kernel @k(%x: tensor<4xf32>) -> (tensor<4xf32>, i1) {
  %y = dycl.aten relu.default(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %any = dycl.aten any.default(%y) : (tensor<4xf32>) -> tensor<i1>
  %c = dycl.item %any : tensor<i1> -> i1
  dycl.yield %y, %c : tensor<4xf32>, i1
}
"""


def graph_of(body, arguments="%x: tensor<4xf32>", results="tensor<4xf32>"):
    module = parse_module(f"{KERNEL} func.func @main({arguments}) -> ({results}) {{ {body} }}")
    verify(module)
    return build_hcfg(module)


EXIT_AND_SKIP = graph_of("""
  %y, %c = dycl.launch @k(%x) : (tensor<4xf32>) -> (tensor<4xf32>, i1) loc("net.py":3:0)
  dycl.if %c {
    dycl.return %y : tensor<4xf32>
  }
  %z = dycl.if %c -> (tensor<4xf32>) {
    %a, %d = dycl.launch @k(%y) : (tensor<4xf32>) -> (tensor<4xf32>, i1)
    dycl.yield %a : tensor<4xf32>
  } else {
    dycl.yield %y : tensor<4xf32>
  }
  dycl.return %z : tensor<4xf32>
""")


def test_text():
    assert EXIT_AND_SKIP.text() == (
        """\
2 kernel, 2 branch, 1 join, 1 entry, 2 exit
0: entry @main
1: kernel @k (2 ops)  [net.py:3]
2: if %c -> true 3, false 4
  3: return
4: if %c -> true 5, false 6
  5: kernel @k (2 ops)
6: join %z
7: return
data:
  0 -> 1: %x: tensor<4xf32>
  1 -> 2: %c: i1
  1 -> 3: %y: tensor<4xf32>
  1 -> 4: %c: i1
  1 -> 5: %y: tensor<4xf32>
  5 -> 6: %a: tensor<4xf32>
  1 -> 6: %y: tensor<4xf32>
  6 -> 7: %z: tensor<4xf32>
"""
    )


def test_counts():
    assert EXIT_AND_SKIP.count(Kind.KERNEL) == 2
    assert EXIT_AND_SKIP.count(Kind.BRANCH) == 2
    assert EXIT_AND_SKIP.count(Kind.LOOP) == 0


def test_dot_is_read_by_graphviz():
    drawn = pygraphviz.AGraph(string=EXIT_AND_SKIP.dot())
    assert drawn.number_of_nodes() == len(EXIT_AND_SKIP.nodes)
    assert drawn.number_of_edges() == len(EXIT_AND_SKIP.control) + len(EXIT_AND_SKIP.data)


def test_names_with_quotes_are_escaped():
    graph = graph_of(
        'dycl.assert %c, "say \\22no\\22\\0A\\\\"\ndycl.return %x : tensor<4xf32> loc("a\\22b.py":1:0)',
        "%x: tensor<4xf32>, %c: i1",
    )
    svg = pygraphviz.AGraph(string=graph.dot()).draw(format="svg", prog="dot").decode()
    assert "say &quot;no&quot;" in svg
    assert "a&quot;b.py:1" in svg


def test_a_side_that_leaves_needs_no_join():
    graph = graph_of("""
      %y, %c = dycl.launch @k(%x) : (tensor<4xf32>) -> (tensor<4xf32>, i1)
      %z = dycl.if %c -> (tensor<4xf32>) {
        dycl.return %y : tensor<4xf32>
      } else {
        %a, %d = dycl.launch @k(%y) : (tensor<4xf32>) -> (tensor<4xf32>, i1)
        dycl.yield %a : tensor<4xf32>
      }
      dycl.return %z : tensor<4xf32>
    """)
    assert graph.count(Kind.JOIN) == 0
    second_kernel, last = 4, 5
    assert (second_kernel, last) in {(edge.source, edge.target) for edge in graph.data}


def test_loops():
    graph = graph_of(
        """
        %zero = arith.constant 0 : i64
        %r = dycl.for %i = %zero to %n step %n iter_args(%a = %x : tensor<4xf32>) {
          %y, %c = dycl.launch @k(%a) : (tensor<4xf32>) -> (tensor<4xf32>, i1)
          dycl.if %c {
            dycl.break %a : tensor<4xf32>
          }
          dycl.if %c {
            dycl.continue %a : tensor<4xf32>
          }
          dycl.yield %y : tensor<4xf32>
        }
        %s = dycl.while (%b = %r : tensor<4xf32>) -> (tensor<4xf32>) {
          %y, %c = dycl.launch @k(%b) : (tensor<4xf32>) -> (tensor<4xf32>, i1)
          dycl.condition(%c) %y : tensor<4xf32>
        } do (%d: tensor<4xf32>) {
          dycl.yield %d : tensor<4xf32>
        }
        dycl.return %s : tensor<4xf32>
        """,
        "%x: tensor<4xf32>, %n: i64",
    )
    control = {(edge.source, edge.target, edge.label) for edge in graph.control}
    assert [node.label for node in graph.nodes] == [
        "@main",
        "for %i",
        "@k (2 ops)",
        "if %c",
        "if %c",
        "join %r",
        "repeat",
        "@k (2 ops)",
        "while %c",
        "return",
    ]
    assert control == {
        (0, 1, ""),
        (1, 2, "body"),
        (2, 3, ""),
        (3, 5, "true"),
        (3, 4, "false"),
        (4, 1, "true"),
        (4, 1, "false"),
        (1, 5, "done"),
        (5, 6, ""),
        (6, 7, ""),
        (7, 8, ""),
        (8, 6, "body"),
        (8, 9, "done"),
    }


def test_before_kernels_are_made_tensor_ops_and_host_steps_are_grouped():
    graph = graph_of(
        """
      %w = dycl.param "w" : tensor<4xf32>
      %a = dycl.aten mul.Tensor(%x, %w) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
      %v = dycl.aten view.default(%a, [2, 2]) : (tensor<4xf32>) -> tensor<2x2xf32>
      %m = dycl.aten amax.default(%v, [], false) : (tensor<2x2xf32>) -> tensor<f32>
      %p = dycl.item %m : tensor<f32> -> f64
      %t = arith.constant 0.5 : f64
      %c = arith.cmpf ogt, %p, %t : f64
      %n = dycl.dim %x, 0 : tensor<4xf32>
      dycl.switch %n case 3 {
        dycl.return %x : tensor<4xf32>
      } default {
      }
      dycl.return %a : tensor<4xf32>
    """
    )
    assert [(node.kind, node.label) for node in graph.nodes] == [
        (Kind.ENTRY, "@main"),
        (Kind.TENSOR, "mul, view, amax"),
        (Kind.HOST, "item, cmpf, dim"),
        (Kind.BRANCH, "switch %n"),
        (Kind.EXIT, "return"),
        (Kind.EXIT, "return"),
    ]
    assert {edge.label for edge in graph.control if edge.source == 3} == {"3", "default"}


def test_regions_count_as_kernels():
    graph = graph_of("""
      %y = dycl.region (%a = %x : tensor<4xf32>) -> (tensor<4xf32>) {
        %b = dycl.aten relu.default(%a) : (tensor<4xf32>) -> tensor<4xf32>
        dycl.yield %b : tensor<4xf32>
      }
      dycl.return %y : tensor<4xf32>
    """)
    assert [node.label for node in graph.nodes if node.kind is Kind.KERNEL] == ["region (1 op)"]


@pytest.mark.parametrize("count", [1000])
def test_flat_programs_of_any_length(count):
    gates = "".join(
        f"""
        %y{i}, %c{i} = dycl.launch @k(%x{i}) : (tensor<4xf32>) -> (tensor<4xf32>, i1)
        %x{i + 1} = dycl.if %c{i} -> (tensor<4xf32>) {{
          dycl.yield %y{i} : tensor<4xf32>
        }} else {{
          dycl.yield %x{i} : tensor<4xf32>
        }}
        """
        for i in range(count)
    )
    graph = graph_of(f"{gates} dycl.return %x{count} : tensor<4xf32>", "%x0: tensor<4xf32>")
    assert graph.count(Kind.KERNEL) == graph.count(Kind.BRANCH) == graph.count(Kind.JOIN) == count
    assert len(graph.data) <= 5 * count + 2
    assert len(graph.text().splitlines()) == len(graph.nodes) + len(graph.data) + 2
