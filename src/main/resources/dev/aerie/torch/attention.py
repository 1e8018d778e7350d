  def share_kv(self, x: Tensor, groups: int) -> Tensor:
    # [1, kv heads, T, d] for every query head. Expanded by hand: the fused CPU operator takes fewer KV heads than query
    # heads without complaint and answers NaN.
    if groups == 1:
      return x
    return torch.repeat_interleave(x, groups, 1)
  def heads_first(self, x: Tensor) -> Tensor:
    return torch.unsqueeze(torch.transpose(x, 0, 1), 0)
  def attention(self, q: Tensor, k: Tensor, v: Tensor, cu_seqlens: List[int], scale: float) -> Tensor:
    groups = torch.floordiv(torch.size(q, 1), torch.size(k, 1))
    out = annotate(List[Tensor], [])
    for i in range(len(cu_seqlens) - 1):
      start = cu_seqlens[i]
      end = cu_seqlens[i + 1]
      qi = self.heads_first(torch.slice(q, 0, start, end))
      ki = self.share_kv(self.heads_first(torch.slice(k, 0, start, end)), groups)
      vi = self.share_kv(self.heads_first(torch.slice(v, 0, start, end)), groups)
      o = torch.scaled_dot_product_attention(qi, ki, vi, None, 0., True, scale=scale)
      out.append(torch.transpose(torch.squeeze(o, 0), 0, 1))
    if len(out) == 1:
      return torch.contiguous(out[0])
    return torch.cat(out, 0)
  def attention_cached(self, q: Tensor, k: Tensor, v: Tensor, scale: float) -> Tensor:
    # The query heads that share a KV head become rows of one attention, so that the cache is read as it lies.
    n = torch.size(q, 0)
    heads = torch.size(q, 1)
    d = torch.size(q, 2)
    total = torch.size(k, 0)
    kv = torch.size(k, 1)
    groups = torch.floordiv(heads, kv)
    rows = torch.reshape(torch.permute(torch.view(q, [n, kv, groups, d]), [1, 2, 0, 3]), [1, kv, groups * n, d])
    if n == 1:
      o = torch.scaled_dot_product_attention(rows, self.heads_first(k), self.heads_first(v), None, 0., False, scale=scale)
    else:
      see = torch.tril(torch.ones([n, total], dtype=11, device=ops.prim.device(q)), total - n)
      see = torch.repeat(see, [groups, 1])
      o = torch.scaled_dot_product_attention(rows, self.heads_first(k), self.heads_first(v), see, 0., False, scale=scale)
    return torch.contiguous(torch.reshape(torch.permute(torch.view(o, [kv, groups, n, d]), [2, 0, 1, 3]), [n, heads, d]))
  def cache_append(self, cache: Tensor, rows: Tensor, length: int) -> Tensor:
    n = torch.size(rows, 0)
    torch.copy_(torch.narrow(cache, 0, length, n), rows)
    return torch.narrow(cache, 0, 0, length + n)
