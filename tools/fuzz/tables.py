"""The grammar of random programs: what an expression of each kind, and a simple statement, may look like.

A line is a weight and a template. In it, `$T` is an expression of kind T, `$!T` a variable of that kind, `$=T` one that
may be assigned, `$+T` a new one; what carries the same label (`$!T'a`) is the same text. The kinds:

    T    f32[batch, 3]              i    a Python int              LT   a list of T, not empty
    V    f32[3]                     f    a Python float            LE   a list of T, perhaps empty
    S    f32[]                      b    a Python bool             Li   a list of ints, perhaps empty
    M    bool[batch, 3]             C    what a test may be        P    a tuple of T and int
    I    i64[]                      s    an int known in capture   DT   a dict of T with the keys a and b
    R    f32[?, 3]                  t    a text                    OT   None or T
    c    a float literal            k    an int literal            FT   a function of T that gives T
    LP   a list of tuples P         w    a text known in capture   O    an object with the attributes h and n
    W    as T, made for writing, seldom under another name
"""

EXPRESSIONS = {
    "T": """
        14 $!T
        6 ($!W + 0)
        1 $!W
        1 $!W.tanh()
        2 torch.tanh($T)
        2 torch.relu($T)
        1 torch.sigmoid($T)
        2 ($T * $c)
        2 ($T + $c)
        2 ($T + $T)
        2 ($T - $T)
        1 (-$T)
        1 ($T * torch.tanh($S))
        1 ($T + $V)
        1 ($T + $i)
        1 ($T * $f)
        1 ($T * $b)
        1 torch.where($M, $T, $T)
        1 torch.maximum($T, $T)
        1 $T.clamp(-1.5, 1.5)
        1 $T.softmax(-1)
        1 $T.roll(1, 1)
        1 $T.flip(1)
        1 $T.masked_fill($M, $c)
        1 ($T * $M)
        1 ($T + $R.sum(0))
        1 $!T.view(-1, 3)
        1 $!T.clone()
        1 $!T.detach()
        3 ($T if $C else $T)
        1 [$T, $T][$b]
        1 [$T, $T, $T][$i % 3]
        1 ($T, $T)[bool($C)]
        3 self.layers[$k % 3](torch.tanh($T))
        1 self.layers[$i % 3](torch.tanh($T))
        1 self.layers[$s % 3](torch.tanh($T))
        1 self.layers[-1](torch.tanh($T))
        1 (self.layers[0] if $C else self.layers[1])($T)
        1 self.get($C)($T)
        1 ($T * torch.sigmoid(self.gate($T)))
        2 $!LT[0]
        2 $!LT[-1]
        1 $!LT'a[$i % len($!LT'a)]
        1 torch.stack($!LT).mean(0)
        1 torch.cat($!LT, 0).mean(0, keepdim=True).expand(B, 3)
        1 sum($!LT)
        1 sum($!LE, $T)
        1 ($!LE'a[-1] if $!LE'a else $T)
        1 ($!LE'a[0] if len($!LE'a) > 0 else $T)
        1 ($!LE'a[$k] if len($!LE'a) > $k'b else $T)
        2 $!DT['a']
        1 $!DT['b']
        1 $!DT.get('c', $T)
        1 $!DT['a' if $C else 'b']
        2 $!P[0]
        1 ($!OT'a if $!OT'a is not None else $T)
        1 ($T if $!OT'a is None else $!OT'a * $c)
        2 $!FT($T)
        1 (lambda v, k=$k: v * k)($T)
        1 (lambda v: v + $T)($T)
        1 functools.reduce(lambda p, q: p + q * $c, $!LT)
        1 sum(v * $c for v in $!LT)
        1 torch.stack([v * $c for v in $!LT]).sum(0)
        1 ($+T := $T)
        1 $!O.h
        1 [v for v in $!LP][-1][0]
        1 max([$T, $T], key=lambda v: v.sum().item())
        1 torch.stack([v + i for i, v in enumerate($!LT)]).mean(0)
        1 $!T.new_zeros(B, 3)
        1 torch.zeros_like($T)
        1 torch.full((B, 3), $f)
        1 $T.scatter(1, $!T.argmax(1, keepdim=True), $c)
        1 $T.sort(1)[0]
        1 $T.topk(3, 1).values
    """,
    "V": """
        4 $!V
        3 $!T[0]
        1 $T.mean(0)
        1 $T[$i % B]
        1 $T.sum(0)
        1 ($V + $V)
        1 ($V * $c)
        1 torch.ones(3)
        1 (self.bias * $c)
        1 torch.tensor([1.0, $c, $c])
        1 torch.tensor([$f, $c, 0.5])
        1 $T.unbind(0)[0]
        1 torch.arange(3) * $c
        1 $R.sum(0)
    """,
    "S": """
        4 $!S
        4 $!T.sum()
        2 $!T.mean()
        2 $!T.max()
        1 $T.abs().mean()
        1 $T[0, $k % 3]
        1 ($S + $S)
        1 ($S * $c)
        1 torch.tanh($S)
        1 $V.sum()
        1 torch.tensor($f)
        1 torch.max($T, 1).values[0]
        1 ($S if $C else $S)
        1 $R.sum()
    """,
    "M": """
        3 $!M
        5 ($!T > $c)
        2 ($T > $T)
        1 ($T <= $c)
        1 (~$M)
        1 ($M & $M)
        1 ($M | $M)
        1 ($T > $S)
    """,
    "I": """
        3 $!I
        2 n[0]
        1 n[1]
        2 $!T.argmax()
        1 $!T[0].argmin()
        1 ($T > $c).sum()
        1 ($I + $k)
        1 ($I * $k)
        1 $!T.argmax(1)[0]
        1 ($!R[:, 0] > 0).sum()
    """,
    "R": """
        4 $!R
        3 $!T[$!T[:, 0] > $c]
        2 $!T.flatten()[$!T.flatten() > $c].unsqueeze(1) * torch.ones(3)
        1 torch.cat([$R, $T])
        1 torch.cat([$T, $T], 0)
        1 ($R * $c)
        1 torch.tanh($R)
        1 $R[:$i % 3]
        1 $R[$k:]
        1 self.layers[$k % 3](torch.tanh($R))
        1 torch.cat($!LT, 0)
        1 torch.cat([$T] * ($i % 3 + 1))
        1 torch.cat([$T, *$!LE], 0)
        1 $T[torch.nonzero($!T[:, 1] > 0).squeeze(1)]
    """,
    "i": """
        6 $k
        8 $!i
        2 $!s
        2 ($i + 1)
        1 ($i + $i) % 7
        1 ($i * $k) % 5
        1 ($i - $k)
        1 ($i // 2)
        1 min($i, $k)
        1 max($i, $i)
        1 abs($i)
        1 len($!LT)
        1 len($!LE)
        1 len($!Li)
        1 (int($S) % 4)
        2 int($I)
        2 $I.item()
        1 int($b)
        1 ($i if $C else $i)
        1 ($T > $c).sum().item()
        1 $!T.shape[0]
        1 $!T.size(-1)
        1 $R.shape[0]
        1 len($!R)
        1 $!P[1]
        1 (-1) ** $k
        1 sum($!Li)
        1 ($!Li'a[-1] if $!Li'a else $k)
        1 sum([j for j in range($k)])
        1 self.depth
        1 $!O.n
        1 [$k, $k, $k][$i % 3]
        1 {0: $k, 1: $k}.get($s, $k)
        1 int($f) % 5
        1 ($+i := $i)
        1 ($i & 3)
        1 ($b + $b)
        1 ($i or $k)
        1 ($i and $k)
        1 sum(1 for v in $!LT if $s > 1)
        1 int(($T > $T).any())
        1 len([v for v in $!LT])
        1 round($f) % 3
        1 len($!DT)
        1 sum(v.sum().item() > $c for v in $!LT)
    """,
    "f": """
        4 $c
        6 $!f
        3 $S.item()
        2 float($S)
        1 ($f * 0.5)
        1 ($f + $i)
        1 ($f - $f)
        1 ($i / 2)
        1 min($f, $c)
        1 max($f, $f)
        1 abs($f)
        1 ($f if $C else $f)
        1 (-$f)
        1 self.scale
        1 math.exp(-abs($f))
        1 math.sqrt(abs($f) + $i * 0 + 1)
        1 float($i)
        1 ($i * $c)
        1 ($f or $c)
    """,
    "b": """
        1 True
        1 False
        5 $!b
        2 ($i > $k)
        1 ($i == $i)
        1 ($i != $k)
        1 ($f > $f)
        1 (not $C)
        1 bool($S > $c)
        1 bool($M.any())
        1 ($S > $c).item()
        1 ($b and $b)
        1 ($b or $b)
        1 ($k <= $i < 4)
        1 ($!OT is None)
        1 ($b if $C else $b)
        1 (len($!LE) > $k)
        1 bool($!LE)
        1 isinstance($!OT, torch.Tensor)
        1 ($b == $b)
        1 ($i % 2 == 0)
        1 any([$b, $b])
        1 all(v.sum().item() > $c for v in $!LT)
        1 any(v.sum() > $c for v in $!LT)
        1 ('c' in $!DT)
        1 ($i in (1, 2))
        1 hasattr(self, 'depth')
        1 ($b ^ $b)
        1 torch.equal($T, $T)
    """,
    "C": """
        3 $b
        8 $!T.sum() > $c
        4 $S > $c
        1 $S < $S
        1 $M.any()
        1 $M.all()
        2 $T.max() > $c
        2 $i > $k
        1 $i < $i
        1 $f < $c
        1 $I > $k
        1 $I == $k
        1 not $C
        2 ($C and $C)
        2 ($C or $C)
        1 ($!T.sum() > $c and not $C)
        1 $c < $S < $c
        1 $c < $f <= $c
        1 $!LE
        1 $!OT is not None
        1 ($C) == ($C)
        1 $R.shape[0] > $k
        1 n[0] > $k
        1 (n > 1).all()
        1 (v := $S) > $c
        1 $i
        1 torch.allclose($T, $T)
    """,
    "s": """
        4 $!s
        3 $k
        1 self.depth
        1 ($s + 1)
        1 len(self.layers)
        1 $!T.dim()
    """,
    "t": """
        2 'lo'
        1 'hi'
        3 $!t
        2 ('hi' if $C else 'lo')
        1 $w
    """,
    "w": """
        2 'w'
        1 $!w
        1 f'k{$s}'
        1 f'{$s:02d}-{self.depth}'
        1 'item %d' % $s
        1 '{}'.format($s)
        1 str($s)
        1 ('a' + $w)
    """,
    "LT": """
        3 [$T]
        3 [$T, $T]
        1 [$T for _ in range(2)]
        1 [v * $c for v in $!LT]
        1 [self.layers[j](torch.tanh($T)) for j in range(3)]
        1 [m($T) for m in self.layers]
        1 $!LT + [$T]
        1 [*$!LE, $T]
        1 list($!LT)
        1 $!LT[::-1]
        1 [$T] * 2
        1 [$T if $C else $T, $T]
        1 [v if v.sum() > $c else -v for v in $!LT]
        1 list(reversed($!LT))
        1 [h for h, _ in $!LP]
        1 sorted([$T, $T], key=lambda v: v.sum().item())
        1 [p + q for p, q in zip($!LT, $!LT)]
        1 list(map(lambda v: v * $c, $!LT))
    """,
    "LE": """
        4 []
        1 [$T]
        1 list($!LE)
        1 [v + $c for v in $!LE]
        1 $!LT[1:]
        1 $!LT[:-1]
        1 $!LE[:$k]
        1 ([$T] if $C else [])
        1 [$T for _ in range($i % 3)]
    """,
    "Li": """
        3 []
        2 [$k]
        1 [$i, $i]
        1 list(range($k))
        1 $!Li + [$i]
        1 [i * 2 for i in $!Li]
        1 [int(v.sum() > $c) for v in $!LT]
        1 n.tolist()
    """,
    "P": """
        2 ($T, $i)
        2 ($T, $k)
        1 $!P
        1 (($T, $i) if $C else ($T, $k))
        1 self.pair($T, $i)
        1 $!LP[-1]
    """,
    "LP": """
        3 [($T, $i)]
        1 [$P]
        1 [(v, i) for i, v in enumerate($!LT)]
        1 list(zip($!LT, range(9)))
    """,
    "DT": """
        3 {'a': $T, 'b': $T}
        1 dict(a=$T, b=$T)
        1 {**$!DT, 'b': $T}
        1 {key: value * $c for key, value in $!DT.items()}
        1 {k: $T for k in ('a', 'b')}
        1 dict($!DT)
    """,
    "OT": """
        3 None
        2 $T
        1 ($T if $C else None)
        1 $!OT
        1 (None if $!OT'a is None else $!OT'a + $c)
    """,
    "FT": """
        2 torch.tanh
        1 torch.relu
        1 self.layers[$k % 3]
        1 self.layers[$i % 3]
        1 (torch.tanh if $C else torch.sigmoid)
        1 (lambda v: v * $c)
        1 (lambda v: torch.tanh(v) + $!T)
        1 (lambda v, c=$i: v + c)
        1 F.relu
        1 torch.square
        1 [torch.tanh, torch.relu, torch.sigmoid][$i % 3]
        1 functools.partial(torch.mul, $T)
        1 self.act
        1 (self.layers[0] if $C else self.act)
    """,
    "O": """
        1 Box($T, $i)
        1 Box($T)
    """,
    "result": """
        3 $T
        4 ($T, $i)
        1 [$T, $T]
        1 {'y': $T, 'n': $i}
        2 $!LT
        2 ($T, $!LE)
        1 ($T, $!DT)
        1 ($T, $!OT)
        1 None
        1 ($T, {'aux': $!LE, 'k': $i, 'b': $b, 'f': $f})
        1 (($T, $S), [$i])
        1 ($!P, $t)
        1 ($T, $!Li, $M)
        1 $i
        1 $!R
        1 ($T, $!LP)
        1 Out($T, $i)
        1 ($!O.h, $!O.n)
        1 ($T,)
        1 ()
        1 $T, $f, $I
    """,
}

STATEMENTS = """
    12 $+T = $T
    10 $=T = $T
    2 $+V = $V
    2 $+S = $S
    2 $+M = $M
    2 $+I = $I
    2 $+R = $R
    1 $=R = $R
    4 $+i = $i
    4 $=i = $i
    2 $+f = $f
    2 $=f = $f
    2 $+b = $b
    2 $=b = $b
    2 $+LT = $LT
    3 $+LE = $LE
    2 $+Li = $Li
    2 $+P = $P
    1 $=P = $P
    2 $+DT = $DT
    3 $+OT = $OT
    3 $=OT = $OT
    2 $=OT = None
    2 $+FT = $FT
    1 $=FT = $FT
    1 $+t = $t
    2 $=t = $t
    1 $+w = $w
    1 $+LP = $LP
    1 $+O = $O
    1 $=O.h = $T
    1 $=O.n += $i
    1 $=O.h += $T
    3 $=W += $T
    2 $=W *= $c
    1 $=W -= $S
    5 $=i += 1
    2 $=i += $i % 3
    1 $=i -= 1
    2 $=f += $f
    1 $=f *= 0.5
    1 $=b = not $!b
    2 $=S = $S
    1 $=S += $S
    2 $=LT += [$T]
    1 $=LT = $LT
    1 $=LE = $LE
    1 $=Li = $Li
    5 $=LT.append($T)
    6 $=LE.append($T)
    3 $=Li.append($i)
    1 $=Li.append($k)
    1 $=LP.append(($T, $i))
    1 $=LP.append($P)
    1 $=LT.extend([$T, $T])
    1 $=LE.extend($!LT)
    1 $=LT.insert(0, $T)
    2 $=LT[-1] = $T
    1 $=LT[0] = $!LT[-1] + $c
    1 $=LT'a[$i % len($=LT'a)] = $T
    1 $=LT[0] += $T
    1 $=LE.clear()
    1 $=LT.reverse()
    1 $=DT['a'] = $T
    1 $=DT['b'] += $c
    1 $=DT['c'] = $T
    1 $=DT.update(a=$T)
    1 $=DT.pop('c', None)
    1 $+T = $=DT.setdefault('c', $T)
    3 $=W[0] = $V
    1 $=W[$i % B] = $V
    2 $=W[:, $k % 3] = $S
    1 $=W[0, 1] = $c
    3 $=W[$M] = $c
    1 $=W[$M] *= 0.5
    2 $=W[0] += $V
    1 $=W.add_($T)
    1 $=W.mul_($c)
    1 $=W.copy_($T)
    1 $=W.zero_()
    1 $=W.clamp_(-1, 1)
    1 $=W.view(-1)[$k % 3] = $c
    1 $=W[:, 1:].mul_($c)
    1 $=W.masked_fill_($M, $c)
    1 $=V.add_($V)
    1 $=V[0] = $S
    1 $=V += $V
    2 $+V = $!T[0]
    1 $+T = $!T.view(B, 3)
    1 $+V = $!T[:, 0].sum() + $V
    1 $+T = $!LT[0]
    2 $=T, $=T = $!T, $T
    1 $+T, $+i = $P
    1 $+T, $+i = $T, $i
    1 ($+T, $+i), $+T = $P, $T
    1 $+T, *$+LE = $!LT
    1 $+T, $+i = self.pair($T, $i)
    1 $+T, $+I = $T.max(0, keepdim=True)[0].expand(B, 3), $!T.max(1)[1][0]
    2 $+T = $!T
    1 $+T = $+T = $T
    1 $=T = $!T
    1 self.h = $T
    1 $+T = self.h
    1 self.h += $T
    1 assert $T.abs().max() < 3, 'too large'
    1 assert $i < 5
    1 $+i = $=LT.index($!LT) if False else $k
    1 pass
    1 $=T = self.step($T, $i)
    1 $=T, $=OT = self.step($T), None
    1 self.memory.append($T)
    1 $+T = sum(self.memory, $T)
    4 $+W = $T * 1.5
    2 $+W = torch.zeros(B, 3)
    2 $+W = $T.clone()
    1 $+V = $!W[0]
    1 $+T = $!W.view(B, 3)
    1 $=T += $T
    1 $=T[0] = $V
    1 $=T.mul_($c)
    1 $=T[$M] = $c
    1 $+T = $!W
"""
