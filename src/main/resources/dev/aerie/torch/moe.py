  def route(self, x: Tensor, weight: Tensor, bias: Optional[Tensor], correction: Optional[Tensor], scoring: int, top_k: int, groups: int, chosen_groups: int, renormalise: bool, scale: float) -> Tuple[Tensor, Tensor]:
    # In float32 from the product on: in bfloat16 near ties are resolved differently, and another expert gives another state.
    logits = torch.linear(self.wide(x), self.wide(weight), bias)
    scores = logits
    if scoring == 0:
      scores = torch.softmax(logits, -1)
    if scoring == 2:
      scores = torch.sigmoid(logits)
    choice = scores
    if correction is not None:
      choice = torch.add(scores, correction)
    if groups > 1:
      tokens, experts = torch.size(choice)
      grouped = torch.view(choice, [tokens, groups, torch.floordiv(experts, groups)])
      best = torch.amax(grouped, [-1])
      if scoring == 2:
        two, unused = torch.topk(grouped, 2, -1)
        best = torch.sum(two, [-1])
      unused_best, where = torch.topk(best, chosen_groups, -1)
      closed = torch.scatter(torch.ones_like(best, dtype=11), 1, where, False)
      choice = torch.view(torch.masked_fill(grouped, torch.unsqueeze(closed, -1), -float("inf")), [tokens, experts])
    unused_choice, chosen = torch.topk(choice, top_k, -1)
    # Without the correction, which affects the choice only and not the weight.
    weights = torch.gather(scores, 1, chosen)
    if scoring == 1:
      weights = torch.softmax(weights, -1)
    if scoring == 3:
      weights = torch.sigmoid(weights)
    if renormalise:
      weights = torch.div(weights, torch.add(torch.sum(weights, [-1], True), 1e-20))
    if scale != 1.:
      weights = torch.mul(weights, scale)
    return (chosen, weights)
  def by_expert(self, chosen: Tensor, experts: int) -> Tuple[Tensor, List[int]]:
    # The (token, choice) pairs sorted by expert, and where each expert's end. Stable, so that sums have one order.
    flat = torch.reshape(chosen, [-1])
    order = torch.argsort(flat, stable=True, dim=0)
    counts = torch.to(torch.cumsum(torch.bincount(flat, None, experts), 0), torch.device("cpu"), 4)
    ends = annotate(List[int], [])
    for e in range(experts):
      ends.append(int(torch.item(torch.select(counts, 0, e))))
    return (order, ends)
  def rows_of(self, x: Tensor, order: Tensor, weights: Tensor, weighted: bool) -> Tensor:
    rows = torch.index_select(x, 0, torch.floor_divide(order, torch.size(weights, 1)))
    if weighted:
      w = torch.index_select(torch.reshape(weights, [-1]), 0, order)
      rows = torch.mul_(rows, torch.unsqueeze(torch.to(w, ops.prim.dtype(x)), 1))
    return rows
  def by_token(self, y: Tensor, order: Tensor, weights: Tensor, weighted: bool) -> Tensor:
    # A gather that sums the rows of each token in the order of its choices.
    tokens, top_k = torch.size(weights)
    device = ops.prim.device(y)
    place = torch.scatter(order, 0, order, torch.arange(tokens * top_k, dtype=4, device=device))
    w = torch.to(torch.reshape(weights, [-1]), ops.prim.dtype(y))
    if weighted:
      w = torch.ones_like(w)
    out, a, b, c = torch.embedding_bag(y, place, torch.arange(0, tokens * top_k, top_k, dtype=4, device=device), False, 0, False, w)
    return out
  def new_rows(self, like: Tensor, columns: int) -> Tensor:
    return torch.empty([torch.size(like, 0), columns], dtype=ops.prim.dtype(like), device=ops.prim.device(like))
  def experts_separate(self, x: Tensor, chosen: Tensor, weights: Tensor, weighted: bool, gate: List[Tensor], up: List[Tensor], down: List[Tensor]) -> Tensor:
    # Only the products run per expert: every further operator there would be another point at which all threads synchronise, and on a
    # busy machine these dominate the time.
    order, ends = self.by_expert(chosen, len(gate))
    rows = self.rows_of(x, order, weights, weighted)
    g = self.new_rows(rows, torch.size(gate[0], 0))
    u = torch.empty_like(g)
    start = 0
    for e in range(len(gate)):
      end = ends[e]
      if end > start:
        own = torch.slice(rows, 0, start, end)
        torch.mm(own, torch.t(gate[e]), out=torch.slice(g, 0, start, end))
        torch.mm(own, torch.t(up[e]), out=torch.slice(u, 0, start, end))
      start = end
    torch.mul_(torch.silu_(g), u)
    start = 0
    for e in range(len(gate)):
      end = ends[e]
      if end > start:
        # The input is no longer needed.
        torch.mm(torch.slice(g, 0, start, end), torch.t(down[e]), out=torch.slice(rows, 0, start, end))
      start = end
    return self.by_token(rows, order, weights, weighted)
  def experts_stacked(self, x: Tensor, chosen: Tensor, weights: Tensor, weighted: bool, gate_up: Tensor, gate_up_bias: Optional[Tensor], down: Tensor, down_bias: Optional[Tensor], interleaved: bool, limit: Optional[float]) -> Tensor:
    sorted, order, ends = self.ends_of_experts(chosen, torch.size(gate_up, 0))
    h = self.product_by_expert(self.rows_of(x, order, weights, weighted), gate_up, ends)
    if gate_up_bias is not None:
      torch.add_(h, torch.index_select(gate_up_bias, 0, sorted))
    y = self.product_by_expert(self.expert_activation(h, interleaved, limit), down, ends)
    if down_bias is not None:
      torch.add_(y, torch.index_select(down_bias, 0, sorted))
    return self.by_token(y, order, weights, weighted)
  def experts_together(self, x: Tensor, chosen: Tensor, weights: Tensor, weighted: bool, gate: Tensor, up: Tensor, down: Tensor) -> Tensor:
    sorted, order, ends = self.ends_of_experts(chosen, torch.size(gate, 0))
    rows = self.rows_of(x, order, weights, weighted)
    g = self.product_by_expert(rows, torch.transpose(gate, 1, 2), ends)
    u = self.product_by_expert(rows, torch.transpose(up, 1, 2), ends)
    y = self.product_by_expert(torch.mul_(torch.silu_(g), u), torch.transpose(down, 1, 2), ends)
    return self.by_token(y, order, weights, weighted)
  def ends_of_experts(self, chosen: Tensor, experts: int) -> Tuple[Tensor, Tensor, Tensor]:
    # The (token, choice) pairs sorted by expert, and where each expert's rows end: on the device, so that the host need not wait.
    sorted, order = torch.sort(torch.reshape(chosen, [-1]), stable=True, dim=0, descending=False)
    numbers = torch.arange(experts, dtype=4, device=ops.prim.device(chosen))
    return (sorted, order, torch.searchsorted(sorted, numbers, out_int32=True, right=True))
  def fits_grouped(self, x: Tensor, weight: Tensor) -> bool:
    # The grouped kernel takes bfloat16 whose rows begin at multiples of 16 bytes.
    aligned = torch.size(weight, 1) % 8 == 0 and torch.size(weight, 2) % 8 == 0
    return ops.prim.is_cuda(x) and ops.prim.dtype(x) == 15 and aligned
  def expert_activation(self, h: Tensor, interleaved: bool, limit: Optional[float]) -> Tensor:
    half = torch.floordiv(torch.size(h, 1), 2)
    gate = torch.slice(h, 1, 0, half)
    up = torch.slice(h, 1, half)
    if interleaved:
      gate = torch.slice(h, 1, 0, None, 2)
      up = torch.slice(h, 1, 1, None, 2)
    if limit is None:
      return torch.mul_(torch.silu(gate), up)
    gate = torch.clamp_max(gate, limit)
    glow = torch.mul(gate, torch.sigmoid(torch.mul(gate, 1.702)))
    return torch.mul_(torch.add_(torch.clamp(up, torch.neg(limit), limit), 1), glow)
