  def adam_w(self, parameter: Tensor, gradient: Tensor, mean: Tensor, variance: Tensor, rate: float, beta1: float, beta2: float, eps: float, decay: float, step: int) -> NoneType:
    torch.mul_(parameter, 1. - rate * decay)
    torch.lerp_(mean, gradient, 1. - beta1)
    torch.addcmul_(torch.mul_(variance, beta2), gradient, gradient, value=1. - beta2)
    root = torch.add_(torch.div_(torch.sqrt(variance), (1. - beta2 ** float(step)) ** 0.5), eps)
    torch.addcdiv_(parameter, mean, root, value=-rate / (1. - beta1 ** float(step)))
    return None
  def global_norm(self, xs: List[Tensor]) -> float:
    # Squares summed in float64: float32 sums over a billion elements lose digits and depend on the order.
    sum = 0.
    for x in xs:
      sum = sum + float(torch.item(torch.sum(torch.square(torch.linalg_vector_norm(x, 2., dtype=7)))))
    return sum ** 0.5
