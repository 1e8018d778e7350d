  def flash(self, q: Tensor, k: Tensor, v: Tensor, causal: bool, scale: float) -> Tuple[Tensor, Tensor]:
    # [n, heads, d] over [m, heads, d]; with the log-sum-exp [n, heads] of the scores.
    if ops.prim.is_cuda(q):
      o, lse, state, unused, debug = torch._flash_attention_forward(q, k, v, self.bounds(q), self.bounds(k), torch.size(q, 0), torch.size(k, 0), 0., causal, False, scale=scale)
      return (o, torch.transpose(lse, 0, 1))
    # In float32 whatever the type: backward in bfloat16 takes twice as long on a CPU, and sums in bfloat16.
    o, lse = torch._scaled_dot_product_flash_attention_for_cpu(self.heads_first(self.wide(q)), self.heads_first(self.wide(k)), self.heads_first(self.wide(v)), 0., causal, attn_mask=None, scale=scale)
    return (torch.to(torch.transpose(torch.squeeze(o, 0), 0, 1), ops.prim.dtype(q)), torch.transpose(torch.squeeze(lse, 0), 0, 1))
  def bounds(self, x: Tensor) -> Tensor:
    n = torch.mul(torch.ones([2], dtype=3, device=ops.prim.device(x)), torch.size(x, 0))
    torch.zero_(torch.slice(n, 0, 0, 1))
    return n
  def flash_backward(self, go: Tensor, q: Tensor, k: Tensor, v: Tensor, o: Tensor, lse: Tensor, causal: bool, scale: float) -> Tuple[Tensor, Tensor, Tensor]:
    l = torch.contiguous(torch.transpose(lse, 0, 1))
    if ops.prim.is_cuda(q):
      # Without dropout the kernel does not read its random state.
      state = torch.zeros([2], dtype=4, device=ops.prim.device(q))
      return torch._flash_attention_backward(go, q, k, v, o, l, self.bounds(q), self.bounds(k), torch.size(q, 0), torch.size(k, 0), 0., causal, state, state, scale=scale)
    gq, gk, gv = torch._scaled_dot_product_flash_attention_for_cpu_backward(self.heads_first(self.wide(go)), self.heads_first(self.wide(q)), self.heads_first(self.wide(k)), self.heads_first(self.wide(v)), self.heads_first(self.wide(o)), torch.unsqueeze(l, 0), 0., causal, attn_mask=None, scale=scale)
    return (torch.to(torch.transpose(torch.squeeze(gq, 0), 0, 1), ops.prim.dtype(q)), torch.transpose(torch.squeeze(gk, 0), 0, 1), torch.transpose(torch.squeeze(gv, 0), 0, 1))
