  def expand_kv(self, x: Tensor, heads: int) -> Tensor:
    # [T, kv heads, d] for every query head. Expanded by hand: the fused CPU operator takes fewer KV heads than query heads
    # without an error and returns NaN.
    groups = torch.floordiv(heads, torch.size(x, 1))
    if groups == 1:
      return x
    return torch.repeat_interleave(x, groups, 1)
  def fold_kv(self, x: Tensor, kv_heads: int) -> Tensor:
    t, h, d = torch.size(x)
    if h == kv_heads:
      return x
    return torch.sum(torch.reshape(x, [t, kv_heads, torch.floordiv(h, kv_heads), d]), [2])
  def merge(self, o1: Tensor, l1: Tensor, o2: Tensor, l2: Tensor) -> Tuple[Tensor, Tensor]:
    l = torch.logaddexp(l1, l2)
    a = torch.to(torch.unsqueeze(torch.exp(torch.sub(l1, l)), -1), ops.prim.dtype(o1))
    b = torch.to(torch.unsqueeze(torch.exp(torch.sub(l2, l)), -1), ops.prim.dtype(o1))
    return (torch.addcmul(torch.mul(o1, a), o2, b), l)
  def ttt_attention(self, q: Tensor, k0: Tensor, v0: Tensor, blocks: List[int], dk: Tensor, dv: Tensor, scale: float) -> Tuple[Tensor, Tensor]:
    rows, heads, d = torch.size(q)
    os = annotate(List[Tensor], [])
    ls = annotate(List[Tensor], [])
    at = 0
    for i in range(torch.floordiv(len(blocks), 3)):
      start = blocks[3 * i]
      first = blocks[3 * i + 1]
      end = blocks[3 * i + 2]
      qi = torch.slice(q, 0, at, at + end - first)
      at = at + end - first
      o, l = self.flash(qi, torch.slice(k0, 0, first, end), torch.slice(v0, 0, first, end), True, scale)
      if first > start:
        po, pl = self.flash(qi, torch.slice(k0, 0, start, first), torch.slice(v0, 0, start, first), False, scale)
        o, l = self.merge(o, l, po, pl)
      os.append(o)
      ls.append(l)
    out = os[0]
    lse = ls[0]
    if len(os) > 1:
      out = torch.cat(os, 0)
      lse = torch.cat(ls, 0)
    steps = torch.size(dk, 1)
    if steps == 0:
      return (torch.contiguous(out), torch.contiguous(lse))
    # Step keys of the later steps: one small product for each row and KV head, merged by log-sum-exp.
    n = torch.size(dk, 0)
    g = torch.floordiv(rows * heads, n)
    qn = torch.reshape(q, [n, g, d])
    s = torch.mul(self.wide(torch.bmm(qn, torch.transpose(dk, 1, 2))), scale)
    all = torch.cat([torch.reshape(lse, [n, g, 1]), s], -1)
    merged = torch.logsumexp(all, [-1], True)
    p = torch.to(torch.exp(torch.sub(all, merged)), ops.prim.dtype(q))
    on = torch.mul(torch.reshape(out, [n, g, d]), torch.slice(p, -1, 0, 1))
    on = torch.baddbmm(on, torch.slice(p, -1, 1), dv)
    return (torch.reshape(on, [rows, heads, d]), torch.reshape(merged, [rows, heads]))
  def ttt_attention_backward(self, go: Tensor, q: Tensor, o: Tensor, lse: Tensor, k0: Tensor, v0: Tensor, blocks: List[int], dk: Tensor, dv: Tensor, scale: float, gk0: Tensor, gv0: Tensor, gdk: Tensor, gdv: Tensor) -> Tensor:
    rows, heads, d = torch.size(q)
    gqs = annotate(List[Tensor], [])
    at = 0
    for i in range(torch.floordiv(len(blocks), 3)):
      start = blocks[3 * i]
      first = blocks[3 * i + 1]
      end = blocks[3 * i + 2]
      to = at + end - first
      goi = torch.slice(go, 0, at, to)
      qi = torch.slice(q, 0, at, to)
      oi = torch.slice(o, 0, at, to)
      li = torch.slice(lse, 0, at, to)
      at = to
      # Given the merged output and log-sum-exp, the fused backward is exact for its own part of the keys.
      gq, gk, gv = self.flash_backward(goi, qi, torch.slice(k0, 0, first, end), torch.slice(v0, 0, first, end), oi, li, True, scale)
      torch.add_(torch.slice(gk0, 0, first, end), gk)
      torch.add_(torch.slice(gv0, 0, first, end), gv)
      if first > start:
        pq, pk, pv = self.flash_backward(goi, qi, torch.slice(k0, 0, start, first), torch.slice(v0, 0, start, first), oi, li, False, scale)
        torch.add_(torch.slice(gk0, 0, start, first), pk)
        torch.add_(torch.slice(gv0, 0, start, first), pv)
        gq = torch.add(gq, pq)
      gqs.append(gq)
    gq = gqs[0]
    if len(gqs) > 1:
      gq = torch.cat(gqs, 0)
    steps = torch.size(dk, 1)
    if steps == 0:
      return torch.contiguous(gq)
    n = torch.size(dk, 0)
    g = torch.floordiv(rows * heads, n)
    qn = torch.reshape(q, [n, g, d])
    gon = torch.reshape(go, [n, g, d])
    s = torch.mul(self.wide(torch.bmm(qn, torch.transpose(dk, 1, 2))), scale)
    p = torch.exp(torch.sub(s, torch.reshape(lse, [n, g, 1])))
    delta = torch.sum(self.wide(torch.mul(gon, torch.reshape(o, [n, g, d]))), [-1], True)
    gp = self.wide(torch.bmm(gon, torch.transpose(dv, 1, 2)))
    gs = torch.to(torch.mul(torch.mul(p, torch.sub(gp, delta)), scale), ops.prim.dtype(q))
    torch.add_(gdk, torch.bmm(torch.transpose(gs, 1, 2), qn))
    torch.add_(gdv, torch.bmm(torch.transpose(torch.to(p, ops.prim.dtype(q)), 1, 2), gon))
    return torch.reshape(torch.baddbmm(torch.reshape(torch.contiguous(gq), [n, g, d]), gs, dk), [rows, heads, d])
