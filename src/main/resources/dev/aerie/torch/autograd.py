  def leaf(self, x: Tensor) -> Tensor:
    return torch.requires_grad_(torch.detach(x), True)
  def grad(self, outputs: List[Tensor], grads: List[Tensor], inputs: List[Tensor]) -> List[Optional[Tensor]]:
    optional = annotate(List[Optional[Tensor]], [])
    for g in grads:
      optional.append(g)
    return torch.grad(outputs, inputs, optional, None, False, True)
