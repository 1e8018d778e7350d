  def soft_cross_entropy(self, logits: Tensor, teacher: Tensor, rows: Tensor, restricted: Tensor, full: Tensor, weight: Tensor) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
    # p is over the draft vocabulary; the acceptance needs it over the whole vocabulary, which is a factor per row.
    share = torch.exp(torch.sub(torch.index_select(restricted, 0, rows), torch.index_select(full, 0, rows)))
    p = torch.softmax(self.wide(torch.index_select(teacher, 0, rows)), -1)
    x = self.wide(logits)
    best = torch.argmax(x, -1)
    loss = torch.neg(torch.sum(torch.mul(p, torch.log_softmax(x, -1)), [-1]))
    # Not the exponential of the logarithm: late in training q is close to p, and their difference shows its last digits.
    q = torch.softmax(x, -1)
    acceptance = torch.sum(torch.minimum(q, torch.mul(p, torch.unsqueeze(share, -1))), [-1])
    gradient = torch.mul_(torch.sub_(q, p), torch.unsqueeze(weight, -1))
    return (loss, best, acceptance, torch.to(gradient, ops.prim.dtype(logits)))
  def capped(self, logits: Tensor, soft_cap: float) -> Tensor:
    if soft_cap == 0.:
      return logits
    return self.soft_cap(logits, soft_cap)
  def teacher(self, states: Tensor, lm_head: Tensor, draft_ids: Tensor, chunk_ends: List[int], chunk: int, soft_cap: float) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
    # Running arg-max and log-sum-exp over chunks of the vocabulary, so that its logits are never in memory at once.
    vocabulary = torch.size(lm_head, 0)
    parts = annotate(List[Tensor], [])
    first = self.capped(torch.mm(states, torch.t(torch.slice(lm_head, 0, 0, chunk))), soft_cap)
    best, where = torch.max(first, 1)
    best = self.wide(best)
    full = torch.logsumexp(self.wide(first), [1])
    parts.append(torch.index_select(first, 1, torch.slice(draft_ids, 0, 0, chunk_ends[0])))
    for c in range(1, len(chunk_ends)):
      start = c * chunk
      z = self.capped(torch.mm(states, torch.t(torch.slice(lm_head, 0, start, start + chunk))), soft_cap)
      b, w = torch.max(z, 1)
      b = self.wide(b)
      # Greater, not equal: the first of equal logits wins, as in argmax over the whole row.
      where = torch.where(torch.gt(b, best), torch.add(w, start), where)
      best = torch.maximum(best, b)
      full = torch.logaddexp(full, torch.logsumexp(self.wide(z), [1]))
      parts.append(torch.index_select(z, 1, torch.sub(torch.slice(draft_ids, 0, chunk_ends[c - 1], chunk_ends[c]), start)))
    restricted = torch.cat(parts, 1)
    return (where, full, restricted, torch.logsumexp(self.wide(restricted), [1]))
