"""The Tree-LSTMs: leaves and deep trees occur, and the recursion gives what a loop from the leaves gives."""

from collections import Counter

import torch
from torch import Tensor
from tree_lstm import SimilarityTreeLSTM, TreeLSTMSentiment

from tests.examples.programs import built, calls_of, same, sampled


def test_a_child_sum_is_what_a_loop_from_the_leaves_computes() -> None:
    model: SimilarityTreeLSTM = built(SimilarityTreeLSTM)
    lstm = model.childsumtreelstm
    children: Counter[int] = Counter()
    for tree, words, _, _ in sampled(SimilarityTreeLSTM, 20):
        inputs = model.emb(words)
        states: dict[int, tuple[Tensor, Tensor]] = {}
        for node in reversed(range(len(tree))):
            below = [states[child] for child in tree[node].tolist() if child > node]
            c = torch.cat([c for c, _ in below]) if below else torch.zeros(1, 16)
            h = torch.cat([h for _, h in below]) if below else torch.zeros(1, 16)
            states[node] = lstm.node_forward(inputs[node].view(1, -1), c, h)
            children[len(below)] += 1
        assert same(lstm(tree, inputs), states[0])
    assert set(children) == {0, 1, 2}


def test_trees_of_a_leaf_and_deep_ones_are_among_the_samples() -> None:
    model: TreeLSTMSentiment = built(TreeLSTMSentiment)
    composer = model.tree_module.composer
    composed = Counter(
        calls_of([composer], lambda inputs=inputs: model(*inputs))[0] for inputs in sampled(TreeLSTMSentiment, 100)
    )
    assert composed[0] >= 3
    assert composed[1] >= 3
    assert max(composed) >= 4


def test_a_binary_tree_composes_its_leaves_in_order() -> None:
    model: TreeLSTMSentiment = built(TreeLSTMSentiment)
    module = model.tree_module
    # 0 is the parent of 1 and 2, and 2 that of 3 and 4
    left, right = torch.tensor([1, 0, 3, 0, 0]), torch.tensor([2, 0, 4, 0, 0])
    embs = model.emb(torch.arange(5))
    one, three, four = (module.leaf_module(embs[node].view(1, -1)) for node in (1, 3, 4))
    expected = module.composer(*one, *module.composer(*three, *four))
    assert same(module(left, right, embs), expected)
