  def share_kv(self, x: Tensor, groups: int) -> Tensor:
    # [1, kv heads, T, d] for every query head. Expanded by hand: the fused CPU operator takes fewer KV heads than query
    # heads without an error and returns NaN.
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
    # The query heads that share a KV head become rows of one attention, so that the cache is read without a copy.
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
  def cache_write(self, cache: Tensor, rows: Tensor, slots: Tensor, at: Tensor):
    # Row i goes to position at[i] of the sequence slots[i]; the cache is [slots, kv heads, tokens, d].
    torch.index_put_(torch.transpose(cache, 1, 2), annotate(List[Optional[Tensor]], [slots, at]), rows)
  def cache_mask(self, like: Tensor, at: Tensor, longest: int, window: int, chunk: int) -> Tensor:
    # [sequences, 1, 1, longest], added to the scores of one row of each sequence, which is at this position.
    keys = torch.arange(longest, device=ops.prim.device(like))
    row = torch.unsqueeze(at, 1)
    see = torch.le(keys, row)
    if window > 0:
      see = torch.logical_and(see, torch.gt(keys, torch.sub(row, window)))
    if chunk > 0:
      see = torch.logical_and(see, torch.ge(keys, torch.sub(row, torch.remainder(row, chunk))))
    n = torch.size(at, 0)
    mask = torch.masked_fill(torch.zeros([n, longest], dtype=ops.prim.dtype(like), device=ops.prim.device(like)), torch.logical_not(see), -3.e+38)
    return torch.view(mask, [n, 1, 1, longest])
  def attention_rows(self, q: Tensor, keys: Tensor, values: Tensor, bounds: List[int], longest: List[int], masks: List[Tensor], scale: float, soft_cap: float, sinks: Optional[Tensor]) -> Tensor:
    # One row of each sequence from slot bounds[0] on. Those from bounds[i] to bounds[i + 1] have up to longest[i] tokens each and
    # are padded to that: one call for many sequences, because a call takes longer than a short attention.
    parts = annotate(List[Tensor], [])
    for i in range(len(longest)):
      n = bounds[i + 1] - bounds[i]
      k = torch.narrow(torch.narrow(keys, 0, bounds[i], n), 2, 0, longest[i])
      v = torch.narrow(torch.narrow(values, 0, bounds[i], n), 2, 0, longest[i])
      parts.append(self.attention_padded(torch.narrow(q, 0, bounds[i] - bounds[0], n), k, v, masks[i], scale, soft_cap, sinks))
    return self.joined(parts)
  def attention_padded(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor, scale: float, soft_cap: float, sinks: Optional[Tensor]) -> Tensor:
    # The query heads that share a KV head are rows of one attention, so that caches are read where they are.
    n = torch.size(q, 0)
    heads = torch.size(q, 1)
    d = torch.size(q, 2)
    kv = torch.size(k, 1)
    m = torch.size(k, 2)
    dv = torch.size(v, 3)
    groups = torch.floordiv(heads, kv)
    if soft_cap == 0. and sinks is None and d == dv and d >= 64:
      o = torch.scaled_dot_product_attention(torch.view(q, [n, kv, groups, d]), k, v, mask, 0., False, scale=scale)
      return torch.reshape(o, [n, heads, d])
    # For few and narrow rows the fused CPU kernel takes twice as long as two products.
    scores = torch.mul(torch.bmm(torch.view(q, [n * kv, groups, d]), torch.transpose(torch.view(k, [n * kv, m, d]), 1, 2)), scale)
    if soft_cap != 0.:
      scores = torch.mul(torch.tanh(torch.div(scores, soft_cap)), soft_cap)
    scores = self.wide(torch.add(torch.view(scores, [n, kv, groups, m]), mask))
    lse = torch.logsumexp(scores, [-1])
    p = torch.to(torch.exp(torch.sub(scores, torch.unsqueeze(lse, -1))), ops.prim.dtype(q))
    o = torch.bmm(torch.view(p, [n * kv, groups, m]), torch.view(v, [n * kv, m, dv]))
    return self.with_sinks(torch.reshape(o, [n, heads, dv]), torch.reshape(lse, [n, heads]), sinks)
  def attend(self, q: Tensor, k: Tensor, v: Tensor, cu_q: List[int], cu_k: List[int], scale: float, window: int, soft_cap: float, sinks: Optional[Tensor]) -> Tensor:
    # Causal attention of any kind: sequence i has the rows cu_q[i] to cu_q[i + 1], the newest of its keys cu_k[i] to cu_k[i + 1].
    d = torch.size(k, 2)
    dv = torch.size(v, 2)
    # The fused kernels require one head dimension; zeros change neither scores nor the values that are kept.
    if d < dv:
      q = torch.constant_pad_nd(q, [0, dv - d])
      k = torch.constant_pad_nd(k, [0, dv - d])
    if dv < d:
      v = torch.constant_pad_nd(v, [0, d - dv])
    if ops.prim.is_cuda(q) and ops.prim.dtype(q) == 15 and soft_cap == 0. and torch.size(q, 2) <= 256 and torch.remainder(torch.size(q, 2), 8) == 0:
      o, lse = self.flash_packed(q, k, v, cu_q, cu_k, scale, window)
      out = self.with_sinks(o, lse, sinks)
    else:
      parts = annotate(List[Tensor], [])
      for i in range(len(cu_q) - 1):
        parts.append(self.attend_newest(torch.slice(q, 0, cu_q[i], cu_q[i + 1]), torch.slice(k, 0, cu_k[i], cu_k[i + 1]), torch.slice(v, 0, cu_k[i], cu_k[i + 1]), scale, window, soft_cap, sinks))
      out = self.joined(parts)
    if dv < d:
      return torch.contiguous(torch.slice(out, 2, 0, dv))
    return out
  def joined(self, parts: List[Tensor]) -> Tensor:
    if len(parts) == 1:
      return torch.contiguous(parts[0])
    return torch.cat(parts, 0)
  def with_sinks(self, o: Tensor, lse: Tensor, sinks: Optional[Tensor]) -> Tensor:
    # A sink is one further logit whose probability is dropped: the others' sum is exp(lse) / (exp(lse) + exp(sink)).
    if sinks is None:
      return o
    kept = torch.sigmoid(torch.sub(lse, torch.to(sinks, ops.prim.dtype(lse))))
    return torch.to(torch.mul(o, torch.unsqueeze(kept, -1)), ops.prim.dtype(o))
  def flash_packed(self, q: Tensor, k: Tensor, v: Tensor, cu_q: List[int], cu_k: List[int], scale: float, window: int) -> Tuple[Tensor, Tensor]:
    # The kernel aligns the rows of a sequence with the newest of its keys, and skips what is outside the window.
    left = -1
    if window > 0:
      left = window - 1
    longest_q = 0
    longest_k = 0
    for i in range(len(cu_q) - 1):
      if cu_q[i + 1] - cu_q[i] > longest_q:
        longest_q = cu_q[i + 1] - cu_q[i]
      if cu_k[i + 1] - cu_k[i] > longest_k:
        longest_k = cu_k[i + 1] - cu_k[i]
    bounds_q = torch.tensor(cu_q, dtype=3, device=ops.prim.device(q))
    bounds_k = torch.tensor(cu_k, dtype=3, device=ops.prim.device(q))
    o, lse, state, unused, debug = torch._flash_attention_forward(torch.contiguous(q), torch.contiguous(k), torch.contiguous(v), bounds_q, bounds_k, longest_q, longest_k, 0., True, False, scale=scale, window_size_left=left, window_size_right=0)
    return (o, torch.transpose(lse, 0, 1))
  def attend_newest(self, q: Tensor, k: Tensor, v: Tensor, scale: float, window: int, soft_cap: float, sinks: Optional[Tensor]) -> Tensor:
    n = torch.size(q, 0)
    heads = torch.size(q, 1)
    total = torch.size(k, 0)
    fused = soft_cap == 0. and not ops.prim.is_cuda(q)
    if fused and n == total and (window == 0 or window >= n):
      o, lse = self.fused_block(q, k, v, scale, True, 0)
      return self.with_sinks(o, lse, sinks)
    # Blocks of rows against the keys that they attend to: at most 32 million scores, and 512 rows, so that the mask is small too.
    rows = 512
    if 33554432 < rows * heads * total:
      rows = torch.floordiv(33554432, heads * total)
      if rows < 16:
        rows = 16
    parts = annotate(List[Tensor], [])
    for b in range(torch.floordiv(n + rows - 1, rows)):
      start = b * rows
      end = start + rows
      if end > n:
        end = n
      stop = total - n + end
      first = 0
      if window > 0 and total - n + start + 1 > window:
        first = total - n + start + 1 - window
      qb = torch.slice(q, 0, start, end)
      kb = torch.slice(k, 0, first, stop)
      vb = torch.slice(v, 0, first, stop)
      if fused:
        o, lse = self.fused_block(qb, kb, vb, scale, False, window)
      else:
        o, lse = self.plain_block(qb, kb, vb, scale, window, soft_cap)
      parts.append(self.with_sinks(o, lse, sinks))
    return self.joined(parts)
  def block_mask(self, q: Tensor, k: Tensor, window: int) -> Tensor:
    # Added to the scores. Every row attends to its own key, so no row is masked completely.
    n = torch.size(q, 0)
    m = torch.size(k, 0)
    see = torch.tril(torch.ones([n, m], dtype=11, device=ops.prim.device(q)), m - n)
    if window > 0:
      see = torch.triu(see, m - n - window + 1)
    return torch.masked_fill(torch.zeros([n, m], dtype=ops.prim.dtype(q), device=ops.prim.device(q)), torch.logical_not(see), -3.e+38)
  def fused_block(self, q: Tensor, k: Tensor, v: Tensor, scale: float, square: bool, window: int) -> Tuple[Tensor, Tensor]:
    groups = torch.floordiv(torch.size(q, 1), torch.size(k, 1))
    qi = self.heads_first(q)
    ki = self.share_kv(self.heads_first(k), groups)
    vi = self.share_kv(self.heads_first(v), groups)
    if square or torch.size(q, 0) == 1:
      o, lse = torch._scaled_dot_product_flash_attention_for_cpu(qi, ki, vi, 0., square, attn_mask=None, scale=scale)
    else:
      o, lse = torch._scaled_dot_product_flash_attention_for_cpu(qi, ki, vi, 0., False, attn_mask=self.block_mask(q, k, window), scale=scale)
    return (torch.transpose(torch.squeeze(o, 0), 0, 1), torch.transpose(torch.squeeze(lse, 0), 0, 1))
  def plain_block(self, q: Tensor, k: Tensor, v: Tensor, scale: float, window: int, soft_cap: float) -> Tuple[Tensor, Tensor]:
    # Query heads that share a KV head are rows of one product. Softmax in float32 whatever the type, as Hugging Face's eager form.
    n = torch.size(q, 0)
    heads = torch.size(q, 1)
    kv = torch.size(k, 1)
    m = torch.size(k, 0)
    groups = torch.floordiv(heads, kv)
    rows = torch.reshape(torch.permute(torch.view(q, [n, kv, groups, torch.size(q, 2)]), [1, 2, 0, 3]), [kv, groups * n, torch.size(q, 2)])
    scores = torch.mul(torch.matmul(rows, torch.permute(k, [1, 2, 0])), scale)
    if soft_cap != 0.:
      scores = torch.mul(torch.tanh(torch.div(scores, soft_cap)), soft_cap)
    scores = self.wide(torch.add(torch.view(scores, [kv, groups, n, m]), self.block_mask(q, k, window)))
    lse = torch.logsumexp(scores, [-1])
    p = torch.to(torch.exp(torch.sub(scores, torch.unsqueeze(lse, -1))), ops.prim.dtype(q))
    o = torch.matmul(torch.view(p, [kv, groups * n, m]), torch.transpose(v, 0, 1))
    o = torch.reshape(torch.permute(torch.view(o, [kv, groups, n, torch.size(v, 2)]), [2, 0, 1, 3]), [n, heads, torch.size(v, 2)])
    return (o, torch.transpose(torch.reshape(lse, [heads, n]), 0, 1))
