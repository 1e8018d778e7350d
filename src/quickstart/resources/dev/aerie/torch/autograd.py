  def leaf(self, x: Tensor) -> Tensor:
    return torch.requires_grad_(torch.detach(x), True)
  def grad(self, outputs: List[Tensor], grads: List[Tensor], inputs: List[Tensor]) -> List[Optional[Tensor]]:
    optional = annotate(List[Optional[Tensor]], [])
    for g in grads:
      optional.append(g)
    return torch.grad(outputs, inputs, optional, None, False, True)
  def cross_entropy(self, logits: Tensor, ids: Tensor) -> Tensor:
    return torch.cross_entropy_loss(logits, ids, None, 1, -100, 0.)
