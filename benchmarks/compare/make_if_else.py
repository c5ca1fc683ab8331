"""Turns a tree model into plain C: nested if and else, one function a tree, as one would write it by hand.

Thresholds become float32 constants that decide every float32 row as the origin's do, the likelier side of a split (by
the rows it was trained on) is told to the compiler, and leaf vectors lie in one table.
"""

import json

import numpy as np


def down_to_float32(x):
    """The largest float32 that is not above x: for `row <= x`."""
    near = np.float32(x)
    return near if float(near) <= x else np.nextafter(near, np.float32(-np.inf))


def up_to_float32(x):
    """The smallest float32 that is not below x: for `row < x`."""
    return -down_to_float32(-x)


def c_number(x, is_double):
    """A constant that is exactly x."""
    return float(x).hex() + ("" if is_double else "f")


class TreeWriter:
    def __init__(self, model):
        self.is_double = model["leaf_output_type"] == "float64"
        self.number = "double" if self.is_double else "float"
        self.vectors = {}  # leaf vectors by their text: their places in the table

    def leaf(self, value):
        if not isinstance(value, list):
            return c_number(value, self.is_double)
        text = ", ".join(c_number(x, self.is_double) for x in value)
        return f"&leaves[{self.vectors.setdefault(text, len(self.vectors)) * len(value)}]"

    def condition(self, node, nodes):
        """True: left. Written so that a missing value, which no comparison holds for, goes the default way."""
        operator = node["comparison_op"]
        if operator not in ("<", "<="):
            raise ValueError(f"splits by {operator} are not written")
        limit = (up_to_float32 if operator == "<" else down_to_float32)(node["threshold"])
        inverse = {"<": ">=", "<=": ">"}[operator]
        column = f"x[{node['split_feature_id']}]"
        limit = c_number(limit, False)
        test = f"!({column} {inverse} {limit})" if node["default_left"] else f"{column} {operator} {limit}"
        cover = [
            nodes[node[side]].get("data_count", nodes[node[side]].get("sum_hess", 0))
            for side in ("left_child", "right_child")
        ]
        return f"__builtin_expect({test}, {int(cover[0] >= cover[1])})"

    def lines(self, node, nodes, indent):
        space = "  " * indent
        if "leaf_value" in node:
            yield f"{space}return {self.leaf(node['leaf_value'])};"
            return
        if node["node_type"] != "numerical_test_node":
            raise ValueError(f"a {node['node_type']} is not written")
        yield f"{space}if ({self.condition(node, nodes)}) {{"
        yield from self.lines(nodes[node["left_child"]], nodes, indent + 1)
        yield f"{space}}} else {{"
        yield from self.lines(nodes[node["right_child"]], nodes, indent + 1)
        yield f"{space}}}"


def predict_function(model, writer, width):
    """Sums the trees in their order, in the type of the origin."""
    trees = len(model["trees"])
    yield f"void predict(const float* x, double* out) {{"
    yield f"  {writer.number} sums[{width}] = {{0}};"
    if writer.vectors:
        yield f"  const {writer.number}* leaf;"
    for i in range(trees):
        if writer.vectors:
            yield f"  leaf = tree_{i}(x);"
            yield f"  for (int k = 0; k < {width}; ++k) sums[k] += leaf[k];"
        else:
            yield f"  sums[0] += tree_{i}(x);"
    divided = f" / {trees}" if model["average_tree_output"] else ""
    for k in range(width):
        yield f"  out[{k}] = sums[{k}]{divided} + {c_number(model['base_scores'][k], True)};"
    yield "}"


def write_if_else(model, path):
    """`model`: of Treelite. Throws: ValueError for a model that is not written."""
    content = json.loads(model.dump_as_json(pretty_print=False))
    width = len(content["base_scores"])
    writer = TreeWriter(content)
    functions = []
    for i, tree in enumerate(content["trees"]):
        nodes = {node["node_id"]: node for node in tree["nodes"]}
        body = list(writer.lines(nodes[0], nodes, 1))
        result = f"const {writer.number}*" if writer.vectors else writer.number
        functions += [f"static __attribute__((noinline)) {result} tree_{i}(const float* x) {{", *body, "}", ""]
    if width > 1 and not writer.vectors:
        raise ValueError("several scores of which each tree has one are not written")
    with open(path, "w") as out:
        if writer.vectors:
            table = ",\n  ".join(writer.vectors)
            print(f"static const {writer.number} leaves[] = {{\n  {table}\n}};\n", file=out)
        print("\n".join([*functions, *predict_function(content, writer, width)]), file=out)
