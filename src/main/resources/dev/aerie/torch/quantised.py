  def dequantise_blocks(self, codes: Tensor, scales: Tensor, rows: int, columns: int, dtype: int) -> Tensor:
    # One row of scales for each row of blocks, spread over the columns: a scale for each weight would take the memory twice.
    m, n = torch.size(codes)
    spread = torch.slice(torch.repeat_interleave(torch.to(scales, 6), columns, 1), 1, 0, n)
    out = torch.to(codes, 6)
    whole = torch.floordiv(m, rows)
    if whole > 0:
      torch.mul_(torch.view(torch.narrow(out, 0, 0, whole * rows), [whole, rows, n]), torch.unsqueeze(torch.narrow(spread, 0, 0, whole), 1))
    if m > whole * rows:
      torch.mul_(torch.narrow(out, 0, whole * rows, m - whole * rows), torch.narrow(spread, 0, whole, 1))
    return torch.to(out, dtype)
  def dequantise_mxfp4(self, blocks: Tensor, scales: Tensor, dtype: int) -> Tensor:
    e, m, g, half = torch.size(blocks)
    # Both codes of each of the 256 bytes. Their products with a power of two are exact in bfloat16 too.
    e2m1 = torch.tensor([0., 0.5, 1., 1.5, 2., 3., 4., 6., 0., -0.5, -1., -1.5, -2., -3., -4., -6.], dtype=6, device=ops.prim.device(blocks))
    pairs = torch.reshape(torch.stack([torch.repeat(e2m1, [16]), torch.repeat_interleave(e2m1, 16)], 1), [256, 2])
    out = torch.empty([e, m, 2 * g * half], dtype=dtype, device=ops.prim.device(blocks))
    # Per expert, because an index takes four bytes for each of the stored ones.
    for i in range(e):
      exponents = torch.select(scales, 0, i)
      if ops.prim.dtype(exponents) == 0:
        exponents = torch.set_(torch.empty([0], dtype=44, device=ops.prim.device(blocks)), torch.clone(exponents), 0, [m, g], [g, 1])
      values = torch.index_select(pairs, 0, torch.to(torch.reshape(torch.select(blocks, 0, i), [-1]), 3))
      torch.mul_(torch.view(values, [m, g, 2 * half]), torch.unsqueeze(torch.to(exponents, 6), -1))
      torch.copy_(torch.select(out, 0, i), torch.view(values, [m, 2 * g * half]))
    return out
