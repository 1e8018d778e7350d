  def delta_inputs(self, qkvz: Tensor, ba: Tensor, a_log: Tensor, dt_bias: Tensor, kh: int, vh: int, dk: int, dv: int) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
    # Both projections are grouped by key head: its query, key, values and gates; its betas and its time steps.
    n = torch.size(qkvz, 0)
    r = torch.floordiv(vh, kh)
    m = torch.view(qkvz, [n, kh, 2 * dk + 2 * r * dv])
    q = torch.reshape(torch.slice(m, 2, 0, dk), [n, kh * dk])
    k = torch.reshape(torch.slice(m, 2, dk, 2 * dk), [n, kh * dk])
    v = torch.reshape(torch.slice(m, 2, 2 * dk, 2 * dk + r * dv), [n, vh * dv])
    z = torch.reshape(torch.slice(m, 2, 2 * dk + r * dv), [n, vh, dv])
    t = self.wide(torch.view(ba, [n, kh, 2 * r]))
    beta = torch.sigmoid(torch.reshape(torch.slice(t, 2, 0, r), [n, vh]))
    step = torch.softplus(torch.add(torch.reshape(torch.slice(t, 2, r), [n, vh]), dt_bias))
    decay = torch.neg(torch.mul(torch.exp(a_log), step))
    return (torch.cat([q, k, v], 1), z, decay, beta)
  def delta_rule(self, x: Tensor, convolution: Tensor, decay: Tensor, beta: Tensor, kh: int, vh: int, dk: int, dv: int, cu_seqlens: List[int], tail: Optional[Tensor], state: Optional[Tensor]) -> Tuple[Tensor, Tensor, Tensor]:
    # Concatenated sequences; the first one continues from tail and state. Returns the tail and state of the last one too.
    kernel = torch.size(convolution, -1)
    taps = self.wide(torch.reshape(convolution, [-1, kernel]))
    out = annotate(List[Tensor], [])
    fresh_tail = torch.zeros([kernel - 1, torch.size(x, 1)], dtype=ops.prim.dtype(x), device=ops.prim.device(x))
    fresh_state = torch.zeros([vh, dk, dv], dtype=ops.prim.dtype(taps), device=ops.prim.device(x))
    last_tail = fresh_tail
    last_state = fresh_state
    for i in range(len(cu_seqlens) - 1):
      end = cu_seqlens[i + 1]
      last_tail = fresh_tail
      last_state = fresh_state
      if i == 0 and tail is not None and state is not None:
        last_tail = tail
        last_state = state
      # Blocks of rows, whose temporaries stay in the cache; 8192 rows at once run at half the speed.
      for j in range(torch.floordiv(end - cu_seqlens[i] + 1023, 1024)):
        start = cu_seqlens[i] + 1024 * j
        n = end - start
        if n > 1024:
          n = 1024
        rows = torch.cat([last_tail, torch.narrow(x, 0, start, n)], 0)
        last_tail = torch.clone(torch.narrow(rows, 0, n, kernel - 1))
        c = self.convolved(rows, taps, n)
        q = self.unit_heads(torch.narrow(c, 1, 0, kh * dk), kh, vh)
        k = self.unit_heads(torch.narrow(c, 1, kh * dk, kh * dk), kh, vh)
        v = torch.transpose(torch.view(torch.slice(c, 1, 2 * kh * dk), [n, vh, dv]), 0, 1)
        o, last_state = self.delta_sequence(torch.div(q, float(dk) ** 0.5), k, v, torch.t(torch.narrow(decay, 0, start, n)), torch.t(torch.narrow(beta, 0, start, n)), last_state)
        out.append(torch.to(torch.transpose(o, 0, 1), ops.prim.dtype(x)))
    return (torch.cat(out, 0), last_tail, last_state)
  def convolved(self, rows: Tensor, taps: Tensor, n: int) -> Tensor:
    # One tap at a time over whole rows, which equals a depthwise convolution of four taps. Rounded to the type of the rows.
    x = self.wide(rows)
    c = torch.mul(torch.narrow(x, 0, 0, n), torch.select(taps, 1, 0))
    for j in range(torch.size(taps, 1) - 1):
      torch.addcmul_(c, torch.narrow(x, 0, j + 1, n), torch.select(taps, 1, j + 1))
    return self.wide(torch.to(torch.silu_(c), ops.prim.dtype(rows)))
  def unit_heads(self, x: Tensor, kh: int, vh: int) -> Tensor:
    # [n, kh * d] to [vh, n, d]: of length one, a key head for each of its value heads.
    heads = torch.reshape(x, [torch.size(x, 0), kh, -1])
    unit = torch.mul(heads, torch.rsqrt(torch.add(torch.sum(torch.square(heads), [-1], True), 1.e-6)))
    return torch.repeat_interleave(torch.transpose(unit, 0, 1), torch.floordiv(vh, kh), 0)
  def delta_sequence(self, q: Tensor, k: Tensor, v: Tensor, decay: Tensor, beta: Tensor, state: Tensor) -> Tuple[Tensor, Tensor]:
    # The chunked form (Gated DeltaNet, arXiv 2412.06464, section 3.3): within a chunk the rows' corrections of the state
    # solve one triangular system; the state is passed from chunk to chunk. Rows of zeros fill the last chunk and change nothing.
    h, n, dk = torch.size(k)
    dv = torch.size(v, 2)
    size = 64
    if n < size:
      size = n
    chunks = torch.floordiv(n + size - 1, size)
    pad = chunks * size - n
    if pad > 0:
      q = torch.constant_pad_nd(q, [0, 0, 0, pad])
      k = torch.constant_pad_nd(k, [0, 0, 0, pad])
      v = torch.constant_pad_nd(v, [0, 0, 0, pad])
      decay = torch.constant_pad_nd(decay, [0, pad])
      beta = torch.constant_pad_nd(beta, [0, pad])
    q = torch.reshape(q, [h, chunks, size, dk])
    k = torch.reshape(k, [h, chunks, size, dk])
    b = torch.reshape(beta, [h, chunks, size, 1])
    g = torch.cumsum(torch.reshape(decay, [h, chunks, size]), 2)
    # Below the diagonal the difference is not positive; above it, it would overflow before it is masked.
    between = torch.tril(torch.exp(torch.tril(torch.sub(torch.unsqueeze(g, 3), torch.unsqueeze(g, 2)))))
    kb = torch.mul(k, b)
    kt = torch.transpose(k, 2, 3)
    system = torch.mul(torch.matmul(kb, kt), between)
    grown = torch.unsqueeze(torch.exp(g), 3)
    right = torch.cat([torch.mul(torch.reshape(v, [h, chunks, size, dv]), b), torch.mul(kb, grown)], 3)
    # Unitriangular: the diagonal of the system is not read.
    solved = torch.linalg_solve_triangular(system, right, upper=False, left=True, unitriangular=True)
    own = torch.slice(solved, 3, 0, dv)
    passed = torch.slice(solved, 3, dv)
    scores = torch.mul(torch.matmul(q, kt), between)
    asked = torch.mul(q, grown)
    end = torch.narrow(g, 2, size - 1, 1)
    left = torch.transpose(torch.mul(k, torch.unsqueeze(torch.exp(torch.sub(end, g)), 3)), 2, 3)
    kept = torch.unsqueeze(torch.exp(end), 3)
    out = annotate(List[Tensor], [])
    for i in range(chunks):
      new = torch.sub(torch.select(own, 1, i), torch.matmul(torch.select(passed, 1, i), state))
      out.append(torch.add(torch.matmul(torch.select(asked, 1, i), state), torch.matmul(torch.select(scores, 1, i), new)))
      state = torch.add(torch.mul(state, torch.select(kept, 1, i)), torch.matmul(torch.select(left, 1, i), new))
    o = out[0]
    if chunks > 1:
      o = torch.cat(out, 1)
    return (torch.narrow(o, 1, 0, n), state)
  def gated_rms_norm(self, x: Tensor, gate: Tensor, weight: Tensor, eps: float) -> Tensor:
    normed = torch.rms_norm(x, [torch.size(x, -1)], weight, eps)
    return torch.to(torch.mul(self.wide(normed), torch.silu(self.wide(gate))), ops.prim.dtype(x))
