"""Tree-LSTM: the state of a sentence, computed by recursion over its parse tree.

Tai, Socher and Manning, "Improved Semantic Representations From Tree-Structured Long Short-Term Memory Networks", ACL
2015. `ChildSumTreeLSTM` has the structure of treelstm/model.py in github.com/dasguptar/treelstm.pytorch, and
`BinaryTreeLSTM` that of github.com/ttpro1995/TreeLSTMSentiment; their tree objects are index tensors here. Nodes are
numbered parents first and node 0 is the root, so a child has a larger index than its parent; any other index stands
for no child.

Dynamic: `forward` calls itself on each child, as deep as the tree is; a node's lists of child states are as long as it
has children.
"""

# pyright: basic

import torch
from calibration import reproducible, standardize
from token_calibration import initialize_transformer, sample_tokens
from torch import Tensor, nn
from torch.nn import functional as F


class ChildSumTreeLSTM(nn.Module):
    def __init__(self, in_dim: int, mem_dim: int) -> None:
        super().__init__()
        self.in_dim = in_dim
        self.mem_dim = mem_dim
        self.ioux = nn.Linear(self.in_dim, 3 * self.mem_dim)
        self.iouh = nn.Linear(self.mem_dim, 3 * self.mem_dim)
        self.fx = nn.Linear(self.in_dim, self.mem_dim)
        self.fh = nn.Linear(self.mem_dim, self.mem_dim)

    def node_forward(self, inputs: Tensor, child_c: Tensor, child_h: Tensor) -> tuple[Tensor, Tensor]:
        child_h_sum = torch.sum(child_h, dim=0, keepdim=True)

        iou = self.ioux(inputs) + self.iouh(child_h_sum)
        i, o, u = torch.split(iou, iou.size(1) // 3, dim=1)
        i, o, u = torch.sigmoid(i), torch.sigmoid(o), torch.tanh(u)

        f = torch.sigmoid(self.fh(child_h) + self.fx(inputs).repeat(len(child_h), 1))
        fc = torch.mul(f, child_c)

        c = torch.mul(i, u) + torch.sum(fc, dim=0, keepdim=True)
        h = torch.mul(o, torch.tanh(c))
        return c, h

    def forward(self, tree: Tensor, inputs: Tensor, idx: int | Tensor = 0) -> tuple[Tensor, Tensor]:
        """The cell and hidden state f32[1, mem] of a node of a tree i64[nodes, children]; inputs f32[nodes, in]."""
        states = []
        for child in tree[idx]:
            if child > idx:
                states.append(self.forward(tree, inputs, child))  # noqa: PERF401

        if len(states) == 0:
            child_c = inputs[0].new_zeros(1, self.mem_dim)
            child_h = inputs[0].new_zeros(1, self.mem_dim)
        else:
            child_c, child_h = zip(*states, strict=True)
            child_c, child_h = torch.cat(child_c, dim=0), torch.cat(child_h, dim=0)

        return self.node_forward(inputs[idx].view(1, -1), child_c, child_h)


class Similarity(nn.Module):
    """Log probabilities of how alike two sentences are."""

    def __init__(self, mem_dim: int, hidden_dim: int, num_classes: int) -> None:
        super().__init__()
        self.wh = nn.Linear(2 * mem_dim, hidden_dim)
        self.wp = nn.Linear(hidden_dim, num_classes)

    def forward(self, lvec: Tensor, rvec: Tensor) -> Tensor:
        mult_dist = torch.mul(lvec, rvec)
        abs_dist = torch.abs(torch.add(lvec, -rvec))
        vec_dist = torch.cat((mult_dist, abs_dist), 1)

        out = torch.sigmoid(self.wh(vec_dist))
        return F.log_softmax(self.wp(out), dim=1)


class SimilarityTreeLSTM(nn.Module):
    """How alike two sentences are, by the child-sum states of their dependency trees; small sizes unless given."""

    def __init__(
        self,
        vocab_size: int = 32,
        in_dim: int = 16,
        mem_dim: int = 16,
        hidden_dim: int = 16,
        num_classes: int = 5,
        seed: int = 0,
    ) -> None:
        super().__init__()
        with reproducible(seed):
            self.emb = nn.Embedding(vocab_size, in_dim)
            self.childsumtreelstm = ChildSumTreeLSTM(in_dim, mem_dim)
            self.similarity = Similarity(mem_dim, hidden_dim, num_classes)
            initialize_transformer(self)
            nn.init.normal_(self.similarity.wp.weight, 0, 4 * hidden_dim**-0.5)
        self.requires_grad_(False)
        self.eval()

    def forward(self, ltree: Tensor, linputs: Tensor, rtree: Tensor, rinputs: Tensor) -> Tensor:
        """Log probabilities f32[1, classes] for two trees i64[nodes, children] with words i64[nodes]."""
        linputs = self.emb(linputs)
        rinputs = self.emb(rinputs)
        _, lhidden = self.childsumtreelstm(ltree, linputs)
        _, rhidden = self.childsumtreelstm(rtree, rinputs)
        return self.similarity(lhidden, rhidden)


class BinaryTreeLeafModule(nn.Module):
    def __init__(self, in_dim: int, mem_dim: int) -> None:
        super().__init__()
        self.cx = nn.Linear(in_dim, mem_dim)
        self.ox = nn.Linear(in_dim, mem_dim)

    def forward(self, input: Tensor) -> tuple[Tensor, Tensor]:
        c = self.cx(input)
        o = torch.sigmoid(self.ox(input))
        h = o * torch.tanh(c)
        return c, h


class BinaryTreeComposer(nn.Module):
    def __init__(self, in_dim: int, mem_dim: int) -> None:
        super().__init__()

        def new_gate() -> tuple[nn.Linear, nn.Linear]:
            lh = nn.Linear(mem_dim, mem_dim)
            rh = nn.Linear(mem_dim, mem_dim)
            return lh, rh

        self.ilh, self.irh = new_gate()
        self.lflh, self.lfrh = new_gate()
        self.rflh, self.rfrh = new_gate()
        self.ulh, self.urh = new_gate()

    def forward(self, lc: Tensor, lh: Tensor, rc: Tensor, rh: Tensor) -> tuple[Tensor, Tensor]:
        i = torch.sigmoid(self.ilh(lh) + self.irh(rh))
        lf = torch.sigmoid(self.lflh(lh) + self.lfrh(rh))
        rf = torch.sigmoid(self.rflh(lh) + self.rfrh(rh))
        update = torch.tanh(self.ulh(lh) + self.urh(rh))
        c = i * update + lf * lc + rf * rc
        h = torch.tanh(c)
        return c, h


class BinaryTreeLSTM(nn.Module):
    def __init__(self, in_dim: int, mem_dim: int) -> None:
        super().__init__()
        self.leaf_module = BinaryTreeLeafModule(in_dim, mem_dim)
        self.composer = BinaryTreeComposer(in_dim, mem_dim)

    def forward(self, left: Tensor, right: Tensor, embs: Tensor, node: int | Tensor = 0) -> tuple[Tensor, Tensor]:
        """The cell and hidden state f32[1, mem] of a node whose children are left[node] and right[node]."""
        if left[node] <= node or right[node] <= node:
            return self.leaf_module(embs[node].view(1, -1))
        lc, lh = self.forward(left, right, embs, left[node])
        rc, rh = self.forward(left, right, embs, right[node])
        return self.composer(lc, lh, rc, rh)


class SentimentClassifier(nn.Module):
    def __init__(self, mem_dim: int, num_classes: int) -> None:
        super().__init__()
        self.l1 = nn.Linear(mem_dim, num_classes)

    def forward(self, vec: Tensor) -> Tensor:
        return F.log_softmax(self.l1(vec), dim=1)


class TreeLSTMSentiment(nn.Module):
    """The sentiment of a sentence by the state of its constituency tree; the sizes are small ones unless given."""

    def __init__(
        self, vocab_size: int = 32, in_dim: int = 16, mem_dim: int = 16, num_classes: int = 3, seed: int = 0
    ) -> None:
        super().__init__()
        with reproducible(seed):
            self.emb = nn.Embedding(vocab_size, in_dim)
            self.tree_module = BinaryTreeLSTM(in_dim, mem_dim)
            self.output_module = SentimentClassifier(mem_dim, num_classes)
            initialize_transformer(self)
            standardize(self.output_module.l1, self.tree_module.leaf_module(self.emb(sample_tokens(64)))[1])
        self.requires_grad_(False)
        self.eval()

    def forward(self, left: Tensor, right: Tensor, words: Tensor) -> Tensor:
        """Log probabilities f32[1, classes] for a tree given by the children i64[nodes] and words i64[nodes]."""
        embs = self.emb(words)
        _, hidden = self.tree_module(left, right, embs)
        return self.output_module(hidden)


class SimilarityTreeLSTM150(SimilarityTreeLSTM):
    """The paper's sizes on SICK."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(vocab_size=2412, in_dim=300, mem_dim=150, hidden_dim=50, num_classes=5, seed=seed)


class TreeLSTMSentiment150(TreeLSTMSentiment):
    """The paper's sizes on the Stanford Sentiment Treebank."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(vocab_size=21701, in_dim=300, mem_dim=150, num_classes=3, seed=seed)
