  def adam_w(self, parameter: List[Tensor], gradient: List[Tensor], mean: List[Tensor], variance: List[Tensor], rate: float, beta1: float, beta2: float, eps: float, decay: float, step: int) -> NoneType:
    # Fused: no temporary of the parameters' size. The lists are arguments, because for lists created here TorchScript finds
    # no use of the result and drops the call. The step is float32 whatever the parameters are: CUDA takes no other type.
    steps = torch.full([], float(step), dtype=6, device=ops.prim.device(parameter[0]))
    torch._fused_adamw_(parameter, gradient, mean, variance, annotate(List[Tensor], []), [steps], lr=rate, beta1=beta1, beta2=beta2, weight_decay=decay, eps=eps, amsgrad=False, maximize=False)
    return None
  def global_norm(self, xs: List[Tensor]) -> float:
    # Squares summed in float64: float32 sums over a billion elements lose digits and depend on the order. In pieces, because
    # the operator makes a float64 copy of what it reads.
    piece = 1048576
    sum = 0.
    for x in xs:
      flat = torch.reshape(x, [-1])
      n = torch.size(flat, 0)
      total = torch.zeros([], dtype=7, device=ops.prim.device(x))
      start = 0
      while torch.lt(start, n):
        end = ops.prim.min(start + piece, n)
        torch.add_(total, torch.square(torch.linalg_vector_norm(torch.slice(flat, 0, start, end), 2., dtype=7)))
        start = end
      sum = sum + float(torch.item(total))
    return sum ** 0.5
