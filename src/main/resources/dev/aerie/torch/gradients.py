  def wide(self, x: Tensor) -> Tensor:
    # Statistics and sums over rows in float32; float64 stays, for the tests.
    if ops.prim.dtype(x) == 7:
      return x
    return torch.to(x, 6)
  def rms_norm_backward(self, dy: Tensor, x: Tensor, weight: Tensor, eps: float) -> Tuple[Tensor, Tensor]:
    w = self.wide(x)
    inverse = torch.rsqrt(torch.add(torch.mean(torch.square(w), [-1], True), eps))
    normed = torch.mul(w, inverse)
    g = self.wide(dy)
    dweight = torch.sum(torch.mul(g, normed), [0])
    dn = torch.mul(g, weight)
    mean = torch.mean(torch.mul(dn, normed), [-1], True)
    dx = torch.mul(torch.sub(dn, torch.mul(normed, mean)), inverse)
    return (torch.to(dx, ops.prim.dtype(x)), dweight)
  def silu_product(self, gate_up: Tensor) -> Tensor:
    n = torch.floordiv(torch.size(gate_up, -1), 2)
    return torch.mul(torch.silu(torch.slice(gate_up, -1, 0, n)), torch.slice(gate_up, -1, n))
  def silu_product_backward(self, dy: Tensor, gate_up: Tensor) -> Tensor:
    n = torch.floordiv(torch.size(gate_up, -1), 2)
    gate = torch.slice(gate_up, -1, 0, n)
    up = torch.slice(gate_up, -1, n)
    out = torch.empty_like(gate_up)
    torch.copy_(torch.slice(out, -1, 0, n), torch.silu_backward(torch.mul(dy, up), gate))
    torch.mul(dy, torch.silu(gate), out=torch.slice(out, -1, n))
    return out
  def linear_add(self, x: Tensor, weight: Tensor, addend: Tensor) -> Tensor:
    return torch.addmm(addend, x, torch.t(weight))
  def matmul(self, a: Tensor, b: Tensor) -> Tensor:
    return torch.mm(a, b)
  def add_outer_(self, gradient: Tensor, dy: Tensor, x: Tensor) -> NoneType:
    if ops.prim.dtype(gradient) == ops.prim.dtype(dy):
      torch.addmm_(gradient, torch.t(dy), x)
    else:
      torch.add_(gradient, torch.mm(torch.t(dy), x))
    return None
